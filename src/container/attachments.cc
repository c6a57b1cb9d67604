#include "src/container/attachments.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

constexpr const char* kHeldNamespace = "netns";

std::string held_path(const StateDir& dir) { return sys::fd_path(dir.fd) + "/" + kHeldNamespace; }

Result<void> hold(const StateDir& dir, const Fd& network_namespace) {
  TRY(write_new_file(dir, kHeldNamespace, ""));
  if (::mount(sys::fd_path(network_namespace).c_str(), held_path(dir).c_str(), nullptr, MS_BIND,
              nullptr) < 0)
    return Error::from_errno("linux.netDevices: hold the network namespace");
  return {};
}

/// The namespace; an empty Fd if the mount is gone, after a reboot, say.
Fd held(const StateDir& dir) {
  auto file = sys::open_at(dir.fd, kHeldNamespace, O_RDONLY | O_NOFOLLOW);
  const bool is_network = file && ::ioctl(file->get(), NS_GET_NSTYPE) == CLONE_NEWNET;
  return is_network ? std::move(*file) : Fd();
}

void let_go(const StateDir& dir) {
  (void)::umount2(held_path(dir).c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  ::unlinkat(dir.fd.get(), kHeldNamespace, 0);
}

Result<void> attach_net_devices(const StateDir& dir, Record& record, const spec::Linux& config,
                                const Fd& network_namespace) {
  record.net_devices = TRY(net_devices::find(config.net_devices, network_namespace));
  TRY(save_intent(dir, record));
  TRY(hold(dir, network_namespace));
  for (const net_devices::Device& device : record.net_devices)
    TRY(net_devices::give(device, network_namespace));
  return {};
}

Result<void> attach_resctrl(const StateDir& dir, Record& record, const spec::IntelRdt& rdt,
                            pid_t pid) {
  record.resctrl = TRY(resctrl::find(rdt, record.id));
  TRY(save_intent(dir, record));
  TRY(resctrl::make(record.resctrl, rdt));
  return resctrl::add(record.resctrl, pid);
}

}  // namespace

Result<void> attach(const StateDir& dir, Record& record, const spec::Linux& config, pid_t pid,
                    const Fd& joined) {
  // From a child that was not to be.
  TRY(release(dir, record));
  record.net_devices.clear();
  record.resctrl = resctrl::Group();
  if (config.intel_rdt) TRY(attach_resctrl(dir, record, *config.intel_rdt, pid));
  if (config.net_devices.empty()) return {};
  Fd own;
  if (!joined) own = TRY(sys::open(fmt::format("/proc/{}/ns/net", pid), O_RDONLY));
  return attach_net_devices(dir, record, config, joined ? joined : own);
}

Result<void> release(const StateDir& dir, const Record& record) {
  if (!record.net_devices.empty()) {
    const Fd network_namespace = held(dir);
    if (network_namespace)
      for (const net_devices::Device& device : record.net_devices)
        TRY(net_devices::take_back(device, network_namespace));
    let_go(dir);
  }
  if (record.resctrl.directory.empty()) return {};
  return resctrl::remove(record.resctrl);
}

}  // namespace skiff::container
