// Thin wrappers of system calls: flags fixed, EINTR restarted, errors as values.
#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/types.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::sys {

/// Repeats `call` while it fails with EINTR.
template <class Call>
auto restarting(const Call& call) {
  auto value = call();
  while (value < 0 && errno == EINTR) value = call();
  return value;
}

/// open(2) with O_CLOEXEC.
Result<Fd> open(const std::string& path, int flags, mode_t mode = 0);
/// openat(2) with O_CLOEXEC.
Result<Fd> open_at(const Fd& directory, const std::string& name, int flags, mode_t mode = 0);

/// The whole of `file`, at most `limit` bytes; more is an error.
Result<std::string> read_all(const Fd& file, size_t limit, std::string_view what);
/// All of `bytes`, in as few calls as the kernel lets.
Result<void> write_all(int fd, std::string_view bytes, std::string_view what);

/// open_tree(2): with `clone`, a detached copy of the mount at `path` (recursively if
/// `recursive`); else an O_PATH descriptor. `path` "" means `directory` itself; a symlink is
/// followed unless `nofollow`.
Result<Fd> open_tree(int directory, const char* path, bool clone, bool recursive,
                     bool nofollow = false);
/// move_mount(2): attaches the detached or attached mount `mount` on `target`.
Result<void> move_mount(const Fd& mount, const Fd& target);

/// mount_setattr(2) on the mount whose root `mount` is (AT_EMPTY_PATH). Since Linux 5.12.
Result<void> set_mount_attributes(const Fd& mount, const ::mount_attr& attributes, bool recursive);

/// setns(2); `type` 0 or CLONE_NEW*.
Result<void> set_namespace(int fd, uint64_t type);

/// "/proc/self/fd/N": lets path-taking calls act on an open file.
std::string fd_path(const Fd& fd);

}  // namespace skiff::sys
