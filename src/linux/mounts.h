// Mounts of a container: made on descriptors inside its root, never by path.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::mounts {

/// MS_* flags as the MOUNT_ATTR_* that mount_setattr(2) sets and clears.
struct Attributes {
  uint64_t set = 0;
  uint64_t clear = 0;
};
/// `flags` are set, `cleared` are cleared; flags that are no mount attributes
/// (MS_SYNCHRONOUS, MS_DIRSYNC, MS_MANDLOCK, MS_LAZYTIME …) belong to the superblock and are left
/// out.
Attributes attributes_from_flags(unsigned long flags, unsigned long cleared);

/// A detached copy of the mount at host path `source`, with its submounts if `recursive`. With
/// `nofollow`, a source that is a symbolic link is that itself.
Result<Fd> clone_tree(const std::string& source, bool recursive, bool nofollow = false);
/// A detached copy of the mount that `open` refers to.
Result<Fd> clone_of(const Fd& open, bool recursive);

/// Sets attributes on the mount whose root `mount` is; nothing to do is no call.
Result<void> set_attributes(const Fd& mount, const Attributes& attributes, bool recursive);
/// Maps the ids of the detached `mount` by a user namespace (MOUNT_ATTR_IDMAP). Fails with EINVAL
/// if the file system cannot be mapped, EPERM if it is not the caller's or mapped already.
Result<void> set_idmap(const Fd& mount, const Fd& user_namespace, bool recursive);
/// MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC for the whole tree; 0 does
/// nothing.
Result<void> set_propagation(const Fd& mount, unsigned long propagation);

/// Makes the mount that holds `path` private, so that what is mounted below stays in
/// this namespace. pivot_root(2) demands it of the new root's parent.
Result<void> make_parent_private(const std::string& path);

/// Makes `root` the root directory and drops the old one. With `no_pivot`, MS_MOVE and
/// chroot(2), for a root on initramfs, which pivot_root(2) refuses. When the old root
/// `shares_host_mounts`, it is made a slave first: its unmount must not reach the host.
Result<void> change_root(const Fd& root, bool no_pivot, bool shares_host_mounts);

/// Hides paths: files under an empty device, directories under an empty read-only tmpfs. All
/// files share one mount's source, and all directories another's.
class Mask {
 public:
  /// `null` is a detached mount of a verified null device (open_null_mount()).
  explicit Mask(Fd null) : file_{std::move(null), false} {}
  /// `path` inside `root`; a path that does not exist is no failure.
  Result<void> hide(const Fd& root, const std::string& path);

 private:
  /// A cover is used up by its first target; later ones are copied from there, because
  /// a detached mount cannot be copied (open_tree(2), before Linux 6.15).
  struct Cover {
    Fd mount;
    bool attached = false;
  };
  static Result<void> put(Cover& cover, const Fd& target);
  Cover file_;
  Cover directory_;
};

/// Makes `path` inside `root`, with all below it, read-only; absent is no failure.
Result<void> make_read_only(const Fd& root, const std::string& path);

/// A detached mount of the host's /dev/null, checked to be character device 1:3 (CVE-2025-31133).
Result<Fd> open_null_mount();

}  // namespace skiff::mounts
