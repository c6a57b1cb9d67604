#include "src/launch/describe.h"

#include <linux/mount.h>
#include <linux/sched.h>
#include <time.h>

#include <algorithm>
#include <iterator>

#include "src/base/text.h"
#include "src/launch/sheet.h"
#include "src/linux/cgroup/device_filter.h"
#include "src/linux/cgroup/resources.h"
#include "src/linux/rlimits.h"
#include "src/spec/annotations.h"
#include "src/spec/capability.h"
#include "src/spec/number_list.h"
#include "src/spec/seccomp_names.h"

namespace skiff::launch {
namespace {

using Row = Sheet::Row;
using Words = std::vector<std::string>;

struct FlagName {
  unsigned long flag;
  const char* name;
};

constexpr FlagName kMountFlags[] = {
    {MS_RDONLY, "ro"},
    {MS_NOSUID, "nosuid"},
    {MS_NODEV, "nodev"},
    {MS_NOEXEC, "noexec"},
    {MS_SYNCHRONOUS, "sync"},
    {MS_REMOUNT, "remount"},
    {MS_MANDLOCK, "mand"},
    {MS_DIRSYNC, "dirsync"},
    {MS_NOSYMFOLLOW, "nosymfollow"},
    {MS_NOATIME, "noatime"},
    {MS_NODIRATIME, "nodiratime"},
    {MS_BIND, "bind"},
    {MS_SILENT, "silent"},
    {MS_RELATIME, "relatime"},
    {MS_I_VERSION, "iversion"},
    {MS_STRICTATIME, "strictatime"},
    {MS_LAZYTIME, "lazytime"},
};

constexpr unsigned long kAtimeModes = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;

/// The flags by their options' names, with `prefix` before each.
Words words_of(unsigned long flags, std::string_view prefix = "") {
  Words words;
  for (const FlagName& entry : kMountFlags)
    if ((flags & entry.flag) != 0) words.push_back(std::string(prefix) + entry.name);
  return words;
}

/// "rw" is what clearing "ro" is called, and so on.
constexpr FlagName kCleared[] = {
    {MS_RDONLY, "rw"},
    {MS_NOSUID, "suid"},
    {MS_NODEV, "dev"},
    {MS_NOEXEC, "exec"},
    {MS_NOATIME, "atime"},
    {MS_NODIRATIME, "diratime"},
    {MS_NOSYMFOLLOW, "symfollow"},
};

Words cleared_words(unsigned long flags, std::string_view prefix = "") {
  Words words;
  for (const FlagName& entry : kCleared)
    if ((flags & entry.flag) != 0) words.push_back(std::string(prefix) + entry.name);
  return words;
}

std::string propagation_word(unsigned long flags) {
  const char* word = (flags & MS_SHARED) != 0       ? "shared"
                     : (flags & MS_SLAVE) != 0      ? "slave"
                     : (flags & MS_PRIVATE) != 0    ? "private"
                     : (flags & MS_UNBINDABLE) != 0 ? "unbindable"
                                                    : "";
  return *word == '\0' || (flags & MS_REC) == 0 ? word : std::string("r") + word;
}

void append(Words& to, Words more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// ---- namespaces

const char* clone_name(spec::NamespaceType type) {
  switch (type) {
    case spec::NamespaceType::Mount:
      return "CLONE_NEWNS";
    case spec::NamespaceType::Pid:
      return "CLONE_NEWPID";
    case spec::NamespaceType::Network:
      return "CLONE_NEWNET";
    case spec::NamespaceType::Ipc:
      return "CLONE_NEWIPC";
    case spec::NamespaceType::Uts:
      return "CLONE_NEWUTS";
    case spec::NamespaceType::User:
      return "CLONE_NEWUSER";
    case spec::NamespaceType::Cgroup:
      return "CLONE_NEWCGROUP";
    case spec::NamespaceType::Time:
      return "CLONE_NEWTIME";
  }
  return "";
}

Words clone_words(uint64_t clone_flags) {
  Words words;
  for (size_t i = 0; i < spec::kNamespaceTypes; ++i) {
    const auto type = static_cast<spec::NamespaceType>(i);
    if ((clone_flags & spec::clone_flag(type)) != 0) words.emplace_back(clone_name(type));
  }
  return words;
}

std::vector<Row> mapping_rows(const std::vector<spec::IdMapping>& mappings) {
  std::vector<Row> rows;
  rows.reserve(mappings.size());
  for (const spec::IdMapping& entry : mappings)
    rows.push_back({{"containerID", fmt::format("{}", entry.container_id)},
                    {"hostID", fmt::format("{}", entry.host_id)},
                    {"size", fmt::format("{}", entry.size)}});
  return rows;
}

void describe_namespaces(const Described& what, Sheet& sheet) {
  const NamespacePlan& plan = what.plan.namespaces;
  sheet.begin("namespaces");
  sheet.list("clone", clone_words(plan.at_clone));
  sheet.list("unshare", clone_words(plan.at_bootstrap | (plan.new_cgroup ? CLONE_NEWCGROUP : 0)));
  sheet.flag("bootstrap", plan.bootstrap);
  std::vector<Row> offsets;
  for (const spec::TimeOffset& offset : plan.time_offsets)
    offsets.push_back({{"clock", offset.clock == CLOCK_MONOTONIC ? "monotonic" : "boottime"},
                       {"secs", fmt::format("{}", offset.seconds)},
                       {"nanosecs", fmt::format("{}", offset.nanoseconds)}});
  sheet.table("timeOffsets", offsets);
  std::vector<Row> joins;
  for (const spec::Namespace& entry : plan.joins)
    joins.push_back({{"type", spec::name(entry.type)}, {"path", entry.path}});
  sheet.table("join", joins);
  if (plan.makes_user()) {
    sheet.table("uidMappings", mapping_rows(what.spec.linux.uid_mappings));
    sheet.table("gidMappings", mapping_rows(what.spec.linux.gid_mappings));
  }
  sheet.end();
}

// ---- the cgroup

std::string number_or_any(const std::optional<int64_t>& number) {
  return number ? fmt::format("{}", *number) : "*";
}

std::vector<Row> device_rows(const std::vector<spec::DeviceRule>& rules) {
  std::vector<Row> rows;
  for (const spec::DeviceRule& rule : rules) {
    std::string access;
    if (rule.read) access += 'r';
    if (rule.write) access += 'w';
    if (rule.mknod) access += 'm';
    rows.push_back({{"verb", rule.allow ? "allow" : "deny"},
                    {"type", std::string(1, rule.type)},
                    {"device", number_or_any(rule.major) + ":" + number_or_any(rule.minor)},
                    {"access", std::move(access)}});
  }
  return rows;
}

Result<std::vector<cgroup::FileValue>> cgroup_files(const cgroup::Paths& paths,
                                                    const spec::Resources& resources) {
  std::vector<std::string> v1;
  bool v2 = false;
  for (const auto& [controller, directory] : paths.directories) {
    if (controller.empty())
      v2 = true;
    else
      v1.push_back(controller);
  }
  std::vector<cgroup::FileValue> files;
  if (!v1.empty())
    files = TRY(cgroup::v1_files(v2 ? cgroup::select(resources, v1, true) : resources));
  if (!v2) return files;
  const auto more =
      TRY(cgroup::v2_files(v1.empty() ? resources : cgroup::select(resources, v1, false)));
  files.insert(files.end(), more.begin(), more.end());
  const auto unified = cgroup::unified_files(resources.unified);
  files.insert(files.end(), unified.begin(), unified.end());
  return files;
}

Result<void> describe_cgroup(const Described& what, Sheet& sheet) {
  if (what.cgroup.directories.empty()) return {};
  const spec::Resources resources = what.spec.linux.resources.value_or(spec::Resources());
  sheet.begin("cgroup");
  sheet.field("path", what.cgroup.path);
  std::vector<Row> directories;
  for (const auto& [controller, directory] : what.cgroup.directories)
    directories.push_back({{"directory", directory}, {"controller", controller}});
  sheet.table("directories", directories);
  sheet.field("delegated", spec::delegated_cgroup(what.spec.annotations));
  std::vector<Row> files;
  for (const cgroup::FileValue& each : TRY(cgroup_files(what.cgroup, resources)))
    files.push_back({{"file", each.file}, {"value", each.value}, {"field", each.field}});
  sheet.table("files", files);
  sheet.table("devices", device_rows(TRY(cgroup::device_rules(resources.devices))));
  sheet.end();
  return {};
}

// ---- the root file system

const char* name(MountKind kind) {
  switch (kind) {
    case MountKind::FileSystem:
      return "";
    case MountKind::Bind:
      return "bind";
    case MountKind::CgroupDirectory:
      return "cgroup";
    case MountKind::Symlink:
      return "symlink";
    case MountKind::Remount:
      return "remount";
  }
  return "";
}

Row mount_row(const MountPlan& mount) {
  Words flags = words_of(mount.flags & ~static_cast<unsigned long>(MS_BIND));
  if (mount.kind == MountKind::Bind && (mount.flags & MS_REC) != 0)
    flags.insert(flags.begin(), "rec");
  // One mode replaces the others and clears them.
  const unsigned long implied = (mount.flags & kAtimeModes) != 0 ? kAtimeModes : 0;
  append(flags, cleared_words(mount.cleared & ~implied));
  append(flags, words_of(mount.tree_flags, "r"));
  append(flags, cleared_words(mount.tree_cleared, "r"));
  Words also;
  if (mount.read_only_later) also.emplace_back("ro-at-end");
  if (mount.copy_up) also.emplace_back("tmpcopyup");
  if (mount.copy_symlink) also.emplace_back("copy-symlink");
  if (mount.source_nofollow) also.emplace_back("src-nofollow");
  if (mount.target_nofollow) also.emplace_back("dest-nofollow");
  if (mount.idmap) also.emplace_back(mount.idmap->recursive ? "ridmap" : "idmap");
  const std::string type = mount.kind == MountKind::FileSystem ? mount.type : name(mount.kind);
  return {{"destination", mount.destination},
          {"type", type},
          {"source", mount.source},
          {"flags", text::join(flags, ",")},
          {"data", mount.data},
          {"propagation", propagation_word(mount.propagation)},
          {"also", text::join(also, ",")},
          {"label", mount.label}};
}

void describe_rootfs(const RootfsPlan& plan, Sheet& sheet) {
  sheet.begin("rootfs");
  sheet.field("path", plan.path);
  sheet.flag("readonly", plan.readonly);
  sheet.field("enter", plan.no_pivot ? "MS_MOVE and chroot" : "pivot_root");
  sheet.field("propagation", propagation_word(plan.final_propagation));
  std::vector<Row> mounts;
  for (const MountPlan& mount : plan.mounts) mounts.push_back(mount_row(mount));
  sheet.table("mounts", mounts);
  std::vector<Row> devices;
  for (const DevicePlan& device : plan.devices)
    devices.push_back(
        {{"path", device.path},
         {"type", std::string(1, device.type)},
         {"device",
          device.type == 'p' ? std::string() : fmt::format("{}:{}", device.major, device.minor)},
         {"mode", fmt::format("{:04o}", device.mode.value_or(0666))},
         {"uid", device.uid ? fmt::format("{}", *device.uid) : std::string()},
         {"gid", device.gid ? fmt::format("{}", *device.gid) : std::string()}});
  if (plan.make_devices)
    sheet.table(plan.bind_devices ? "devicesBoundFromHost" : "devices", devices);
  sheet.list("maskedPaths", plan.masked_paths);
  sheet.list("readonlyPaths", plan.readonly_paths);
  sheet.end();
}

// ---- hooks

void describe_hooks(const spec::Hooks& hooks, Sheet& sheet) {
  const std::pair<const char*, const std::vector<spec::Hook>*> kinds[] = {
      {"prestart", &hooks.prestart},
      {"createRuntime", &hooks.create_runtime},
      {"createContainer", &hooks.create_container},
      {"startContainer", &hooks.start_container},
      {"poststart", &hooks.poststart},
      {"poststop", &hooks.poststop},
  };
  sheet.begin("hooks");
  for (const auto& [kind, list] : kinds) {
    std::vector<Row> rows;
    for (const spec::Hook& hook : *list)
      rows.push_back({{"path", hook.path},
                      {"args", text::join(hook.args, " ")},
                      {"timeout", hook.timeout ? fmt::format("{} s", *hook.timeout) : ""}});
    sheet.table(kind, rows);
  }
  sheet.end();
}

// ---- the process

Words capability_words(uint64_t set) {
  Words words;
  for (unsigned number = 0; number < 64; ++number)
    if ((set >> number & 1) != 0) words.push_back(spec::capability_name(number));
  return words;
}

void describe_capabilities(const spec::Capabilities& sets, Sheet& sheet) {
  sheet.begin("capabilities");
  sheet.list("bounding", capability_words(sets.bounding));
  sheet.list("effective", capability_words(sets.effective));
  sheet.list("permitted", capability_words(sets.permitted));
  sheet.list("inheritable", capability_words(sets.inheritable));
  sheet.list("ambient", capability_words(sets.ambient));
  sheet.end();
}

std::string action_name(spec::SeccompAction action) {
  for (const auto& entry : spec::kSeccompActions)
    if (entry.action == action) return entry.name;
  return {};
}

void describe_seccomp(const spec::Seccomp& profile, const std::optional<seccomp::Program>& program,
                      Sheet& sheet) {
  sheet.begin("seccomp");
  sheet.field("defaultAction", action_name(profile.default_action));
  sheet.list("architectures", profile.architectures);
  sheet.list("flags", profile.flags);
  std::vector<Row> rows;
  for (const auto& entry : spec::kSeccompActions) {
    size_t calls = 0;
    for (const spec::SeccompRule& rule : profile.rules)
      if (rule.action == entry.action) calls += rule.names.size();
    if (calls != 0) rows.push_back({{"action", entry.name}, {"names", fmt::format("{}", calls)}});
  }
  sheet.table("rules", rows);
  if (program) sheet.field("instructions", uint64_t{program->instructions.size()});
  sheet.end();
}

void describe_scheduling(const ProcessPlan& plan, const spec::ExecAffinity& affinity,
                         Sheet& sheet) {
  if (plan.scheduler) {
    sheet.begin("scheduler");
    sheet.field("policy", spec::scheduler_policy_name(plan.scheduler->policy));
    if (plan.scheduler->nice != 0) sheet.field("nice", fmt::format("{}", plan.scheduler->nice));
    sheet.field("priority", uint64_t{plan.scheduler->priority});
    if (plan.scheduler->runtime != 0) {
      sheet.field("runtime", plan.scheduler->runtime);
      sheet.field("deadline", plan.scheduler->deadline);
      sheet.field("period", plan.scheduler->period);
    }
    sheet.end();
  }
  if (plan.io_priority)
    sheet.field("ioPriority", fmt::format("{} {}", spec::io_class_name(plan.io_priority->io_class),
                                          plan.io_priority->level));
  sheet.field("execCPUAffinityInitial", spec::number_list(affinity.initial));
  sheet.field("execCPUAffinityFinal", spec::number_list(affinity.final));
  if (plan.personality) sheet.field("personality", fmt::format("{:#x}", *plan.personality));
  if (plan.memory_policy)
    sheet.field("memoryPolicy",
                fmt::format("{} {}", spec::memory_mode_name(plan.memory_policy->mode),
                            spec::number_list(plan.memory_policy->nodes)));
}

std::string limit_word(uint64_t value) {
  return value == UINT64_MAX ? "unlimited" : fmt::format("{}", value);
}

void describe_process(const Described& what, Sheet& sheet) {
  const ProcessPlan& plan = what.plan.process;
  sheet.begin("process");
  sheet.flag("terminal", plan.terminal);
  sheet.field("user", fmt::format("{}:{}", plan.uid, plan.gid));
  Words groups;
  for (const uint32_t group : plan.groups) groups.push_back(fmt::format("{}", group));
  sheet.list("additionalGids", groups);
  sheet.field("umask", fmt::format("{:04o}", plan.umask));
  describe_capabilities(plan.capabilities, sheet);
  sheet.flag("noNewPrivileges", plan.no_new_privileges);
  std::vector<Row> limits;
  for (const spec::Rlimit& limit : plan.rlimits)
    limits.push_back({{"type", rlimits::name(limit.resource)},
                      {"soft", limit_word(limit.soft)},
                      {"hard", limit_word(limit.hard)}});
  sheet.table("rlimits", limits);
  if (plan.oom_score_adj) sheet.field("oomScoreAdj", fmt::format("{}", *plan.oom_score_adj));
  describe_scheduling(
      plan, what.spec.process ? what.spec.process->exec_affinity : spec::ExecAffinity(), sheet);
  sheet.field("apparmorProfile", plan.apparmor_profile);
  sheet.field("selinuxLabel", plan.selinux_label);
  if (what.spec.linux.seccomp) describe_seccomp(*what.spec.linux.seccomp, plan.seccomp, sheet);
  sheet.field("cwd", plan.cwd);
  sheet.list("env", plan.env);
  sheet.list("exec", plan.args);
  sheet.end();
}

/// What the runtime does on the host's side.
void describe_host_parts(const spec::Linux& config, Sheet& sheet) {
  std::vector<Row> devices;
  for (const spec::NetDevice& device : config.net_devices)
    devices.push_back({{"host", device.host_name}, {"container", device.container_name}});
  sheet.table("netDevices", devices);
  if (!config.intel_rdt) return;
  const spec::IntelRdt& rdt = *config.intel_rdt;
  sheet.begin("intelRdt");
  sheet.field("closID", rdt.closid.value_or("the container's id"));
  sheet.list("schemata", rdt.schemata);
  sheet.field("l3CacheSchema", rdt.l3_cache_schema);
  sheet.field("memBwSchema", rdt.mem_bw_schema);
  sheet.flag("monitoring", rdt.monitoring);
  sheet.end();
}

Result<std::string> describe(const Described& what, Sheet& sheet) {
  sheet.field("id", what.plan.id);
  sheet.field("ociVersion", what.spec.oci_version);
  TRY(describe_cgroup(what, sheet));
  describe_namespaces(what, sheet);
  sheet.field("hostname", what.plan.hostname);
  sheet.field("domainname", what.plan.domainname);
  sheet.flag("loopbackUp", what.plan.bring_up_loopback);
  if (what.plan.rootfs) describe_rootfs(*what.plan.rootfs, sheet);
  std::vector<Row> parameters;
  for (const auto& [key, value] : what.plan.sysctl)
    parameters.push_back({{"key", key}, {"value", value}});
  sheet.table("sysctl", parameters);
  describe_host_parts(what.spec.linux, sheet);
  describe_hooks(what.spec.hooks, sheet);
  describe_process(what, sheet);
  return sheet.take();
}

}  // namespace

Result<std::string> describe_as_text(const Described& what) {
  return describe(what, *text_sheet());
}

Result<std::string> describe_as_json(const Described& what) {
  return describe(what, *json_sheet());
}

}  // namespace skiff::launch
