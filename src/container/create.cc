#include "src/container/create.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/base/undo.h"
#include "src/container/attachments.h"
#include "src/container/bundle.h"
#include "src/container/child.h"
#include "src/container/console_relay.h"
#include "src/container/filter.h"
#include "src/container/foreground.h"
#include "src/container/handover.h"
#include "src/container/lifecycle.h"
#include "src/container/listener.h"
#include "src/container/start_socket.h"
#include "src/container/state.h"
#include "src/launch/cgroup_owner.h"
#include "src/launch/describe.h"
#include "src/launch/hooks.h"
#include "src/linux/cgroup/resources.h"
#include "src/linux/cgroup/systemd.h"
#include "src/linux/console.h"
#include "src/linux/host.h"
#include "src/linux/idmap.h"
#include "src/linux/lsm.h"
#include "src/linux/network_apart.h"
#include "src/linux/pidfd.h"
#include "src/linux/scheduling.h"
#include "src/linux/seccomp.h"
#include "src/linux/spawn.h"
#include "src/spec/annotations.h"

namespace skiff::container {
namespace {

/// Sockets that systemd's protocol passed to us (sd_listen_fds(3)); they go on to the container.
unsigned count_listen_fds() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr) return 0;
  const auto for_pid = text::parse_unsigned(pid);
  const auto number = text::parse_unsigned(count);
  if (!for_pid || !number || *for_pid != static_cast<uint64_t>(::getpid()) || *number > 1024)
    return 0;
  return static_cast<unsigned>(*number);
}

/// The paths that will be used after we have gone to the bundle.
Result<CreateOptions> with_absolute_paths(CreateOptions options) {
  for (std::string* path : {&options.console_socket, &options.pidfd_socket, &options.pid_file})
    if (!path->empty()) *path = TRY(absolute_path(*path));
  return options;
}

/// How the terminal gets to whoever will use it.
Result<void> check_terminal(const spec::Spec& spec, const CreateOptions& options, bool foreground) {
  const bool terminal = spec.process && spec.process->terminal;
  const bool socket = !options.console_socket.empty();
  if (terminal && !foreground && !socket)
    return Error::invalid("process.terminal: a detached container needs --console-socket");
  if (socket && (!terminal || foreground))
    return Error::invalid(
        "--console-socket: needs process.terminal and a container that is detached");
  return {};
}

/// The container as the command line and the bundle want it; nothing is made yet.
struct Design {
  Bundle bundle;
  Host host;
  cgroup::Paths cgroup;
  std::optional<cgroup::PlannedUnit> unit;  // that systemd is to make
  launch::LaunchPlan plan;
  FilterCache filters;
  bool new_filter = false;  // not from the cache
  std::string listener_path;

  explicit Design(const ContainerStore& store) : filters(store.root()) {}
};

Result<void> open_bundle(Design& design, const CreateOptions& options) {
  design.bundle = TRY(Bundle::open(options.bundle, options.config, [&](std::string_view profile) {
    return design.filters.find(profile);
  }));
  const bool wants_rules = TRY(refuses_unknown_calls(design.bundle.spec));
  if (!wants_rules || !design.filters.take()) return {};
  design.bundle = TRY(Bundle::open(options.bundle, options.config));
  return {};
}

/// What annotations want of the container's cgroup beyond linux.cgroupsPath.
Result<void> adjust_cgroup(const spec::Spec& spec, Design& design) {
  const std::string* systemd = spec::find(spec.annotations, spec::kSystemdHierarchy);
  if (systemd != nullptr && !systemd->empty())
    TRY(cgroup::add_systemd_hierarchy(design.cgroup)
            .context("annotations.{}", spec::kSystemdHierarchy));
  const bool is_v2 = design.host.cgroups.kind == cgroup::LayoutKind::V2;
  if (!spec::delegated_cgroup(spec.annotations).empty() &&
      (!is_v2 || design.cgroup.directories.empty()))
    return Error::invalid(
        "annotations.{}: the container has no cgroup, or one of v1, where "
        "delegation is not safe",
        spec::kDelegatedCgroup);
  return {};
}

Result<Design> design(const ContainerStore& store, const std::string& id,
                      const CreateOptions& options, bool foreground) {
  Design design(store);
  TRY(open_bundle(design, options));
  const spec::Spec& spec = design.bundle.spec;
  TRY(check_terminal(spec, options, foreground));
  design.host = TRY(read_host());
  if (!spec.linux.mount_label.empty()) design.host.selinux = lsm::has_selinux();
  if (spec.process) look_for_labels(*spec.process, design.host);
  if (options.cgroup_driver == CgroupDriver::Cgroupfs)
    design.cgroup = TRY(cgroup::resolve(design.host.cgroups, spec.linux.cgroups_path, id));
  if (options.cgroup_driver == CgroupDriver::Systemd)
    design.unit.emplace(TRY(cgroup::plan_unit(design.host.cgroups, spec, id, design.cgroup)));
  TRY(adjust_cgroup(spec, design));
  ChosenFilter filter = TRY(choose_filter(spec, design.filters));
  design.new_filter = filter.is_new;
  if (filter.program && filter.program->notifies)
    design.listener_path = TRY(find_listener_path(spec, design.bundle.path));
  launch::PlanOptions plan_options;
  plan_options.id = id;
  plan_options.bundle = design.bundle.path;
  plan_options.no_pivot = options.no_pivot;
  plan_options.no_new_keyring = options.no_new_keyring;
  plan_options.preserve_fds = options.preserve_fds;
  plan_options.listen_fds = count_listen_fds();
  plan_options.start_socket = !foreground;
  design.plan = TRY(launch::plan_container(spec, design.host, design.cgroup,
                                           std::move(filter.program), plan_options));
  return design;
}

Record make_record(const std::string& id, const Design& design, const CreateOptions& options) {
  const spec::Spec& spec = design.bundle.spec;
  Record record;
  record.id = id;
  record.oci_version = spec.oci_version;
  record.bundle = design.bundle.path;
  record.rootfs = path::join(design.bundle.path, spec.root.path);
  record.created = clock::now_rfc3339(9);  // as runc writes it
  record.owner = design.host.euid;
  record.cgroup = design.cgroup;
  record.annotations = spec.annotations;
  record.namespaces = spec.linux.namespaces;
  record.no_new_keyring = options.no_new_keyring;
  record.has_process = spec.process.has_value();
  record.has_seccomp = design.plan.process.seccomp.has_value();
  record.listener_path = design.listener_path;
  if (!record.listener_path.empty() && spec.linux.seccomp)
    record.listener_metadata = spec.linux.seccomp->listener_metadata;
  record.has_poststart = !spec.hooks.poststart.empty();
  record.has_poststop = !spec.hooks.poststop.empty();
  return record;
}

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

/// A container under construction. Unless kept, its destruction undoes everything.
struct Construction {
  const ContainerStore& store;
  StateDir dir;
  Record record;
  Record ready;  // what the record will be
  std::unique_ptr<cgroup::Cgroup> cgroup;
  std::unique_ptr<cgroup::Cgroup> delegated;  // below it
  std::optional<Child> child;
  Fd network;  // of plan.namespaces.network_apart
  launch::HookFiles hook_files;
  Fd console;
  bool equipped = false;
  bool made_group = false;  // in resctrl, which only a failed create removes whatever its name is
  bool kept = false;

  explicit Construction(const ContainerStore& in) : store(in) {}
  Construction(const Construction&) = delete;
  ~Construction() {
    if (kept) return;
    dissolve();
    if (dir.fd) (void)store.forget(dir);
  }

  /// Undoes all but the state directory, which tells what there is to do if this is interrupted.
  void dissolve() {
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
};

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

/// Everything up to an init that is ready to execute; from then on the container exists.
Result<void> build(Construction& made, Design& design, const CreateOptions& options,
                   const sigset_t* mask) {
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
                {options.console_socket, options.pidfd_socket, options.pid_file,
                 pidfd_receiver(design.bundle)}));
  made.made_group = false;
  return {};
}

void run_poststop_after_failure(Construction& made, const Design& design) {
  // runtime.md#lifecycle: a failure from the first hook on ends in the poststop hooks, when the
  // container is destroyed.
  if (made.record.pid == 0 || !made.record.has_poststop) return;
  made.dissolve();
  launch::run_hooks_to_the_end("poststop", design.bundle.spec.hooks.poststop,
                               hook_state(made.record, Status::Stopped), made.hook_files);
}

Result<void> begin(Construction& made, Design& design, const std::string& id,
                   const CreateOptions& options, const sigset_t* mask) {
  // Hooks run in the bundle's directory, as runc and crun have it.
  if (::chdir(design.bundle.path.c_str()) < 0)
    return Error::from_errno("bundle {}", design.bundle.path);
  made.hook_files =
      TRY(launch::open_hook_files(design.bundle.spec.annotations, design.bundle.path));
  begin_apart(made, design);
  made.dir = TRY(made.store.reserve(id));
  made.record = make_record(id, design, options);
  auto built = build(made, design, options, mask);
  if (!built) run_poststop_after_failure(made, design);
  return built;
}

Result<void> run_poststart(const Construction& made, const Design& design) {
  if (!made.record.has_poststart) return {};
  return launch::run_hooks("poststart", design.bundle.spec.hooks.poststart,
                           hook_state(made.record, Status::Running), made.hook_files);
}

void stop_child(pid_t pid, const Fd& pidfd) {
  (void)pidfd::send_signal(pidfd, SIGKILL);
  (void)reap(pid);
}

}  // namespace

Result<void> create(const ContainerStore& store, const std::string& id,
                    const CreateOptions& given) {
  TRY(check_id(id));
  const CreateOptions options = TRY(with_absolute_paths(given));
  Design plan = TRY(design(store, id, options, false));
  Construction made(store);
  TRY(begin(made, plan, id, options, nullptr));
  TRY(made.child->let_wait());
  made.kept = true;
  return {};
}

Result<std::string> describe(const std::string& id, const CreateOptions& given, bool json) {
  TRY(check_id(id));
  const CreateOptions options = TRY(with_absolute_paths(given));
  // A root that holds no cached filter: the rules themselves are described.
  const ContainerStore none("/dev/null");
  // As for the foreground: what it needs of the caller's terminal is not there yet.
  const Design planned = TRY(design(none, id, options, true));
  const launch::Described what{planned.bundle.spec, planned.plan, planned.cgroup};
  return json ? launch::describe_as_json(what) : launch::describe_as_text(what);
}

Result<int> run(const ContainerStore& store, const std::string& id, const RunOptions& given) {
  TRY(check_id(id));
  RunOptions options = given;
  options.create = TRY(with_absolute_paths(given.create));
  Design plan = TRY(design(store, id, options.create, !options.detach));
  if (!plan.bundle.spec.process) return Error::invalid("process: missing: there is nothing to run");
  std::optional<Foreground> foreground;
  if (!options.detach) {
    foreground.emplace(TRY(Foreground::begin()));
    // Orphans of the container come to us, so that none outlives it unseen.
    if (!options.no_subreaper) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  }
  // The channel stays the starter: nobody else can start what `run` makes.
  plan.plan.start_socket = false;
  Construction made(store);
  TRY(begin(made, plan, id, options.create, foreground ? &foreground->original_mask() : nullptr));
  const pid_t pid = made.record.pid;
  const Fd pidfd = TRY(pidfd::open(pid));
  if (made.console) copy_window_size(made.console);  // before the process can ask for it
  auto started = made.child->start(
      plan.plan.start_container.empty() ? std::string()
                                        : inner_hook_state(made.record, Status::Created),
      [&](const Fd& listener) {
        return give_listener(made.record, Status::Created, made.record.pid, listener);
      });
  if (started) {
    started = run_poststart(made, plan);
    // runtime.md#lifecycle: a failed poststart hook stops the container.
    if (!started) stop_child(pid, pidfd);
  }
  if (!started) {
    Error error = explain_by_memory(std::move(started).error(), made.child, *made.cgroup);
    run_poststop_after_failure(made, plan);
    return error;
  }
  made.kept = true;
  made.child.reset();
  if (options.detach) return 0;

  Container container(store, std::move(made.dir), std::move(made.record));
  container.unlock();  // it is everybody's now
  auto status = foreground->wait(pid, pidfd, std::move(made.console));
  // "Killed" alone leaves people guessing.
  if (status && *status == 128 + SIGKILL && made.cgroup->memory_events().oom_kills > 0)
    log::warn("{}: linux.resources.memory.limit: the kernel killed for want of memory", id);
  if (options.keep) return status;
  TRY(container.remove(true));
  return status;
}

}  // namespace skiff::container
