#include "src/linux/lsm.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "src/base/text.h"
#include "src/linux/procfs.h"
#include "src/linux/syscalls.h"

namespace skiff::lsm {
namespace {

constexpr size_t kMostLabel = 65536;

/// The file of this thread for `name` of /proc/PID/attr; AppArmor has a directory of its own since
/// Linux 5.1, without which it answers at the common name.
Result<Fd> open_attribute(const Fd& procfs, const std::string& module, const std::string& name,
                          int flags, std::string& path) {
  path = fmt::format("thread-self/attr/{}{}{}", module, module.empty() ? "" : "/", name);
  auto file = procfs::open(procfs, path, flags);
  if (file || module.empty() || !file.error().is(ENOENT)) return file;
  return open_attribute(procfs, "", name, flags, path);
}

/// In one write(2), as the kernel wants it. Engines look for the file's name between back-ticks.
Result<void> write_attribute(const Fd& procfs, const std::string& module, const std::string& name,
                             std::string_view text) {
  std::string path;
  const Fd file = TRY(open_attribute(procfs, module, name, O_WRONLY, path));
  const ssize_t size =
      sys::restarting([&] { return ::write(file.get(), text.data(), text.size()); });
  if (size < 0) return Error::from_errno("write `/proc/{}`", path);
  if (static_cast<size_t>(size) != text.size())
    return Error::invalid("write `/proc/{}`: the kernel took {} of {} bytes", path, size,
                          text.size());
  return {};
}

/// Whether an AppArmor profile holds for this thread: "docker-default (enforce)", "unconfined".
Result<bool> is_confined(const Fd& procfs) {
  std::string path;
  const Fd file = TRY(open_attribute(procfs, "apparmor", "current", O_RDONLY, path));
  const std::string current = TRY(sys::read_all(file, kMostLabel, "/proc/" + path));
  return !text::trim(current).starts_with("unconfined");
}

}  // namespace

bool has_apparmor() {
  const auto file = sys::open("/sys/module/apparmor/parameters/enabled", O_RDONLY);
  char answer = 0;
  return file && ::read(file->get(), &answer, 1) == 1 && answer == 'Y';
}

bool has_selinux() {
  struct statfs status {};
  return ::statfs("/sys/fs/selinux", &status) == 0 &&
         static_cast<unsigned long>(status.f_type) == SELINUX_MAGIC;
}

Result<void> set_apparmor_exec(const Fd& procfs, const std::string& profile,
                               bool no_new_privileges) {
  const bool stack = no_new_privileges && TRY(is_confined(procfs));
  auto written =
      write_attribute(procfs, "apparmor", "exec", (stack ? "stack " : "exec ") + profile);
  if (!written && written.error().is(ENOENT))
    return std::move(written).error().with_hint(
        fmt::format("the profile {} is not loaded", text::quote(profile)));
  return written;
}

Result<void> set_selinux_exec(const Fd& procfs, const std::string& label) {
  auto written = write_attribute(procfs, "", "exec", label);
  if (!written && written.error().is(EINVAL))
    return std::move(written).error().with_hint(
        fmt::format("the policy has no label {}", text::quote(label)));
  return written;
}

Result<void> set_selinux_keycreate(const Fd& procfs, const std::string& label) {
  return write_attribute(procfs, "", "keycreate", label.empty() ? "\n" : label);
}

}  // namespace skiff::lsm
