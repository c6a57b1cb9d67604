#include "src/linux/copy_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff {
namespace {

constexpr int kDeepest = 256;  // two descriptors each, and RLIMIT_NOFILE is often 1024

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// An object of the source, opened (O_PATH) and looked at; what its name means later is nobody's
/// business.
struct Object {
  Fd fd;
  struct stat status {};
};

/// A place in the copy. The copy is ours alone, so that names there can be trusted.
struct Place {
  const Fd& directory;
  const std::string& name;
  std::string path() const { return sys::fd_path(directory) + "/" + name; }
};

Result<void> copy_attribute(const Object& from, const Place& to, const char* name) {
  const std::string source = sys::fd_path(from.fd);
  std::string value(XATTR_SIZE_MAX, '\0');
  const ssize_t size = ::getxattr(source.c_str(), name, value.data(), value.size());
  if (size < 0) {
    if (errno == ENODATA) return {};  // gone since it was listed
    return Error::from_errno("read attribute {}", text::quote(name));
  }
  const auto bytes = static_cast<size_t>(size);
  if (::lsetxattr(to.path().c_str(), name, value.data(), bytes, 0) == 0) return {};
  // tmpfs takes user.* since Linux 6.6 only, and no security.selinux of its own with context=.
  if (errno == EOPNOTSUPP) return {};
  return Error::from_errno("set attribute {}", text::quote(name));
}

Result<void> copy_attributes(const Object& from, const Place& to) {
  const std::string source = sys::fd_path(from.fd);
  const ssize_t needed = ::listxattr(source.c_str(), nullptr, 0);
  if (needed == 0 || (needed < 0 && errno == EOPNOTSUPP)) return {};
  if (needed < 0) return Error::from_errno("list attributes");
  std::string names(XATTR_LIST_MAX, '\0');
  const ssize_t size = ::listxattr(source.c_str(), names.data(), names.size());
  if (size < 0) return Error::from_errno("list attributes");
  names.resize(static_cast<size_t>(size));
  for (size_t at = 0; at < names.size(); at += std::char_traits<char>::length(&names[at]) + 1)
    TRY(copy_attribute(from, to, &names[at]));
  return {};
}

/// Owner, mode, attributes, times, in the order in which none undoes another: chown(2) takes
/// set-user-id bits and file capabilities away.
Result<void> copy_metadata(const Object& from, const Place& to) {
  const struct stat& status = from.status;
  const int directory = to.directory.get();
  const char* name = to.name.c_str();
  if (::fchownat(directory, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return Error::from_errno("chown to {}:{}", status.st_uid, status.st_gid);
  if (!S_ISLNK(status.st_mode) && ::fchmodat(directory, name, status.st_mode & 07777, 0) < 0)
    return Error::from_errno("chmod");
  TRY(copy_attributes(from, to));
  const timespec times[2] = {status.st_atim, status.st_mtim};
  if (::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) < 0)
    return Error::from_errno("set times");
  return {};
}

/// The bytes from `begin` to `end`, as many as there are.
Result<void> copy_bytes(const Fd& from, const Fd& to, off_t begin, off_t end) {
  if (::lseek(to.get(), begin, SEEK_SET) < 0) return Error::from_errno("seek");
  for (off_t at = begin; at < end;) {
    const ssize_t sent = sys::restarting(
        [&] { return ::sendfile(to.get(), from.get(), &at, static_cast<size_t>(end - at)); });
    if (sent < 0) return Error::from_errno("copy");
    if (sent == 0) return {};  // cut off meanwhile
  }
  return {};
}

/// The first `size` bytes, holes as holes: a file may be larger than all memory.
Result<void> copy_contents(const Fd& from, const Fd& to, off_t size) {
  for (off_t at = 0; at < size;) {
    const off_t data = ::lseek(from.get(), at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole to the end
    if (data < 0) return Error::from_errno("seek");
    off_t hole = ::lseek(from.get(), data, SEEK_HOLE);
    if (hole < 0) hole = size;
    TRY(copy_bytes(from, to, data, std::min(hole, size)));
    at = hole;
  }
  if (::ftruncate(to.get(), size) < 0) return Error::from_errno("truncate");
  return {};
}

Result<void> copy_regular(const Object& from, const Place& to) {
  const Fd source = TRY(sys::open(sys::fd_path(from.fd), O_RDONLY | O_NONBLOCK | O_NOCTTY));
  const Fd target =
      TRY(sys::open_at(to.directory, to.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  return copy_contents(source, target, from.status.st_size);
}

Result<void> copy_symlink(const Object& from, const Place& to) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(from.fd.get(), "", target, sizeof target - 1);
  if (size < 0) return Error::from_errno("readlink");
  target[size] = '\0';
  if (::symlinkat(target, to.directory.get(), to.name.c_str()) < 0)
    return Error::from_errno("symlink");
  return {};
}

class TreeCopy {
 public:
  explicit TreeCopy(const Fd& root) : root_(root) {}

  /// `path` is that of `to` in the copy, "" for its root.
  Result<void> fill(const Fd& from, const Fd& to, const std::string& path, int depth) {
    if (depth > kDeepest)
      return Error::invalid("{} is more than {} directories deep", text::quote(path), kDeepest);
    Fd readable = TRY(sys::open_at(from, ".", O_RDONLY | O_DIRECTORY));
    const Directory entries(::fdopendir(readable.get()));
    if (!entries) return Error::from_errno("read {}", text::quote(path));
    (void)readable.release();
    errno = 0;
    while (const dirent* entry = ::readdir(entries.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") TRY(copy(from, to, name, path, depth));
      errno = 0;
    }
    if (errno != 0) return Error::from_errno("read {}", text::quote(path));
    return {};
  }

 private:
  Result<void> copy(const Fd& from, const Fd& to, const std::string& name, const std::string& above,
                    int depth) {
    const std::string path = above.empty() ? name : above + "/" + name;
    open_how how{};
    how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
    Object object;
    object.fd =
        Fd(static_cast<int>(::syscall(SYS_openat2, from.get(), name.c_str(), &how, sizeof how)));
    const Place place{to, name};
    if (!object.fd && errno == EXDEV) return make_mount_point(from, place);
    if (!object.fd && errno == ENOENT) return {};  // gone since it was listed
    if (!object.fd) return Error::from_errno("open {}", text::quote(path));
    if (::fstat(object.fd.get(), &object.status) < 0)
      return Error::from_errno("stat {}", text::quote(path));
    return copy_object(object, place, path, depth).context("{}", text::quote(path));
  }

  Result<void> copy_object(const Object& from, const Place& to, const std::string& path,
                           int depth) {
    const mode_t type = from.status.st_mode & S_IFMT;
    if (type == S_IFDIR) return copy_directory(from, to, path, depth);
    if (TRY(link_again(from, to, path))) return {};
    if (type == S_IFREG)
      TRY(copy_regular(from, to));
    else if (type == S_IFLNK)
      TRY(copy_symlink(from, to));
    else if (::mknodat(to.directory.get(), to.name.c_str(), type | 0600, from.status.st_rdev) < 0)
      return Error::from_errno("mknod");
    return copy_metadata(from, to);
  }

  Result<void> copy_directory(const Object& from, const Place& to, const std::string& path,
                              int depth) {
    if (::mkdirat(to.directory.get(), to.name.c_str(), 0700) < 0) return Error::from_errno("mkdir");
    const Fd made = TRY(sys::open_at(to.directory, to.name, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    TRY(fill(from.fd, made, path, depth + 1));
    return copy_metadata(from, to);
  }

  /// A mount of its own is not copied: it may be anything, /proc or a disk.
  static Result<void> make_mount_point(const Fd& from, const Place& to) {
    struct stat status {};
    if (::fstatat(from.get(), to.name.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
      return Error::from_errno("stat {}", text::quote(to.name));
    if (S_ISDIR(status.st_mode) && ::mkdirat(to.directory.get(), to.name.c_str(), 0755) < 0)
      return Error::from_errno("mkdir {}", text::quote(to.name));
    return {};
  }

  /// True if this is one more name of a file that has been copied. Forgotten with its last name;
  /// an entry here is smaller than the inode of the copy that it stands for.
  Result<bool> link_again(const Object& from, const Place& to, const std::string& path) {
    if (from.status.st_nlink < 2) return false;
    const auto key = std::make_pair(from.status.st_dev, from.status.st_ino);
    const auto known = links_.find(key);
    if (known == links_.end()) {
      links_.emplace(key, Linked{path, from.status.st_nlink - 1});
      return false;
    }
    if (::linkat(root_.get(), known->second.path.c_str(), to.directory.get(), to.name.c_str(), 0) <
        0)
      return Error::from_errno("link to {}", text::quote(known->second.path));
    if (--known->second.names_left == 0) links_.erase(known);
    return true;
  }

  struct Linked {
    std::string path;  // of the first name, in the copy
    nlink_t names_left;
  };

  const Fd& root_;
  std::map<std::pair<dev_t, ino_t>, Linked> links_;
};

}  // namespace

Result<void> copy_tree(const Fd& from, const Fd& to, const CopyTree& options) {
  TRY(TreeCopy(to).fill(from, to, "", 1));
  Object top;
  top.fd = TRY(sys::open_at(from, ".", O_PATH | O_DIRECTORY));
  if (::fstat(top.fd.get(), &top.status) < 0) return Error::from_errno("stat");
  struct stat present {};
  if (::fstat(to.get(), &present) < 0) return Error::from_errno("stat");
  if (!options.owner) {
    top.status.st_uid = present.st_uid;
    top.status.st_gid = present.st_gid;
  }
  if (!options.mode) top.status.st_mode = present.st_mode;
  const std::string self = ".";
  return copy_metadata(top, {to, self});
}

}  // namespace skiff
