#include "src/init/rootfs.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include "src/base/undo.h"
#include "src/init/attach.h"
#include "src/linux/devices.h"
#include "src/linux/mounts.h"
#include "src/linux/rootdir.h"
#include "src/linux/syscalls.h"

namespace skiff::init {
namespace {

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
  if (plan.root_sent) {
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

devices::Node node_of(const launch::DevicePlan& plan) {
  devices::Node node;
  node.path = plan.path;
  node.type = plan.type;
  node.major = plan.major;
  node.minor = plan.minor;
  node.mode = plan.mode;
  node.uid = plan.uid;
  node.gid = plan.gid;
  return node;
}

Result<void> make_device(const Fd& root, const devices::Node& node, bool bind) {
  if (bind && node.type != 'p') return devices::bind_node(root, node);
  auto made = devices::make_node(root, node);
  // Whoever may not make nodes (a runtime in a container itself) may still show the host's.
  if (!made && made.error().is(EPERM) && node.type != 'p') return devices::bind_node(root, node);
  return made;
}

Result<void> make_devices(const Fd& root, const RootfsPlan& plan) {
  for (const launch::DevicePlan& device : plan.devices) {
    auto made = make_device(root, node_of(device), plan.bind_devices);
    if (made) continue;
    if (device.index < 0) return std::move(made).context("default devices");
    return std::move(made).context("linux.devices[{}]", device.index);
  }
  if (!plan.make_devices) return {};
  return devices::make_links(root).context("default devices");
}

}  // namespace

Result<Rootfs> prepare_rootfs(const RootfsPlan& plan, std::vector<Fd>& sources) {
  Rootfs rootfs;
  // Modes are meant as they are written; hooks get the caller's mask back.
  const mode_t callers = ::umask(0);
  Undo restore([&] { ::umask(callers); });
  TRY(detach_from_host(plan));
  rootfs.root = TRY(mount_root(plan, sources).context("root.path"));
  size_t next_source = plan.root_sent ? 1 : 0;
  for (const MountPlan& mount : plan.mounts) {
    Fd source;
    if (mount.source_sent) source = std::move(sources[next_source++]);
    TRY(attach(rootfs.root, mount, std::move(source)).context("mounts[{}]", mount.index));
  }
  TRY(make_devices(rootfs.root, plan));
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
