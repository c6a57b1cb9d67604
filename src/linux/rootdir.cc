#include "src/linux/rootdir.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include <climits>

#include "src/base/path.h"
#include "src/linux/syscalls.h"

namespace skiff::rootdir {
namespace {

constexpr int kSymlinkLimit = 40;  // MAXSYMLINKS of the kernel

Result<Fd> resolve(const Fd& root, const std::string& path, int flags, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(static_cast<unsigned>(flags)) | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: a rename somewhere on the system raced with the check of a "..".
  for (int attempt = 0;; ++attempt) {
    const long fd = sys::restarting(
        [&] { return ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how); });
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno != EAGAIN || attempt == 128) return Error::from_errno("open {} in rootfs", path);
  }
}

/// Where the dangling symlink `parent`/`name` points, as a path from the root.
Result<std::string> follow(const Fd& directory, const std::string& parent,
                           const std::string& name) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(directory.get(), name.c_str(), target, sizeof target);
  if (size < 0) return Error::from_errno("readlink {}/{} in rootfs", parent, name);
  const std::string text(target, static_cast<size_t>(size));
  return text.starts_with('/') ? text : parent + "/" + text;
}

Result<Fd> make_directory_at(const Fd& root, const std::string& path, int links_left);

/// For a `path` that does not exist.
Result<Fd> make_missing_directory(const Fd& root, const std::string& path, int links_left) {
  // Each step opens its parent again from the root: a component swapped for a
  // symlink meanwhile can lead elsewhere in the rootfs, never out of it.
  std::string done;
  Fd parent = TRY(open_inside(root, "/", O_PATH | O_DIRECTORY));
  size_t at = 0;
  while (at < path.size()) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    const std::string next = done + "/" + name;
    auto opened = open_inside(root, next, O_PATH | O_DIRECTORY);
    if (!opened && opened.error().is(ENOENT)) {
      if (::mkdirat(parent.get(), name.c_str(), 0755) < 0) {
        if (errno != EEXIST) return Error::from_errno("mkdir {} in rootfs", next);
        if (links_left == 0) return Error::from_code(ELOOP, "mkdir {} in rootfs", next);
        std::string target = TRY(follow(parent, done, name));
        if (end < path.size()) target += path.substr(end);
        return make_directory_at(root, target, links_left - 1);
      }
      opened = open_inside(root, next, O_PATH | O_DIRECTORY);
    }
    parent = TRY(std::move(opened));
    done = next;
  }
  return parent;
}

Result<Fd> make_directory_at(const Fd& root, const std::string& path, int links_left) {
  auto existing = open_inside(root, path, O_PATH | O_DIRECTORY);
  if (existing || !existing.error().is(ENOENT)) return existing;
  return make_missing_directory(root, path, links_left);
}

Result<Fd> make_file_at(const Fd& root, const std::string& path, int links_left);

/// For a `path` that does not exist.
Result<Fd> make_missing_file(const Fd& root, const std::string& path, int links_left) {
  const std::string parent_path = path::parent(path);
  const std::string name(path::base_name(path));
  const Fd parent = TRY(make_directory_at(root, parent_path, links_left));
  const int fd = ::openat(parent.get(), name.c_str(),
                          O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
  if (fd >= 0) {
    const Fd created(fd);
    return open_inside(root, path, O_PATH);
  }
  if (errno != EEXIST) return Error::from_errno("create {} in rootfs", path);
  if (links_left == 0) return Error::from_code(ELOOP, "create {} in rootfs", path);
  const std::string target = TRY(follow(parent, parent_path, name));
  return make_file_at(root, target, links_left - 1);
}

Result<Fd> make_file_at(const Fd& root, const std::string& path, int links_left) {
  auto existing = open_inside(root, path, O_PATH);
  if (existing || !existing.error().is(ENOENT)) return existing;
  return make_missing_file(root, path, links_left);
}

}  // namespace

Result<Fd> open_inside(const Fd& root, const std::string& path, int flags) {
  return resolve(root, path, flags, RESOLVE_IN_ROOT);
}

Result<Fd> open_plain_directory(const Fd& root, const std::string& path) {
  return resolve(root, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

Result<Fd> make_directory(const Fd& root, const std::string& path) {
  return make_directory_at(root, path, kSymlinkLimit);
}

Result<Fd> make_file(const Fd& root, const std::string& path) {
  return make_file_at(root, path, kSymlinkLimit);
}

Result<Fd> open_mount_point(const Fd& root, const std::string& path, bool directory) {
  const int flags = directory ? O_PATH | O_DIRECTORY : O_PATH;
  auto plain = resolve(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
  if (plain) return plain;
  if (plain.error().is(ENOENT))
    return directory ? make_missing_directory(root, path, kSymlinkLimit)
                     : make_missing_file(root, path, kSymlinkLimit);
  if (!plain.error().is(ELOOP)) return plain;
  Fd linked = TRY(directory ? make_directory(root, path) : make_file(root, path));
  struct statfs status {};
  if (::fstatfs(linked.get(), &status) < 0) return Error::from_errno("statfs {} in rootfs", path);
  if (status.f_type == PROC_SUPER_MAGIC)
    return Error::invalid("{} is a symbolic link into a proc file system", path);
  return linked;
}

}  // namespace skiff::rootdir
