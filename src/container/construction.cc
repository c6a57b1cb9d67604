#include "src/container/construction.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "src/base/path.h"
#include "src/container/attachments.h"
#include "src/container/filter.h"
#include "src/container/handover.h"
#include "src/container/start_socket.h"
#include "src/container/state.h"
#include "src/launch/cgroup_owner.h"
#include "src/linux/cgroup/resources.h"
#include "src/linux/idmap.h"
#include "src/linux/network_apart.h"
#include "src/linux/pidfd.h"
#include "src/linux/scheduling.h"
#include "src/spec/annotations.h"

namespace skiff::container {
namespace {

/// crun's annotation for what runc has --pidfd-socket for.
std::string pidfd_receiver(const Bundle& bundle) {
  const std::string* path = spec::find(bundle.spec.annotations, "run.oci.pidfd_receiver");
  return path == nullptr || path->empty() ? std::string() : path::join(bundle.path, *path);
}

/// What later commands need of the configuration, as it is now.
Result<void> store_config(const StateDir& dir, const Design& design) {
  TRY(write_new_file(dir, "config.json", design.bundle.config_text));
  if (!design.plan.process.seccomp) return {};
  if (design.new_filter) design.filters.keep(*design.plan.process.seccomp);
  return store_filter(dir, *design.plan.process.seccomp);
}

Result<std::string> run_runtime_hooks(Construction& made, const Design& design) {
  // Hooks may ask for the container by its id.
  made.record.pid = made.child->pid();
  made.record.start_time = TRY(pidfd::start_time(made.record.pid));
  TRY(save_intent(made.dir, made.record));
  const std::string state = hook_state(made.record, Status::Creating);
  const spec::Hooks& hooks = design.bundle.spec.hooks;
  TRY(launch::run_hooks("prestart", hooks.prestart, state, made.hook_files));
  TRY(launch::run_hooks("createRuntime", hooks.create_runtime, state, made.hook_files));
  return inner_hook_state(made.record, Status::Creating);
}

/// Writes the Record of a container that is ready; it counts once it is committed.
Result<void> stage_record(Construction& made, const Design& design) {
  made.ready = made.record;
  made.ready.pid = made.child->pid();
  made.ready.start_time = TRY(pidfd::start_time(made.ready.pid));
  made.ready.ready = true;
  // config-linux.md#intelrdt: a group with a closID is not removed with its container.
  const auto& rdt = design.bundle.spec.linux.intel_rdt;
  if (rdt && rdt->closid) made.ready.resctrl.made = false;
  return stage(made.dir, made.ready);
}

spec::Resources resources_of(const Design& design) {
  return design.bundle.spec.linux.resources.value_or(spec::Resources());
}

/// Those of `files` that init is sent.
launch::HookFiles copy_for(const launch::LaunchPlan& plan, const launch::HookFiles& files) {
  launch::HookFiles copies;
  if (plan.hook_stdout) copies.out = Fd(::fcntl(files.out.get(), F_DUPFD_CLOEXEC, 3));
  if (plan.hook_stderr) copies.err = Fd(::fcntl(files.err.get(), F_DUPFD_CLOEXEC, 3));
  return copies;
}

/// Whether init must wait until it was given something from outside.
bool is_furnished(const Design& design) {
  const spec::Linux& config = design.bundle.spec.linux;
  return design.plan.namespaces.joins_user() || config.intel_rdt || !config.net_devices.empty();
}

/// Begins what takes long and nothing else waits for: a new network namespace, unless it is to be
/// furnished as soon as init lives.
void begin_apart(Construction& made, Design& design) {
  launch::NamespacePlan& namespaces = design.plan.namespaces;
  if ((namespaces.at_clone & CLONE_NEWNET) == 0 || is_furnished(design)) return;
  auto begun = network::begin_namespace();
  if (!begun) return;
  made.network = *std::move(begun);
  namespaces.network_apart = true;
  namespaces.at_clone &= ~uint64_t{CLONE_NEWNET};
}

/// The network namespace that init enters by path; an empty Fd if there is none.
const Fd& joined_network(const launch::LaunchPlan& plan, const launch::Handed& handed) {
  static const Fd none;
  const auto& joins = plan.namespaces.joins;
  for (size_t i = 0; i < joins.size(); ++i)
    if (joins[i].type == spec::NamespaceType::Network) return handed.joins[i];
  return none;
}

/// What init is given from outside once it has its namespaces and before it builds in them.
Result<void> furnish_init(Construction& made, const Design& design, const launch::Handed& handed) {
  const spec::Linux& config = design.bundle.spec.linux;
  const pid_t pid = made.child->pid();
  if (design.plan.namespaces.joins_user())
    TRY(idmap::check_maps(pid, config.uid_mappings, config.gid_mappings));
  TRY(attach(made.dir, made.record, config, pid, joined_network(design.plan, handed)));
  made.made_group = made.record.resctrl.made;
  return {};
}

Result<void> make_cgroup(Construction& made, Design& design) {
  const spec::Resources resources = resources_of(design);
  auto cgroup = design.unit ? cgroup::open_planned(made.record.cgroup, *std::move(design.unit))
                            : cgroup::open(made.record.cgroup);
  TRY(cgroup->create(resources).context("create cgroup"));
  made.cgroup = std::move(cgroup);
  // runtime.md#delete: what the container did not make is not deleted with it.
  made.record.cgroup.kept = made.cgroup->found();
  TRY(made.cgroup->apply_limits(resources));
  if (!made.cgroup->applies_devices_atomically()) TRY(made.cgroup->apply_devices(resources));
  const auto owner = launch::cgroup_owner(design.bundle.spec);
  // Only root can give files away.
  if (owner && design.host.euid == 0) TRY(made.cgroup->delegate(*owner));
  return {};
}

Result<void> spawn_init(Construction& made, const Design& design, launch::Handed& handed,
                        const Birth& birth) {
  const bool resets = cgroup::limits_processors(design.bundle.spec.linux.resources);
  const bool furnished = is_furnished(design) && !design.plan.namespaces.bootstrap;
  const bool in_place = birth.inside && !resets && !furnished && made.cgroup->is_placed_by_clone();
  const Fd v2 = birth.inside ? TRY(made.cgroup->v2_directory()) : Fd();
  made.child.reset();
  made.child.emplace(TRY(Child::spawn(design.plan, handed, {v2.get(), birth.mask, in_place})));
  auto added = made.cgroup->add(made.child->pid(), !birth.inside);
  if (!added) return made.child->explain(std::move(added).error());
  if (design.unit) TRY(open_late_sources(design.plan, handed));
  if (resets)
    TRY(scheduling::reset_affinity(made.child->pid()).context("linux.resources.cpu.cpus"));
  if (furnished) TRY(furnish_init(made, design, handed));
  return made.child->send_plan(design.plan, handed);
}

Result<void> equip(Construction& made, const Design& design) {
  if (made.cgroup->applies_devices_atomically())
    TRY(made.cgroup->apply_devices(resources_of(design)));
  made.equipped = true;
  return store_config(made.dir, design);
}

/// An init that is ready, or, where its first word was not heard, dead.
Result<void> launch_init(Construction& made, const Design& design, launch::Handed& handed,
                         const Birth& birth) {
  TRY(spawn_init(made, design, handed, birth));

  // While init builds, all that it does not need; a slow start is a busy one here.
  if (!made.equipped) TRY(equip(made, design));
  if (!design.plan.namespaces.bootstrap) TRY(stage_record(made, design));

  Child::Requests requests;
  requests.uid_mappings = &design.bundle.spec.linux.uid_mappings;
  requests.gid_mappings = &design.bundle.spec.linux.gid_mappings;
  if (is_furnished(design)) requests.furnish = [&] { return furnish_init(made, design, handed); };
  requests.run_hooks = [&] { return run_runtime_hooks(made, design); };
  return made.child->serve_until_ready(requests);
}

/// run.oci.delegate-cgroup: once init is in its namespaces, so that the container's cgroup, which
/// has the limits, is the root of what they show.
Result<void> delegate_below(Construction& made, const Design& design) {
  const std::string name = spec::delegated_cgroup(design.bundle.spec.annotations);
  if (name.empty()) return {};
  const auto add = [&]() -> Result<void> {
    made.delegated = cgroup::open(cgroup::v2_below(made.record.cgroup, name));
    TRY(made.delegated->adopt({}, made.child->pid()));
    return made.delegated->delegate(launch::container_root(design.bundle.spec));
  };
  return add().context("annotations.{}", spec::kDelegatedCgroup);
}

/// All but the state directory.
Result<void> build_all(Construction& made, Design& design, const sigset_t* mask) {
  // Told before it is done: a killed create can be cleaned up from the record.
  TRY(save_intent(made.dir, made.record));
  TRY(make_cgroup(made, design));
  // The cgroup of a unit, which may be mounted, is there only once there is a process in it.
  launch::Handed handed = TRY(open_handed(design.plan, !design.unit));
  handed.network = std::move(made.network);
  handed.hook_files = copy_for(design.plan, made.hook_files);
  Fd start_socket;
  if (design.plan.start_socket) {
    start_socket = TRY(make_start_socket());
    handed.start_socket = Fd(::fcntl(start_socket.get(), F_DUPFD_CLOEXEC, 3));
  }
  auto launched = launch_in_cgroup(made.child, [&](bool born_inside) {
    return launch_init(made, design, handed, {born_inside, mask});
  });
  if (!launched) return explain_by_memory(std::move(launched).error(), made.child, *made.cgroup);
  TRY(made.child->raise_limits(design.plan.process));
  TRY(delegate_below(made, design));

  if (design.plan.namespaces.bootstrap)
    TRY(stage_record(made, design));  // its pid is known only now
  // The name first: a container that is ready and has none counts as started.
  if (design.plan.start_socket) TRY(listen_on(start_socket, made.dir));
  TRY(commit(made.dir));
  made.record = std::move(made.ready);
  made.console = made.child->take_console();
  TRY(hand_over(made.console, made.child->pidfd(), "standard", made.record.pid,
                {design.options.console_socket, design.options.pidfd_socket,
                 design.options.pid_file, pidfd_receiver(design.bundle)}));
  made.made_group = false;
  return {};
}

}  // namespace

Construction::~Construction() {
  if (kept) return;
  dissolve();
  if (dir.fd) (void)store.forget(dir);
}

void Construction::dissolve() {
  child.reset();
  if (cgroup) {
    (void)cgroup->kill_all();
    if (delegated) delegated->revert();
    cgroup->revert();
    cgroup.reset();
  }
  if (!dir.fd) return;
  record.resctrl.made |= made_group;
  (void)release(dir, record);
}

void run_poststop_after_failure(Construction& made, const Design& design) {
  // runtime.md#lifecycle: a failure from the first hook on ends in the poststop hooks, when the
  // container is destroyed.
  if (made.record.pid == 0 || !made.record.has_poststop) return;
  made.dissolve();
  launch::run_hooks_to_the_end("poststop", design.bundle.spec.hooks.poststop,
                               hook_state(made.record, Status::Stopped), made.hook_files);
}

Result<void> build(Construction& made, Design& design, const sigset_t* mask) {
  // Hooks run in the bundle's directory, as runc and crun have it.
  if (::chdir(design.bundle.path.c_str()) < 0)
    return Error::from_errno("bundle {}", design.bundle.path);
  made.hook_files =
      TRY(launch::open_hook_files(design.bundle.spec.annotations, design.bundle.path));
  begin_apart(made, design);
  made.dir = TRY(made.store.reserve(design.plan.id));
  made.record = make_record(design);
  auto built = build_all(made, design, mask);
  if (!built) run_poststop_after_failure(made, design);
  return built;
}

Result<void> run_poststart(const Construction& made, const Design& design) {
  if (!made.record.has_poststart) return {};
  return launch::run_hooks("poststart", design.bundle.spec.hooks.poststart,
                           hook_state(made.record, Status::Running), made.hook_files);
}

}  // namespace skiff::container
