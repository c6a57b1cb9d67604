#include "src/container/listener.h"

#include <sys/socket.h>

#include <cstdlib>

#include "src/base/path.h"
#include "src/container/state.h"
#include "src/linux/console.h"
#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

constexpr const char* kAnnotation = "run.oci.seccomp.receiver";
constexpr const char* kVariable = "RUN_OCI_SECCOMP_RECEIVER";

}  // namespace

Result<std::string> find_listener_path(const spec::Spec& spec, const std::string& bundle) {
  const std::string* annotation = spec::find(spec.annotations, kAnnotation);
  const char* variable = std::getenv(kVariable);
  std::string path;
  if (spec.linux.seccomp) path = spec.linux.seccomp->listener_path;
  if (path.empty() && annotation != nullptr) path = *annotation;
  if (path.empty() && variable != nullptr) path = variable;
  if (path.empty())
    return Error::invalid(
        "linux.seccomp.listenerPath: missing, and linux.seccomp.syscalls uses SCMP_ACT_NOTIFY");
  return path::join(bundle, path);
}

Result<void> give_listener(const Record& record, Status status, pid_t pid, const Fd& listener) {
  const Fd socket = TRY(console::connect_socket(record.listener_path));
  const std::string state = process_state(record, status, pid);
  std::string_view rest = state;
  const size_t sent = TRY(console::send_fd(socket, listener.get(), rest));
  rest.remove_prefix(sent);
  while (!rest.empty()) {
    const ssize_t more = sys::restarting(
        [&] { return ::send(socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL); });
    if (more < 0) return Error::from_errno("send the state");
    rest.remove_prefix(static_cast<size_t>(more));
  }
  return {};
}

}  // namespace skiff::container
