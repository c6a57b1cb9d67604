#include "src/container/handover.h"

#include <unistd.h>

#include <cstdio>

#include "src/base/path.h"
#include "src/linux/console.h"
#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

Result<void> write_pid_file(const std::string& path, pid_t pid) {
  const std::string directory = path::parent(path);
  const std::string temporary =
      fmt::format("{}/.{}.{}", directory, path::base_name(path), ::getpid());
  {
    const Fd file = TRY(sys::open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    auto written = sys::write_all(file.get(), fmt::format("{}", pid), temporary);
    if (!written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
  auto error = Error::from_errno("rename to {}", path);
  ::unlink(temporary.c_str());
  return error;
}

Result<void> send_to(const std::string& path, int fd, const char* payload) {
  const Fd socket = TRY(console::connect_socket(path));
  TRY(console::send_fd(socket, fd, payload));
  return {};
}

}  // namespace

Result<void> hand_over(Fd& console, const Fd& pidfd, const char* role, pid_t pid,
                       const HandoverPaths& paths) {
  if (!paths.console_socket.empty() && console) {
    TRY(send_to(paths.console_socket, console.get(), "/dev/ptmx").context("--console-socket"));
    console.close();
  }
  if (!paths.pidfd_socket.empty())
    TRY(send_to(paths.pidfd_socket, pidfd.get(), role).context("--pidfd-socket"));
  if (!paths.pidfd_receiver.empty())
    TRY(send_to(paths.pidfd_receiver, pidfd.get(), role)
            .context("annotations.run.oci.pidfd_receiver"));
  if (!paths.pid_file.empty()) TRY(write_pid_file(paths.pid_file, pid).context("--pid-file"));
  return {};
}

}  // namespace skiff::container
