#include "src/container/design.h"

#include <unistd.h>

#include <cstdlib>

#include "src/base/clock.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/container/child.h"
#include "src/container/filter.h"
#include "src/container/listener.h"
#include "src/linux/lsm.h"
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

Result<void> open_bundle(Design& design) {
  const CreateOptions& options = design.options;
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

}  // namespace

Result<Design> Design::of(const ContainerStore& store, const std::string& id,
                          const CreateOptions& given, bool foreground) {
  TRY(check_id(id));
  Design design(store);
  design.options = TRY(with_absolute_paths(given));
  const CreateOptions& options = design.options;
  TRY(open_bundle(design));
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

Record make_record(const Design& design) {
  const spec::Spec& spec = design.bundle.spec;
  Record record;
  record.id = design.plan.id;
  record.oci_version = spec.oci_version;
  record.bundle = design.bundle.path;
  record.rootfs = path::join(design.bundle.path, spec.root.path);
  record.created = clock::now_rfc3339(9);  // as runc writes it
  record.owner = design.host.euid;
  record.cgroup = design.cgroup;
  record.annotations = spec.annotations;
  record.namespaces = spec.linux.namespaces;
  record.no_new_keyring = design.options.no_new_keyring;
  record.has_process = spec.process.has_value();
  record.has_seccomp = design.plan.process.seccomp.has_value();
  record.listener_path = design.listener_path;
  if (!record.listener_path.empty() && spec.linux.seccomp)
    record.listener_metadata = spec.linux.seccomp->listener_metadata;
  record.has_poststart = !spec.hooks.poststart.empty();
  record.has_poststop = !spec.hooks.poststop.empty();
  return record;
}

}  // namespace skiff::container
