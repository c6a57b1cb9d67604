#include "src/init/container.h"

#include <sched.h>
#include <unistd.h>

#include "src/init/rootfs.h"
#include "src/launch/hooks.h"
#include "src/linux/console.h"
#include "src/linux/namespaces.h"
#include "src/linux/network.h"
#include "src/linux/network_apart.h"
#include "src/linux/rootdir.h"
#include "src/linux/syscalls.h"
#include "src/linux/sysctl.h"

namespace skiff::init {
namespace {

using launch::LaunchPlan;
using launch::Tag;

Result<void> name_host(const LaunchPlan& plan) {
  if (!plan.hostname.empty() && ::sethostname(plan.hostname.data(), plan.hostname.size()) < 0)
    return Error::from_errno("hostname");
  if (!plan.domainname.empty() &&
      ::setdomainname(plan.domainname.data(), plan.domainname.size()) < 0)
    return Error::from_errno("domainname");
  return {};
}

/// The terminal: from the container's own devpts, so that its name is right inside;
/// a container without one gets a terminal of the host's.
Result<Fd> open_terminal(const LaunchPlan& plan, const Fd& root, launch::Channel& runtime) {
  console::Pty pty;
  auto devpts = rootdir::open_inside(root, "/dev/pts", O_RDONLY | O_DIRECTORY);
  auto opened =
      devpts ? console::open_pty(*devpts) : Result<console::Pty>(std::move(devpts).error());
  if (opened)
    pty = std::move(*opened);
  else if (opened.error().is(ENOENT))
    pty = TRY(console::open_host_pty().context("process.terminal"));
  else
    return std::move(opened).context("process.terminal").error();
  if (plan.process.console_size)
    TRY(console::set_size(pty.slave, plan.process.console_size->height,
                          plan.process.console_size->width)
            .context("process.consoleSize"));
  if (plan.process.console_device) TRY(bind_console(root, pty.slave).context("process.terminal"));
  TRY(runtime.send(Tag::Console, {}, {pty.master.get()}));
  return std::move(pty.slave);
}

/// prestart and createRuntime by the runtime, then createContainer here, in the root's directory.
Result<void> run_create_hooks(const LaunchPlan& plan, const Fd& root,
                              const launch::HookFiles& files, launch::Channel& runtime) {
  if (!plan.runtime_hooks) return {};
  TRY(runtime.send(Tag::RunHooks));
  const launch::Message ran = TRY(runtime.expect(Tag::HooksRan));
  if (plan.create_container.empty()) return {};
  if (::fchdir(root.get()) < 0) return Error::from_errno("enter rootfs");
  return launch::run_hooks("createContainer", plan.create_container, ran.body, files);
}

/// Kernel parameters, through the host's procfs while it can still be named: the container's
/// may be hidden, read-only or faked (CVE-2025-52881). What is written is that
/// of this process's namespaces either way.
Result<void> write_sysctls(const spec::StringMap& parameters) {
  if (parameters.empty()) return {};
  const Fd directory = TRY(sys::open("/proc/sys", O_PATH | O_DIRECTORY));
  for (const auto& [key, value] : parameters) TRY(sysctl::write(directory, key, value));
  return {};
}

/// The network: "lo" of a new namespace is down, but in one that the runtime makes.
Result<void> set_up_network(const LaunchPlan& plan, Fd made) {
  if (!plan.namespaces.network_apart)
    return plan.bring_up_loopback ? network::bring_up_loopback() : Result<void>();
  const auto enter = [&]() -> Result<void> {
    const Fd opened = TRY(network::take_namespace(made));
    return sys::set_namespace(opened.get(), CLONE_NEWNET);
  };
  return enter().context("linux.namespaces: network");
}

}  // namespace

Result<Prepared> build_container(const LaunchPlan& plan, launch::Handed& handed,
                                 launch::Channel& runtime) {
  Prepared prepared;
  prepared.hook_files = std::move(handed.hook_files);
  if (plan.namespaces.new_cgroup) TRY(namespaces::unshare(CLONE_NEWCGROUP));
  TRY(name_host(plan));
  TRY(set_up_network(plan, std::move(handed.network)));
  Rootfs rootfs = TRY(prepare_rootfs(*plan.rootfs, handed.sources));

  // Mounts exist and / is still the host's: the moment the specification names for hooks.
  TRY(run_create_hooks(plan, rootfs.root, prepared.hook_files, runtime));
  if (plan.process.terminal) prepared.terminal = TRY(open_terminal(plan, rootfs.root, runtime));
  TRY(write_sysctls(plan.sysctl));

  TRY(enter_rootfs(*plan.rootfs, rootfs));
  // From here on no host path can be named; only descriptors opened earlier remain.
  prepared.root = std::move(rootfs.root);
  prepared.may_make_cwd = true;
  return prepared;
}

Result<Prepared> enter_container(const LaunchPlan& plan, launch::Handed& handed,
                                 launch::Channel& runtime) {
  Prepared prepared;
  prepared.hook_files = std::move(handed.hook_files);
  if (plan.namespaces.new_cgroup) TRY(namespaces::unshare(CLONE_NEWCGROUP));
  TRY(name_host(plan));
  TRY(set_up_network(plan, std::move(handed.network)));
  prepared.root = TRY(sys::open("/", O_PATH | O_DIRECTORY));
  TRY(run_create_hooks(plan, prepared.root, prepared.hook_files, runtime));
  if (plan.process.terminal) prepared.terminal = TRY(open_terminal(plan, prepared.root, runtime));
  TRY(write_sysctls(plan.sysctl));
  return prepared;
}

}  // namespace skiff::init
