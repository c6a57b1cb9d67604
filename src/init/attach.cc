#include "src/init/attach.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#include <climits>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/linux/copy_tree.h"
#include "src/linux/filesystem.h"
#include "src/linux/mounts.h"
#include "src/linux/rootdir.h"
#include "src/linux/syscalls.h"

namespace skiff::init {
namespace {

using launch::MountKind;
using launch::MountPlan;

/// Where procfs and sysfs go: an ordinary directory.
Result<Fd> open_plain_target(const Fd& root, const MountPlan& mount) {
  auto plain = rootdir::open_plain_directory(root, mount.destination);
  if (!plain && plain.error().is(ENOENT)) {
    TRY(rootdir::make_directory(root, mount.destination));
    plain = rootdir::open_plain_directory(root, mount.destination);
  }
  if (!plain && (plain.error().is(ELOOP) || plain.error().is(ENOTDIR)))
    return Error::invalid("{} must be mounted on ordinary directory {}", mount.type,
                          mount.destination);
  return plain;
}

/// Where to mount: made when missing, a directory or a file as the source is.
Result<Fd> open_target(const Fd& root, const MountPlan& mount, bool directory) {
  if (mount.plain_directory) return open_plain_target(root, mount);
  if (mount.target_nofollow) {
    auto itself = rootdir::open_inside(root, mount.destination, O_PATH | O_NOFOLLOW);
    if (itself || !itself.error().is(ENOENT)) return itself;
  }
  return rootdir::open_mount_point(root, mount.destination, directory);
}

/// Attaches the detached `made`; over "/", it is the root from now on.
Result<void> put(Fd& root, const MountPlan& mount, Fd made, bool directory) {
  if (mount.over_root) {
    TRY(sys::move_mount(made, root));
    root = std::move(made);
    return {};
  }
  const Fd target = TRY(open_target(root, mount, directory));
  return sys::move_mount(made, target);
}

/// tmpfs without a mode takes over that of the directory it covers, as runc and crun have it.
Result<std::string> inherit_mode(const Fd& root, const MountPlan& mount) {
  if (mount.type != "tmpfs" || !filesystem::find_option(mount.data, "mode").empty())
    return mount.data;
  const auto covered = rootdir::open_inside(root, mount.destination, O_PATH | O_DIRECTORY);
  struct stat status {};
  if (!covered || ::fstat(covered->get(), &status) < 0)
    return mount.data;  // made below, by default
  return fmt::format("{}{}mode={:o}", mount.data, mount.data.empty() ? "" : ",",
                     status.st_mode & 07777);
}

/// tmpcopyup: complete before anybody can see it.
Result<void> fill(const Fd& root, const MountPlan& mount, const Fd& made) {
  const Fd covered = mount.over_root
                         ? TRY(rootdir::open_inside(root, "/", O_PATH | O_DIRECTORY))
                         : TRY(rootdir::open_mount_point(root, mount.destination, true));
  CopyTree options;
  options.owner = filesystem::find_option(mount.data, "uid").empty() &&
                  filesystem::find_option(mount.data, "gid").empty();
  options.mode = filesystem::find_option(mount.data, "mode").empty();
  return copy_tree(covered, made, options).context("tmpcopyup");
}

/// For a file system without an option for it.
Result<void> set_label(const Fd& root, const MountPlan& mount) {
  const Fd mounted = TRY(rootdir::open_inside(root, mount.destination, O_PATH));
  if (::setxattr(sys::fd_path(mounted).c_str(), "security.selinux", mount.label.data(),
                 mount.label.size(), 0) < 0)
    return Error::from_errno("set the SELinux label {}", text::quote(mount.label));
  return {};
}

Result<void> mount_filesystem(Fd& root, const MountPlan& mount, Fd sent) {
  filesystem::Request request;
  request.type = mount.type;
  request.source = mount.source;
  request.flags = mount.flags;
  if (sent || mount.detached) {
    if (!sent) {
      request.data = TRY(inherit_mode(root, mount));
      sent = TRY(filesystem::make(request));
    }
    if (mount.copy_up) TRY(fill(root, mount, sent));
    TRY(put(root, mount, std::move(sent), true));
  } else {
    request.data = TRY(inherit_mode(root, mount));
    const Fd target = TRY(open_target(root, mount, true));
    TRY(filesystem::mount(request, target));
  }
  if (!mount.label.empty()) TRY(set_label(root, mount));
  return {};
}

Result<void> check_procfs(const Fd& source) {
  struct statfs status {};
  if (::fstatfs(source.get(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC) return {};
  return Error::invalid("source: only a procfs may be mounted on /proc");
}

Result<void> make_symlink(const Fd& root, const std::string& at, const std::string& target) {
  const Fd parent = TRY(rootdir::make_directory(root, path::parent(at)));
  const std::string name(path::base_name(at));
  if (::symlinkat(target.c_str(), parent.get(), name.c_str()) == 0) return {};
  if (errno != EEXIST) return Error::from_errno("link {}", at);
  char present[PATH_MAX];
  const ssize_t size = ::readlinkat(parent.get(), name.c_str(), present, sizeof present);
  if (size >= 0 && std::string_view(present, static_cast<size_t>(size)) == target) return {};
  return Error::from_code(EEXIST, "link {} to {}", at, text::quote(target));
}

/// copy-symlink: `link` is an open symbolic link of the host's.
Result<void> copy_symlink(const Fd& root, const MountPlan& mount, const Fd& link) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(link.get(), "", target, sizeof target);
  if (size < 0) return Error::from_errno("readlink {}", mount.source);
  return make_symlink(root, mount.destination, std::string(target, static_cast<size_t>(size)));
}

Result<void> set_attributes(const Fd& mount, const MountPlan& plan) {
  auto set = mounts::set_attributes(
      mount, mounts::attributes_from_flags(plan.tree_flags, plan.tree_cleared), true);
  if (set)
    set = mounts::set_attributes(mount, mounts::attributes_from_flags(plan.flags, plan.cleared),
                                 false);
  if (set || !set.error().is(EPERM)) return set;
  return std::move(set).error().with_hint(
      "what the host's mount has set, such as ro or noexec, cannot be taken away in a user "
      "namespace");
}

Result<void> mount_bind(Fd& root, const MountPlan& mount, Fd source) {
  const bool sent = static_cast<bool>(source);
  const bool recursive = (mount.flags & MS_REC) != 0;
  if (!source)
    source = TRY(mounts::clone_tree(mount.source, recursive, mount.source_nofollow)
                     .context("source {}", mount.source));
  if (mount.must_be_proc) TRY(check_procfs(source));
  if (sent && (mount.propagation & MS_SHARED) == 0)
    TRY(mounts::set_propagation(source, MS_SLAVE | MS_REC));
  struct stat status {};
  if (::fstat(source.get(), &status) < 0) return Error::from_errno("stat {}", mount.source);
  if (mount.copy_symlink && S_ISLNK(status.st_mode)) return copy_symlink(root, mount, source);
  TRY(set_attributes(source, mount));
  return put(root, mount, std::move(source), S_ISDIR(status.st_mode))
      .context("bind {} at {}", mount.source, mount.destination);
}

Result<void> remount(const Fd& root, const MountPlan& mount) {
  const Fd target = TRY(rootdir::open_inside(root, mount.destination, O_PATH));
  if ((mount.flags & MS_BIND) == 0)
    TRY(filesystem::remount(target, mount.flags, mount.cleared, mount.data));
  return set_attributes(target, mount);
}

}  // namespace

Result<void> attach(Fd& root, const MountPlan& mount, Fd source) {
  switch (mount.kind) {
    case MountKind::FileSystem:
      TRY(mount_filesystem(root, mount, std::move(source))
              .context("mount {} at {}", mount.type, mount.destination));
      break;
    case MountKind::Bind:
    case MountKind::CgroupDirectory:
      TRY(mount_bind(root, mount, std::move(source)));
      break;
    case MountKind::Symlink:
      return make_symlink(root, mount.destination, mount.source);
    case MountKind::Remount:
      TRY(remount(root, mount).context("remount {}", mount.destination));
      break;
  }
  if (mount.propagation == 0) return {};
  const Fd mounted = TRY(rootdir::open_inside(root, mount.destination, O_PATH));
  return mounts::set_propagation(mounted, mount.propagation);
}

}  // namespace skiff::init
