#include "src/linux/sysctl.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <string>

#include "src/base/text.h"
#include "src/linux/syscalls.h"
#include "src/spec/sysctl.h"

namespace skiff::sysctl {
namespace {

Result<void> require_procfs(const Fd& directory) {
  struct statfs status {};
  if (::fstatfs(directory.get(), &status) < 0) return Error::from_errno("fstatfs /proc/sys");
  if (status.f_type != PROC_SUPER_MAGIC) return Error::invalid("/proc/sys: not on procfs");
  return {};
}

Result<Fd> open_parameter(const Fd& proc_sys, const std::string& path) {
  open_how how{};
  how.flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const long fd = sys::restarting(
      [&] { return ::syscall(SYS_openat2, proc_sys.get(), path.c_str(), &how, sizeof how); });
  if (fd >= 0) return Fd(static_cast<int>(fd));
  Error error = Error::from_errno("open");
  if (!error.is(ENOENT)) return error;
  return std::move(error).with_hint(
      "this kernel has no such parameter, or its module is not loaded");
}

Result<void> write_parameter(const Fd& proc_sys, const std::string& path, std::string_view value) {
  TRY(require_procfs(proc_sys));
  const Fd file = TRY(open_parameter(proc_sys, path));
  if (value.empty()) value = "\n";  // the kernel takes no notice of a write of nothing
  const ssize_t size =
      sys::restarting([&] { return ::write(file.get(), value.data(), value.size()); });
  if (size < 0) return Error::from_errno("write {}", text::quote(value));
  if (static_cast<size_t>(size) != value.size())
    return Error::invalid("write {}: the kernel took only {} of {} bytes", text::quote(value), size,
                          value.size());
  return {};
}

}  // namespace

Result<void> write(const Fd& proc_sys, std::string_view key, std::string_view value) {
  // Beyond this the key is fit to be shown: the name of a file without blanks or control
  // characters.
  const std::string path = TRY(spec::sysctl_file(key).context("linux.sysctl"));
  return write_parameter(proc_sys, path, value).context("linux.sysctl: {}", key);
}

}  // namespace skiff::sysctl
