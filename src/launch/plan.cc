#include "src/launch/plan.h"

#include <algorithm>

#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/launch/mount_plan.h"

namespace skiff::launch {
namespace {

using spec::NamespaceType;

/// Why a bootstrap: maps of a new user namespace are written from outside before anything in
/// it may be exec'ed; a new time or joined pid namespace holds only children; a joined user
/// namespace must own the new ones. A joined pid namespace has hostile neighbours, who must never
/// see a process of ours that is still dumpable, as every process is between execve and prctl
/// (CVE-2016-9962).
bool needs_bootstrap(const spec::Namespace& entry) {
  const bool joined = !entry.path.empty();
  return entry.type == NamespaceType::User || (entry.type == NamespaceType::Time && !joined) ||
         (entry.type == NamespaceType::Pid && joined) ||
         (entry.type == NamespaceType::Time && joined);
}

NamespacePlan plan_namespaces(const std::vector<spec::Namespace>& entries) {
  NamespacePlan plan;
  uint64_t created = 0;
  for (const spec::Namespace& entry : entries) {
    plan.bootstrap = plan.bootstrap || needs_bootstrap(entry);
    if (!entry.path.empty())
      plan.joins.push_back(entry);
    else if (entry.type == NamespaceType::Cgroup)
      plan.new_cgroup = true;
    else
      created |= spec::clone_flag(entry.type);
  }
  (plan.bootstrap ? plan.at_bootstrap : plan.at_clone) = created;
  return plan;
}

/// The environment with each name once, the last value winning, as execve's callers expect.
std::vector<std::string> plan_environment(const std::vector<std::string>& env) {
  std::vector<std::string> unique;
  for (auto entry = env.rbegin(); entry != env.rend(); ++entry) {
    const std::string_view name = std::string_view(*entry).substr(0, entry->find('=') + 1);
    const bool known = std::any_of(unique.begin(), unique.end(),
                                   [&](const std::string& kept) { return kept.starts_with(name); });
    if (!known) unique.push_back(*entry);
  }
  std::reverse(unique.begin(), unique.end());
  return unique;
}

/// Fails closed: config.md#linux-process demands an error where a label cannot be applied.
Result<void> plan_labels(const spec::Process& process, const Host& host, ProcessPlan& plan) {
  // What nothing confines is unconfined already.
  const bool unconfined = process.apparmor_profile == "unconfined";
  if (!process.apparmor_profile.empty() && !host.apparmor && !unconfined)
    return Error::invalid("process.apparmorProfile: AppArmor is not enabled on this host");
  if (!process.selinux_label.empty() && !host.selinux)
    return Error::invalid("process.selinuxLabel: SELinux is not enabled on this host");
  if (host.apparmor) plan.apparmor_profile = process.apparmor_profile;
  plan.selinux_label = process.selinux_label;
  return {};
}

/// user_namespaces(7): where a user maps just the own group, without CAP_SETGID in the parent
/// namespace, setgroups(2) must be denied first.
bool may_set_groups(const spec::Linux& config, const NamespacePlan& namespaces, const Host& host) {
  const auto& groups = config.gid_mappings;
  return host.euid == 0 || !namespaces.makes_user() || groups.size() != 1 || groups[0].size != 1 ||
         groups[0].host_id != host.egid;
}

/// crun's annotation, which podman sets for --group-add keep-groups: the process has the groups of
/// the caller, though inside they may have no number, and no others.
Result<bool> keeps_groups(const spec::StringMap& annotations) {
  constexpr const char* kName = "run.oci.keep_original_groups";
  const std::string* value = spec::find(annotations, kName);
  if (value == nullptr || *value == "0") return false;
  if (*value == "1") return true;
  return Error::invalid("annotations.{}: {} is neither 0 nor 1", kName, text::quote(*value));
}

Result<ProcessPlan> plan_process(const spec::Spec& spec, const spec::Process& process,
                                 const NamespacePlan& namespaces, const Host& host,
                                 std::optional<seccomp::Program> filter,
                                 const PlanOptions& options) {
  ProcessPlan plan;
  plan.terminal = process.terminal;
  if (process.terminal) plan.console_size = process.console_size;
  plan.uid = process.user.uid;
  plan.gid = process.user.gid;
  plan.groups = process.user.additional_gids;
  plan.keep_groups = TRY(keeps_groups(spec.annotations));
  plan.set_groups = !plan.keep_groups && may_set_groups(spec.linux, namespaces, host);
  if (!plan.set_groups && !plan.keep_groups && !plan.groups.empty())
    return Error::invalid(
               "process.user.additionalGids: setgroups is denied to an unprivileged user")
        .with_hint("map more groups than the user's own; newgidmap(1) does");
  plan.umask = process.user.umask.value_or(0022);
  plan.cwd = process.cwd;
  plan.args = process.args;
  plan.env = plan_environment(process.env);
  if (process.capabilities) plan.capabilities = *process.capabilities;
  plan.no_new_privileges = process.no_new_privileges;
  plan.rlimits = process.rlimits;
  plan.oom_score_adj = process.oom_score_adj;
  plan.scheduler = process.scheduler;
  plan.io_priority = process.io_priority;
  TRY(plan_labels(process, host, plan));
  if (!options.no_new_keyring) plan.keyring = "_ses." + options.id;
  plan.preserve_fds = options.preserve_fds + options.listen_fds;
  if (options.listen_fds > 0) {
    plan.env.push_back(fmt::format("LISTEN_FDS={}", options.listen_fds));
    plan.env.emplace_back("LISTEN_PID=1");
  }
  plan.keep_sys_admin = filter.has_value() && !process.no_new_privileges && !plan.holds();
  plan.seccomp = std::move(filter);
  return plan;
}

bool has_path(const spec::Spec& spec, std::string_view annotation) {
  const std::string* path = spec::find(spec.annotations, annotation);
  return path != nullptr && !path->empty();
}

/// What every process of the container sees of the machine.
void plan_surroundings(const spec::Spec& spec, ProcessPlan& plan) {
  plan.personality = spec.linux.personality;
  plan.memory_policy = spec.linux.memory_policy;
}

/// What init logs, and how: as this process does.
void copy_log_settings(LaunchPlan& plan) {
  plan.log_level = static_cast<int32_t>(log::level());
  plan.log_json = log::format() == log::Format::Json;
}

}  // namespace

bool NamespacePlan::makes_user() const {
  return (at_bootstrap & spec::clone_flag(NamespaceType::User)) != 0;
}

bool NamespacePlan::joins_user() const {
  return (join_by_pidfd & spec::clone_flag(NamespaceType::User)) != 0 ||
         std::any_of(joins.begin(), joins.end(), [](const spec::Namespace& entry) {
           return entry.type == NamespaceType::User;
         });
}

Result<LaunchPlan> plan_container(const spec::Spec& spec, const Host& host,
                                  const cgroup::Paths& cgroup,
                                  std::optional<seccomp::Program> filter,
                                  const PlanOptions& options) {
  LaunchPlan plan;
  plan.id = options.id;
  plan.namespaces = plan_namespaces(spec.linux.namespaces);
  plan.namespaces.time_offsets = spec.linux.time_offsets;
  plan.rootfs = TRY(plan_rootfs(spec, host, cgroup, plan.namespaces, options));
  plan.hostname = spec.hostname;
  plan.domainname = spec.domainname;
  const spec::Namespace* network = spec.find_namespace(NamespaceType::Network);
  plan.bring_up_loopback = network != nullptr && network->path.empty();
  plan.sysctl = spec.linux.sysctl;
  plan.runtime_hooks = !spec.hooks.prestart.empty() || !spec.hooks.create_runtime.empty() ||
                       !spec.hooks.create_container.empty();
  plan.create_container = spec.hooks.create_container;
  plan.start_container = spec.hooks.start_container;
  const bool inner_hooks = !plan.create_container.empty() || !plan.start_container.empty();
  plan.hook_stdout = inner_hooks && has_path(spec, "run.oci.hooks.stdout");
  plan.hook_stderr = inner_hooks && has_path(spec, "run.oci.hooks.stderr");
  const spec::Process process = spec.process ? *spec.process : spec::idle_process();
  plan.process =
      TRY(plan_process(spec, process, plan.namespaces, host, std::move(filter), options));
  plan_surroundings(spec, plan.process);
  plan.process.console_device = plan.process.terminal && plan.rootfs && plan.rootfs->make_devices;
  plan.start_socket = options.start_socket;
  copy_log_settings(plan);
  return plan;
}

Result<LaunchPlan> plan_exec(const spec::Spec& spec, const spec::Process& process, const Host& host,
                             std::optional<seccomp::Program> filter, const PlanOptions& options) {
  LaunchPlan plan;
  plan.id = options.id;
  plan.namespaces.bootstrap = true;
  for (const spec::Namespace& entry : spec.linux.namespaces)
    plan.namespaces.join_by_pidfd |= spec::clone_flag(entry.type);
  plan.process =
      TRY(plan_process(spec, process, plan.namespaces, host, std::move(filter), options));
  plan_surroundings(spec, plan.process);
  copy_log_settings(plan);
  return plan;
}

}  // namespace skiff::launch
