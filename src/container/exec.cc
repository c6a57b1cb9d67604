#include "src/container/exec.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "src/base/undo.h"
#include "src/container/bundle.h"
#include "src/container/child.h"
#include "src/container/console_relay.h"
#include "src/container/filter.h"
#include "src/container/foreground.h"
#include "src/container/handover.h"
#include "src/container/lifecycle.h"
#include "src/container/listener.h"
#include "src/linux/capabilities.h"
#include "src/linux/cgroup/directory.h"
#include "src/linux/cgroup/layout.h"
#include "src/linux/cgroup/resources.h"
#include "src/linux/host.h"
#include "src/linux/pidfd.h"
#include "src/linux/scheduling.h"
#include "src/linux/spawn.h"
#include "src/spec/annotations.h"
#include "src/spec/decode.h"
#include "src/spec/validate.h"

namespace skiff::container {
namespace {

/// exec --cap: bounding, effective and permitted, never inheritable (CVE-2022-29162); ambient
/// only where the configuration's inheritable set lets the kernel have it.
Result<void> add_capabilities(const std::vector<std::string>& names, spec::Process& process) {
  if (names.empty()) return {};
  spec::Capabilities sets = process.capabilities.value_or(spec::Capabilities());
  for (const std::string& name : names) {
    const auto number = capabilities::number(name);
    if (!number) return Error::invalid("--cap: unknown capability {}", name);
    const uint64_t bit = uint64_t{1} << *number;
    sets.bounding |= bit;
    sets.effective |= bit;
    sets.permitted |= bit;
    if ((sets.inheritable & bit) != 0) sets.ambient |= bit;
  }
  process.capabilities = sets;
  return {};
}

/// The process to run: the file's, or the container's own with the command line's changes.
Result<spec::Process> choose_process(const spec::Spec& spec, const ExecOptions& options) {
  if (!options.process_file.empty()) {
    std::string text = TRY(read_config(options.process_file).context("--process"));
    spec::Process process = TRY(spec::decode_process(std::move(text)).context("--process"));
    if (options.tty) process.terminal = true;
    return process;
  }
  spec::Process process = spec.process ? *spec.process : spec::idle_process();
  process.args = options.args;
  process.terminal = options.tty;
  if (options.tty) process.console_size.reset();
  process.env.insert(process.env.end(), options.env.begin(), options.env.end());
  if (!options.cwd.empty()) process.cwd = options.cwd;
  if (options.uid) process.user.uid = *options.uid;
  if (options.gid) process.user.gid = *options.gid;
  process.user.additional_gids.insert(process.user.additional_gids.end(),
                                      options.additional_gids.begin(),
                                      options.additional_gids.end());
  if (options.no_new_privileges) process.no_new_privileges = true;
  if (options.apparmor_profile) process.apparmor_profile = *options.apparmor_profile;
  if (options.selinux_label) process.selinux_label = *options.selinux_label;
  TRY(add_capabilities(options.capabilities, process));
  TRY(spec::validate(process));
  return process;
}

Result<void> check_status(Container& container, const ExecOptions& options) {
  const Status status = TRY(container.status());
  if (status == Status::Stopped) return Error::invalid("cannot exec in a stopped container");
  if (status == Status::Creating)
    return Error::invalid("cannot exec in a container that is being created");
  if (status == Status::Paused && !options.ignore_paused)
    return Error::invalid("cannot exec in a paused container (use --ignore-paused to override)");
  return {};
}

Result<void> check_terminal(const spec::Process& process, const ExecOptions& options) {
  const bool socket = !options.console_socket.empty();
  if (process.terminal && options.detach && !socket)
    return Error::invalid("--tty: a detached process needs --console-socket");
  if (socket && !process.terminal) return Error::invalid("--console-socket: needs --tty");
  return {};
}

/// The container's cgroup, or the one below it that is to be (--cgroup) or that init was put in.
Result<cgroup::Paths> choose_cgroup(const Record& record, const std::string& below) {
  cgroup::Paths paths = record.cgroup;
  if (below.empty()) {
    const std::string delegated = spec::delegated_cgroup(record.annotations);
    return delegated.empty() ? paths : cgroup::with_v2_below(std::move(paths), delegated);
  }
  if (("/" + below + "/").find("/../") != std::string::npos)
    return Error::invalid("--cgroup: bad sub cgroup path {}", below);
  paths.path += "/" + below;
  for (auto& [controller, directory] : paths.directories) {
    directory += "/" + below;
    if (::access(directory.c_str(), F_OK) < 0) return Error::from_errno("--cgroup: {}", directory);
  }
  return paths;
}

/// Where init itself is, if that is below the container's cgroup: an init such as systemd gives the
/// cgroups below its own controllers, and one that does takes no processes (cgroup-v2.rst, "No
/// Internal Process Constraint").
std::optional<cgroup::Paths> cgroup_of_init(const Record& record) {
  const auto cgroups = cgroup::read_file(AT_FDCWD, fmt::format("/proc/{}/cgroup", record.pid));
  const std::string at = cgroups ? cgroup::own_v2_cgroup(*cgroups) : "";
  const std::string own = record.cgroup.path + "/";
  if (!at.starts_with(own)) return std::nullopt;
  return cgroup::with_v2_below(record.cgroup, at.substr(own.size()));
}

/// process.execCPUAffinity, or, without it, whether the cgroup's cpuset alone is to count.
struct Affinity : spec::ExecAffinity {
  bool resets = false;
};

/// The child in the container's cgroup, on the CPUs that process.execCPUAffinity names for its time
/// before and after it gets there.
Result<void> spawn_in(cgroup::Cgroup& cgroup, const launch::LaunchPlan& plan,
                      const launch::Handed& handed, const Affinity& affinity, const Birth& birth,
                      std::optional<Child>& child) {
  const bool initial = !affinity.initial.empty();
  spec::NumberSet own;
  // By inheritance, so that there is no moment on another CPU.
  if (initial) {
    own = TRY(scheduling::affinity(0));
    TRY(scheduling::set_affinity(0, affinity.initial).context("process.execCPUAffinity.initial"));
  }
  Undo restore([&] {
    if (initial) (void)scheduling::set_affinity(0, own);
  });
  // Born outside where it has something to do there.
  const bool inside = birth.inside && !initial;
  const bool in_place =
      cgroup.is_placed_by_clone() && inside && !affinity.resets && affinity.final.empty();
  const Fd v2 = inside ? TRY(cgroup.v2_directory()) : Fd();
  child.reset();
  child.emplace(TRY(Child::spawn(plan, handed, {v2.get(), birth.mask, in_place})));
  auto added = cgroup.add(child->pid(), !inside);
  if (!added) return child->explain(std::move(added).error());
  if (affinity.resets)
    TRY(scheduling::reset_affinity(child->pid()).context("linux.resources.cpu.cpus"));
  if (affinity.final.empty()) return {};
  return scheduling::set_affinity(child->pid(), affinity.final)
      .context("process.execCPUAffinity.final");
}

/// A process of the container, ready to execute.
Result<Child> launch_process(const Container& container, const spec::Spec& spec,
                             const launch::LaunchPlan& plan, const spec::ExecAffinity& affinity,
                             const ExecOptions& options, const sigset_t* mask) {
  launch::Handed handed = TRY(open_handed(plan));
  handed.init = TRY(container.init_pidfd());
  if (!handed.init) return Error::received(ESRCH, "container not running");
  auto cgroup = cgroup::open(TRY(choose_cgroup(container.record(), options.cgroup)));
  Affinity cpus = {affinity, false};
  cpus.resets = affinity.initial.empty() && affinity.final.empty() &&
                cgroup::limits_processors(spec.linux.resources);
  std::optional<Child> child;
  const auto launch = [&](bool born_inside) -> Result<void> {
    TRY(spawn_in(*cgroup, plan, handed, cpus, {born_inside, mask}, child));
    TRY(child->send_plan(plan, handed));
    TRY(child->serve_until_ready({}));
    const resctrl::Group& group = container.record().resctrl;
    return group.directory.empty() ? Result<void>() : resctrl::add(group, child->pid());
  };
  auto launched = launch_in_cgroup(child, launch);
  if (!launched && launched.error().is(EBUSY) && options.cgroup.empty()) {
    if (auto paths = cgroup_of_init(container.record())) {
      cgroup = cgroup::open(*std::move(paths));
      launched = launch_in_cgroup(child, launch);
    }
  }
  if (!launched) return explain_by_memory(std::move(launched).error(), child, *cgroup);
  TRY(child->raise_limits(plan.process));
  return *std::move(child);
}

Result<launch::LaunchPlan> make_plan(const Container& container, const spec::Spec& spec,
                                     const spec::Process& process, const ExecOptions& options) {
  const Record& record = container.record();
  Host host;
  host.euid = ::geteuid();
  host.egid = ::getegid();
  look_for_labels(process, host);
  std::optional<seccomp::Program> filter;
  if (record.has_seccomp) filter = TRY(load_filter(container.dir()));
  launch::PlanOptions plan_options;
  plan_options.id = record.id;
  plan_options.bundle = record.bundle;
  plan_options.no_new_keyring = record.no_new_keyring;
  plan_options.preserve_fds = options.preserve_fds;
  return launch::plan_exec(spec, process, host, std::move(filter), plan_options);
}

}  // namespace

Result<int> exec(const ContainerStore& store, const std::string& id, const ExecOptions& options) {
  Container container = TRY(Container::load(store, id));
  TRY(check_status(container, options));
  const spec::Spec spec = TRY(container.stored_spec());
  const spec::Process process = TRY(choose_process(spec, options));
  TRY(check_terminal(process, options));
  launch::LaunchPlan plan = TRY(make_plan(container, spec, process, options));

  std::optional<Foreground> foreground;
  if (!options.detach) foreground.emplace(TRY(Foreground::begin()));
  Child child = TRY(launch_process(container, spec, plan, process.exec_affinity, options,
                                   foreground ? &foreground->original_mask() : nullptr));
  const pid_t pid = child.pid();
  Fd console = child.take_console();
  TRY(hand_over(console, child.pidfd(), "setns", pid,
                {options.console_socket, options.pidfd_socket, options.pid_file, ""}));
  const Fd pidfd = TRY(pidfd::open(pid));
  if (console) copy_window_size(console);  // before the process can ask for it
  const auto give = [&](const Fd& listener) -> Result<void> {
    const Status status = TRY(container.status());
    return give_listener(container.record(), status, pid, listener);
  };
  TRY(child.start("", give));
  if (options.detach) return 0;
  return foreground->wait(pid, pidfd, std::move(console));
}

}  // namespace skiff::container
