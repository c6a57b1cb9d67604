#include "src/linux/syscalls.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace skiff::sys {

Result<Fd> open(const std::string& path, int flags, mode_t mode) {
  const int fd = restarting([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) return Error::from_errno("open {}", path);
  return Fd(fd);
}

Result<Fd> open_at(const Fd& directory, const std::string& name, int flags, mode_t mode) {
  const int fd =
      restarting([&] { return ::openat(directory.get(), name.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) return Error::from_errno("open {}", name);
  return Fd(fd);
}

Result<std::string> read_all(const Fd& file, size_t limit, std::string_view what) {
  std::string bytes;
  size_t used = 0;
  for (;;) {
    if (used == bytes.size()) bytes.resize(used == 0 ? 4096 : used * 2);
    const ssize_t got =
        restarting([&] { return ::read(file.get(), bytes.data() + used, bytes.size() - used); });
    if (got < 0) return Error::from_errno("read {}", what);
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > limit) return Error::invalid("read {}: more than {} bytes", what, limit);
  }
  bytes.resize(used);
  return bytes;
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t put = restarting([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (put < 0) return Error::from_errno("write {}", what);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Result<Fd> open_tree(int directory, const char* path, bool clone, bool recursive, bool nofollow) {
  unsigned flags = OPEN_TREE_CLOEXEC;
  if (clone) flags |= OPEN_TREE_CLONE;
  if (recursive) flags |= AT_RECURSIVE;
  if (nofollow) flags |= AT_SYMLINK_NOFOLLOW;
  if (*path == '\0') flags |= AT_EMPTY_PATH;
  const long fd = restarting([&] { return ::syscall(SYS_open_tree, directory, path, flags); });
  if (fd < 0) return Error::from_errno("open_tree {}", path);
  return Fd(static_cast<int>(fd));
}

Result<void> move_mount(const Fd& mount, const Fd& target) {
  constexpr unsigned kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (::syscall(SYS_move_mount, mount.get(), "", target.get(), "", kFlags) < 0)
    return Error::from_errno("move_mount");
  return {};
}

Result<void> set_mount_attributes(const Fd& mount, const ::mount_attr& attributes, bool recursive) {
  const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u);
  if (::syscall(SYS_mount_setattr, mount.get(), "", flags, &attributes, sizeof attributes) < 0)
    return Error::from_errno("mount_setattr");
  return {};
}

Result<void> set_namespace(int fd, uint64_t type) {
  if (::setns(fd, static_cast<int>(type)) < 0) return Error::from_errno("setns");
  return {};
}

std::string fd_path(const Fd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

}  // namespace skiff::sys
