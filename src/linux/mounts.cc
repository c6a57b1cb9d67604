#include "src/linux/mounts.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "src/base/path.h"
#include "src/linux/rootdir.h"
#include "src/linux/syscalls.h"

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256  // <linux/mount.h>, since Linux 5.10
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000  // since Linux 5.14
#endif

namespace skiff::mounts {
namespace {

struct FlagAttribute {
  unsigned long flag;
  uint64_t attribute;
};
constexpr FlagAttribute kFlagAttributes[] = {
    {MS_RDONLY, MOUNT_ATTR_RDONLY},         {MS_NOSUID, MOUNT_ATTR_NOSUID},
    {MS_NODEV, MOUNT_ATTR_NODEV},           {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
    {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME}, {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
};

}  // namespace

Attributes attributes_from_flags(unsigned long flags, unsigned long cleared) {
  Attributes result;
  for (const FlagAttribute& entry : kFlagAttributes) {
    if ((flags & entry.flag) != 0) result.set |= entry.attribute;
    if ((cleared & entry.flag) != 0) result.clear |= entry.attribute;
  }
  // The atime modes are one field: setting any means clearing the field (mount_setattr(2)).
  constexpr unsigned long kAtime = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
  if (((flags | cleared) & kAtime) != 0) {
    result.clear |= MOUNT_ATTR__ATIME;
    if ((flags & MS_NOATIME) != 0) result.set |= MOUNT_ATTR_NOATIME;
    if ((flags & MS_STRICTATIME) != 0) result.set |= MOUNT_ATTR_STRICTATIME;
  }
  return result;
}

Result<Fd> clone_tree(const std::string& source, bool recursive, bool nofollow) {
  return sys::open_tree(AT_FDCWD, source.c_str(), true, recursive, nofollow);
}

Result<Fd> clone_of(const Fd& open, bool recursive) {
  return sys::open_tree(open.get(), "", true, recursive);
}

Result<void> set_attributes(const Fd& mount, const Attributes& attributes, bool recursive) {
  if (attributes.set == 0 && attributes.clear == 0) return {};
  ::mount_attr request{};
  request.attr_set = attributes.set;
  request.attr_clr = attributes.clear;
  return sys::set_mount_attributes(mount, request, recursive);
}

Result<void> set_idmap(const Fd& mount, const Fd& user_namespace, bool recursive) {
  ::mount_attr request{};
  request.attr_set = MOUNT_ATTR_IDMAP;
  request.userns_fd = static_cast<uint64_t>(user_namespace.get());
  return sys::set_mount_attributes(mount, request, recursive);
}

Result<void> set_propagation(const Fd& mount, unsigned long propagation) {
  if (propagation == 0) return {};
  ::mount_attr request{};
  request.propagation = propagation & ~static_cast<unsigned long>(MS_REC);
  return sys::set_mount_attributes(mount, request, (propagation & MS_REC) != 0)
      .context("set propagation");
}

Result<void> make_parent_private(const std::string& path) {
  // Only the root of a mount has a propagation of its own: walk up to it.
  std::string at = path::clean(path);
  for (;;) {
    struct statx status {};
    if (::statx(AT_FDCWD, at.c_str(), AT_SYMLINK_NOFOLLOW, 0, &status) < 0)
      return Error::from_errno("statx {}", at);
    if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 || at == "/") break;
    at = path::parent(at);
  }
  if (::mount("", at.c_str(), "", MS_PRIVATE, nullptr) < 0)
    return Error::from_errno("make {} private", at);
  return {};
}

Result<void> change_root(const Fd& root, bool no_pivot, bool shares_host_mounts) {
  if (::fchdir(root.get()) < 0) return Error::from_errno("enter rootfs");
  if (no_pivot) {
    if (::mount(".", "/", "", MS_MOVE, nullptr) < 0) return Error::from_errno("move rootfs to /");
    if (::chroot(".") < 0) return Error::from_errno("chroot to rootfs");
  } else {
    // pivot_root(2), NOTES: with both arguments "." the old root is stacked on the
    // new one and needs no directory there.
    const Fd old = TRY(sys::open("/", O_PATH | O_DIRECTORY));
    if (::syscall(SYS_pivot_root, ".", ".") < 0) return Error::from_errno("pivot_root");
    if (::fchdir(old.get()) < 0) return Error::from_errno("enter the old root");
    if (shares_host_mounts && ::mount("", ".", "", MS_SLAVE | MS_REC, nullptr) < 0)
      return Error::from_errno("make the old root a slave");
    if (::umount2(".", MNT_DETACH) < 0) return Error::from_errno("unmount the old root");
  }
  if (::chdir("/") < 0) return Error::from_errno("chdir /");
  return {};
}

namespace {

Result<Fd> make_empty_directory() {
  const Fd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context) return Error::from_errno("fsopen tmpfs");
  for (const char* limit : {"nr_blocks", "nr_inodes"})
    if (::fsconfig(context.get(), FSCONFIG_SET_STRING, limit, "1", 0) < 0)
      return Error::from_errno("tmpfs option {}", limit);
  if (::fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) < 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return Error::from_errno("create tmpfs");
  constexpr unsigned kAttributes =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, kAttributes));
  if (!mount) return Error::from_errno("fsmount tmpfs");
  return mount;
}

}  // namespace

Result<void> Mask::put(Cover& cover, const Fd& target) {
  if (cover.attached) {
    const Fd copy = TRY(clone_of(cover.mount, false));
    return sys::move_mount(copy, target);
  }
  TRY(sys::move_mount(cover.mount, target));
  cover.attached = true;
  return {};
}

Result<void> Mask::hide(const Fd& root, const std::string& path) {
  auto target = rootdir::open_inside(root, path, O_PATH);
  if (!target) {
    // Default profiles name files that this kernel may not have (and paths
    // below plain files); runc, crun and youki skip them too.
    if (target.error().is(ENOENT) || target.error().is(ENOTDIR)) return {};
    return std::move(target).error();
  }
  struct stat status {};
  if (::fstat(target->get(), &status) < 0) return Error::from_errno("stat {}", path);
  if (!S_ISDIR(status.st_mode)) return put(file_, *target);
  if (!directory_.mount) directory_.mount = TRY(make_empty_directory());
  return put(directory_, *target);
}

Result<void> make_read_only(const Fd& root, const std::string& path) {
  auto target = rootdir::open_inside(root, path, O_PATH);
  if (!target) {
    if (target.error().is(ENOENT) || target.error().is(ENOTDIR)) return {};  // as for masks
    return std::move(target).error();
  }
  const Fd cover = TRY(clone_of(*target, true));
  TRY(set_attributes(cover, {MOUNT_ATTR_RDONLY, 0}, true));
  return sys::move_mount(cover, *target);
}

Result<Fd> open_null_mount() {
  const Fd null = TRY(sys::open("/dev/null", O_PATH | O_NOFOLLOW));
  struct stat status {};
  if (::fstat(null.get(), &status) < 0) return Error::from_errno("stat /dev/null");
  if (!S_ISCHR(status.st_mode) || status.st_rdev != ::makedev(1, 3))
    return Error::invalid("/dev/null is not character device 1:3");
  return clone_of(null, false).context("/dev/null");
}

}  // namespace skiff::mounts
