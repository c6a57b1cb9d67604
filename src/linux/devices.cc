#include "src/linux/devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "src/base/path.h"
#include "src/linux/mounts.h"
#include "src/linux/rootdir.h"
#include "src/linux/syscalls.h"

namespace skiff::devices {

namespace {

mode_t format_of(const Node& node) {
  return node.type == 'b' ? S_IFBLK : node.type == 'p' ? S_IFIFO : S_IFCHR;
}

bool is_node(const Node& node, const struct stat& status) {
  return (status.st_mode & S_IFMT) == format_of(node) &&
         (node.type == 'p' || status.st_rdev == ::makedev(node.major, node.minor));
}

std::string describe(const Node& node) {
  if (node.type == 'p') return "a fifo";
  return fmt::format("{} device {}:{}", node.type == 'b' ? "block" : "character", node.major,
                     node.minor);
}

/// The node that exists, compared with all that is asked of it.
Result<void> check_existing(const Node& node, const struct stat& status) {
  if (!is_node(node, status))
    return Error::invalid("{} exists in the rootfs and is not {}", node.path, describe(node));
  const mode_t mode = status.st_mode & 07777;
  if (node.mode && mode != *node.mode)
    return Error::invalid("{} exists in the rootfs with mode {:04o}, not {:04o}", node.path, mode,
                          *node.mode);
  if ((node.uid && status.st_uid != *node.uid) || (node.gid && status.st_gid != *node.gid))
    return Error::invalid("{} exists in the rootfs and is owned by {}:{}, not {}:{}", node.path,
                          status.st_uid, status.st_gid, node.uid.value_or(status.st_uid),
                          node.gid.value_or(status.st_gid));
  return {};
}

/// The owner of the node just made, unless something else has taken its place meanwhile.
Result<void> give(const Fd& directory, const std::string& name, const Node& node) {
  const Fd made = TRY(sys::open_at(directory, name, O_PATH | O_NOFOLLOW));
  struct stat status {};
  if (::fstat(made.get(), &status) < 0) return Error::from_errno("stat {}", node.path);
  if (!is_node(node, status)) return Error::invalid("{} was replaced", node.path);
  constexpr auto kUnchanged = static_cast<uid_t>(-1);
  if (::fchownat(made.get(), "", node.uid.value_or(kUnchanged), node.gid.value_or(kUnchanged),
                 AT_EMPTY_PATH) < 0)
    return Error::from_errno("chown {}", node.path);
  return {};
}

/// A detached mount of the host's node.
Result<Fd> clone_host_node(const Node& node) {
  const std::string by_number =
      fmt::format("/dev/{}/{}:{}", node.type == 'b' ? "block" : "char", node.major, node.minor);
  for (const std::string& path : {node.path, by_number}) {
    auto cloned = mounts::clone_tree(path, false);
    struct stat status {};
    if (cloned && ::fstat(cloned->get(), &status) == 0 && is_node(node, status)) return cloned;
  }
  return Error::from_code(ENODEV, "{}: the host has no {} there", node.path, describe(node))
      .with_hint("in a user namespace devices are the host's, bound");
}

}  // namespace

Result<void> make_node(const Fd& root, const Node& node) {
  const Fd directory = TRY(rootdir::make_directory(root, path::parent(node.path)));
  const std::string name(path::base_name(node.path));
  const mode_t mode = format_of(node) | node.mode.value_or(0666);
  if (::mknodat(directory.get(), name.c_str(), mode, ::makedev(node.major, node.minor)) == 0)
    return node.uid || node.gid ? give(directory, name, node) : Result<void>();
  if (errno != EEXIST) return Error::from_errno("mknod {}", node.path);
  struct stat status {};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
    return Error::from_errno("stat {}", node.path);
  return check_existing(node, status);
}

Result<void> bind_node(const Fd& root, const Node& node) {
  const Fd source = TRY(clone_host_node(node));
  const Fd target = TRY(rootdir::open_mount_point(root, node.path, false));
  return sys::move_mount(source, target).context("bind {}", node.path);
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
