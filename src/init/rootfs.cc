#include "src/init/rootfs.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/base/undo.h"
#include "src/linux/devices.h"
#include "src/linux/mounts.h"
#include "src/linux/rootdir.h"
#include "src/linux/syscalls.h"

namespace skiff::init {
namespace {

using launch::MountKind;
using launch::MountPlan;
using launch::RootfsPlan;

Result<void> detach_from_host(const RootfsPlan& plan) {
  if (plan.host_propagation != 0 && ::mount("", "/", "", plan.host_propagation, nullptr) < 0)
    return Error::from_errno("set the propagation of /");
  if (plan.shares_host_mounts) return mounts::make_parent_private(plan.path);
  return {};
}

/// A mount of its own at the rootfs' path, so that hooks find the container's mounts below it.
Result<Fd> mount_root(const RootfsPlan& plan, std::vector<Fd>& sources) {
  Fd root;
  if (plan.sources_sent) {
    root = std::move(sources.front());
    // Cloned in the host's mount namespace: still a peer of the host's mount.
    TRY(mounts::set_propagation(root, MS_SLAVE | MS_REC));
  } else {
    root = TRY(mounts::clone_tree(plan.path, true));
  }
  auto target = sys::open(plan.path, O_PATH | O_DIRECTORY);
  // In a user namespace a parent directory may be closed to us; then the host's root serves
  // as mount point: it is about to go anyway.
  if (!target && target.error().is(EACCES)) target = sys::open("/", O_PATH | O_DIRECTORY);
  if (!target) return std::move(target).error();
  TRY(sys::move_mount(root, *target));
  return root;
}

/// Where to mount: made when missing, a directory or a file as the source is.
Result<Fd> open_target(const Fd& root, const MountPlan& mount, bool directory) {
  if (mount.plain_directory) {
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
  return directory ? rootdir::make_directory(root, mount.destination)
                   : rootdir::make_file(root, mount.destination);
}

/// tmpfs without a mode takes over that of the directory it covers, as runc and crun have it.
Result<std::string> inherit_mode(const Fd& root, const MountPlan& mount) {
  if (mount.type != "tmpfs" || mount.data.find("mode=") != std::string::npos) return mount.data;
  const auto covered = rootdir::open_inside(root, mount.destination, O_PATH | O_DIRECTORY);
  struct stat status {};
  if (!covered || ::fstat(covered->get(), &status) < 0)
    return mount.data;  // made below, by default
  return fmt::format("{}{}mode={:o}", mount.data, mount.data.empty() ? "" : ",",
                     status.st_mode & 07777);
}

Result<void> mount_filesystem(const Fd& root, const MountPlan& mount) {
  const std::string data = TRY(inherit_mode(root, mount));
  const Fd target = TRY(open_target(root, mount, true));
  TRY(mounts::mount_filesystem(mount.source, target, mount.type, mount.flags, data)
          .context("mount {} at {}", mount.type, mount.destination));
  return {};
}

Result<void> check_procfs(const Fd& source) {
  struct statfs status {};
  if (::fstatfs(source.get(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC) return {};
  return Error::invalid("source: only a procfs may be mounted on /proc");
}

Result<void> mount_bind(const Fd& root, const MountPlan& mount, Fd source, bool sent) {
  const bool recursive = (mount.flags & MS_REC) != 0;
  if (!source)
    source = TRY(mounts::clone_tree(mount.source, recursive).context("source {}", mount.source));
  if (mount.must_be_proc) TRY(check_procfs(source));
  if (sent && (mount.propagation & MS_SHARED) == 0)
    TRY(mounts::set_propagation(source, MS_SLAVE | MS_REC));
  struct stat status {};
  if (::fstat(source.get(), &status) < 0) return Error::from_errno("stat {}", mount.source);
  const Fd target = TRY(open_target(root, mount, S_ISDIR(status.st_mode)));
  TRY(mounts::set_attributes(source, mounts::attributes_from_flags(mount.flags, mount.cleared),
                             false));
  return sys::move_mount(source, target).context("bind {} at {}", mount.source, mount.destination);
}

Result<void> make_symlink(const Fd& root, const MountPlan& link) {
  const Fd parent = TRY(rootdir::make_directory(root, path::parent(link.destination)));
  const std::string name(path::base_name(link.destination));
  if (::symlinkat(link.source.c_str(), parent.get(), name.c_str()) < 0 && errno != EEXIST)
    return Error::from_errno("link {}", link.destination);
  return {};
}

Result<void> attach(const Fd& root, const MountPlan& mount, Fd source) {
  const bool sent = static_cast<bool>(source);
  switch (mount.kind) {
    case MountKind::FileSystem:
      TRY(mount_filesystem(root, mount));
      break;
    case MountKind::Bind:
    case MountKind::CgroupDirectory:
      TRY(mount_bind(root, mount, std::move(source), sent));
      break;
    case MountKind::Symlink:
      return make_symlink(root, mount);
  }
  if (mount.propagation == 0) return {};
  const Fd mounted = TRY(rootdir::open_inside(root, mount.destination, O_PATH));
  return mounts::set_propagation(mounted, mount.propagation);
}

Result<void> make_devices(const Fd& root, const RootfsPlan& plan) {
  for (const launch::DevicePlan& device : plan.devices) {
    if (plan.bind_devices)
      TRY(devices::bind_node(root, device.path));
    else
      TRY(devices::make_node(root, device.path, device.mode,
                             ::makedev(device.major, device.minor)));
  }
  return devices::make_links(root);
}

}  // namespace

Result<Rootfs> prepare_rootfs(const RootfsPlan& plan, std::vector<Fd>& sources) {
  Rootfs rootfs;
  // Modes are meant as they are written; hooks get the caller's mask back.
  const mode_t callers = ::umask(0);
  Undo restore([&] { ::umask(callers); });
  TRY(detach_from_host(plan));
  rootfs.root = TRY(mount_root(plan, sources).context("root.path"));
  size_t next_source = 1;
  for (const MountPlan& mount : plan.mounts) {
    Fd source;
    if (plan.sources_sent && launch::has_sent_source(mount))
      source = std::move(sources[next_source++]);
    TRY(attach(rootfs.root, mount, std::move(source)).context("mounts[{}]", mount.index));
  }
  if (plan.make_devices) TRY(make_devices(rootfs.root, plan).context("default devices"));
  if (!plan.masked_paths.empty()) rootfs.null = TRY(mounts::open_null_mount());
  return rootfs;
}

Result<void> bind_console(const Fd& root, const Fd& slave) {
  const Fd terminal = TRY(mounts::clone_of(slave, false));
  const Fd target = TRY(rootdir::make_file(root, "/dev/console"));
  return sys::move_mount(terminal, target).context("bind /dev/console");
}

Result<void> enter_rootfs(const RootfsPlan& plan, Rootfs& rootfs) {
  TRY(mounts::change_root(rootfs.root, plan.no_pivot, plan.shares_host_mounts));
  if (plan.final_propagation != 0)
    TRY(mounts::set_propagation(rootfs.root, plan.final_propagation)
            .context("linux.rootfsPropagation"));
  for (const std::string& path : plan.readonly_paths)
    TRY(mounts::make_read_only(rootfs.root, path).context("linux.readonlyPaths: {}", path));
  mounts::Mask mask(std::move(rootfs.null));
  for (const std::string& path : plan.masked_paths)
    TRY(mask.hide(rootfs.root, path).context("linux.maskedPaths: {}", path));
  for (const MountPlan& mount : plan.mounts) {
    if (!mount.read_only_later) continue;
    const Fd mounted = TRY(rootdir::open_inside(rootfs.root, mount.destination, O_PATH));
    TRY(mounts::set_attributes(mounted, {MOUNT_ATTR_RDONLY, 0}, false)
            .context("mounts[{}]: make read-only", mount.index));
  }
  if (plan.readonly)
    TRY(mounts::set_attributes(rootfs.root, {MOUNT_ATTR_RDONLY, 0}, false)
            .context("root.readonly"));
  return {};
}

}  // namespace skiff::init
