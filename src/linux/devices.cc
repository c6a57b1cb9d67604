#include "src/linux/devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "src/base/path.h"
#include "src/linux/mounts.h"
#include "src/linux/rootdir.h"
#include "src/linux/syscalls.h"

namespace skiff::devices {

Result<void> make_node(const Fd& root, const std::string& path, mode_t mode, dev_t device) {
  const Fd directory = TRY(rootdir::make_directory(root, path::parent(path)));
  const std::string name(path::base_name(path));
  if (::mknodat(directory.get(), name.c_str(), S_IFCHR | mode, device) == 0) return {};
  if (errno != EEXIST) return Error::from_errno("mknod {}", path);
  struct stat status {};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
    return Error::from_errno("stat {}", path);
  if (!S_ISCHR(status.st_mode) || status.st_rdev != device)
    return Error::invalid("{} exists in the rootfs and is not character device {}:{}", path,
                          major(device), minor(device));
  return {};
}

Result<void> bind_node(const Fd& root, const std::string& path) {
  const Fd node = TRY(mounts::clone_tree(path, false));
  const Fd target = TRY(rootdir::make_file(root, path));
  return sys::move_mount(node, target).context("bind {}", path);
}

Result<void> make_links(const Fd& root) {
  struct Link {
    const char* name;
    const char* target;
  };
  constexpr Link kLinks[] = {
      {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
      {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"},
  };
  const Fd dev = TRY(rootdir::make_directory(root, "/dev"));
  for (const Link& link : kLinks) {
    if (::symlinkat(link.target, dev.get(), link.name) == 0) continue;
    if (errno != EEXIST) return Error::from_errno("link /dev/{}", link.name);
    if (std::string_view(link.name) != "ptmx") continue;
    if (::unlinkat(dev.get(), link.name, 0) < 0 ||
        ::symlinkat(link.target, dev.get(), link.name) < 0)
      return Error::from_errno("link /dev/{}", link.name);
  }
  return {};
}

bool is_null_device(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(1, 3);
}

}  // namespace skiff::devices
