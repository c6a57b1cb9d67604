#include "src/spec/validate.h"

#include <linux/sched.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/spec/sysctl.h"
#include "src/spec/validate_parts.h"

namespace skiff::spec {
namespace {

// ---- a process alone

void args_name_a_program(const Process& process, Faults& faults) {
  if (process.args.empty())
    faults.push_back(Error::invalid("process.args: empty"));
  else if (process.args[0].empty())
    faults.push_back(Error::invalid("process.args[0]: empty"));
}

void cwd_is_absolute(const Process& process, Faults& faults) {
  if (!process.cwd.starts_with('/'))
    faults.push_back(
        Error::invalid("process.cwd: {} is not an absolute path", text::quote(process.cwd)));
}

/// Programs find such entries by no name, and some shells die of them.
void env_entries_have_names(const Process& process, Faults& faults) {
  for (size_t i = 0; i < process.env.size(); ++i) {
    const size_t equals = process.env[i].find('=');
    if (equals == std::string::npos || equals == 0)
      faults.push_back(
          Error::invalid("process.env[{}]: {} is not NAME=VALUE", i, text::quote(process.env[i])));
  }
}

// ---- the whole configuration

/// Without a mount namespace the container's mounts would be the host's, and entering the root
/// file system would take the host's away.
void mounts_have_namespace(const Spec& spec, Faults& faults) {
  if (!spec.has_namespace(NamespaceType::Mount))
    faults.push_back(Error::invalid("linux.namespaces: no \"mount\" entry, a container needs one"));
}

/// As the kernel has it: __NEW_UTS_LEN, sethostname(2).
constexpr size_t kLongestUtsName = 64;

void uts_name_is_private(const Spec& spec, const char* field, const std::string& value,
                         Faults& faults) {
  if (value.empty()) return;
  // A container without a UTS namespace of its own would rename the host.
  if (!spec.has_namespace(NamespaceType::Uts))
    faults.push_back(Error::invalid("{}: needs a \"uts\" entry in linux.namespaces", field));
  if (value.size() > kLongestUtsName)
    faults.push_back(
        Error::invalid("{}: {} bytes, the kernel takes {}", field, value.size(), kLongestUtsName));
}

void uts_names_are_private(const Spec& spec, Faults& faults) {
  uts_name_is_private(spec, "hostname", spec.hostname, faults);
  uts_name_is_private(spec, "domainname", spec.domainname, faults);
}

void mappings_have_namespace(const Spec& spec, Faults& faults) {
  const Namespace* user = spec.find_namespace(NamespaceType::User);
  const bool uids = !spec.linux.uid_mappings.empty();
  const bool gids = !spec.linux.gid_mappings.empty();
  if (user == nullptr) {
    if (uids || gids)
      faults.push_back(Error::invalid("linux.{}: needs a \"user\" entry in linux.namespaces",
                                      uids ? "uidMappings" : "gidMappings"));
    return;
  }
  if (!user->path.empty()) return;  // the namespace to join has its mappings
  if (!uids)
    faults.push_back(
        Error::invalid("linux.uidMappings: user namespaces enabled, but no user mappings found"));
  if (!gids)
    faults.push_back(
        Error::invalid("linux.gidMappings: user namespaces enabled, but no group mappings found"));
}

bool is_mapped(uint32_t id, const std::vector<IdMapping>& mappings) {
  return std::any_of(mappings.begin(), mappings.end(), [&](const IdMapping& mapping) {
    return id >= mapping.container_id && id - mapping.container_id < mapping.size;
  });
}

/// setuid(2) and its kin fail with EINVAL for the others, long after create has begun.
void process_ids_are_mapped(const Spec& spec, Faults& faults) {
  const Namespace* user = spec.find_namespace(NamespaceType::User);
  if (user == nullptr || !user->path.empty() || !spec.process) return;
  const User& ids = spec.process->user;
  if (!is_mapped(ids.uid, spec.linux.uid_mappings))
    faults.push_back(
        Error::invalid("process.user.uid: {} is not mapped by linux.uidMappings", ids.uid));
  if (!is_mapped(ids.gid, spec.linux.gid_mappings))
    faults.push_back(
        Error::invalid("process.user.gid: {} is not mapped by linux.gidMappings", ids.gid));
  for (size_t i = 0; i < ids.additional_gids.size(); ++i)
    if (!is_mapped(ids.additional_gids[i], spec.linux.gid_mappings))
      faults.push_back(
          Error::invalid("process.user.additionalGids[{}]: {} is not mapped by linux.gidMappings",
                         i, ids.additional_gids[i]));
}

struct SysctlOwner {
  std::string_view file;  // below /proc/sys; "/" at the end: all that is below
  NamespaceType owner;
};

// The parameters that the kernel keeps per namespace: namespaces(7), ipc_namespaces(7),
// network_namespaces(7), Documentation/admin-guide/sysctl/user.rst.
constexpr SysctlOwner kNamespacedSysctls[] = {
    {"fs/mqueue/", NamespaceType::Ipc},
    {"kernel/auto_msgmni", NamespaceType::Ipc},
    {"kernel/domainname", NamespaceType::Uts},
    {"kernel/msg_next_id", NamespaceType::Ipc},
    {"kernel/msgmax", NamespaceType::Ipc},
    {"kernel/msgmnb", NamespaceType::Ipc},
    {"kernel/msgmni", NamespaceType::Ipc},
    {"kernel/sem", NamespaceType::Ipc},
    {"kernel/sem_next_id", NamespaceType::Ipc},
    {"kernel/shm_next_id", NamespaceType::Ipc},
    {"kernel/shm_rmid_forced", NamespaceType::Ipc},
    {"kernel/shmall", NamespaceType::Ipc},
    {"kernel/shmmax", NamespaceType::Ipc},
    {"kernel/shmmni", NamespaceType::Ipc},
    {"net/", NamespaceType::Network},
    {"user/", NamespaceType::User},
};

Result<void> sysctl_is_namespaced(const Spec& spec, const std::string& key) {
  const std::string file = TRY(sysctl_file(key));
  if (file == "kernel/hostname")
    return Error::invalid("{} is not set this way", text::quote(key)).with_hint("use hostname");
  for (const SysctlOwner& entry : kNamespacedSysctls) {
    if (entry.file.ends_with('/') ? !file.starts_with(entry.file) : file != entry.file) continue;
    if (spec.has_namespace(entry.owner)) return {};
    return Error::invalid("{} needs a \"{}\" entry in linux.namespaces", text::quote(key),
                          name(entry.owner));
  }
  return Error::invalid("{} belongs to the whole machine, not to a namespace", text::quote(key));
}

void sysctls_are_namespaced(const Spec& spec, Faults& faults) {
  for (const auto& entry : spec.linux.sysctl) {
    auto checked = sysctl_is_namespaced(spec, entry.first).context("linux.sysctl");
    if (!checked) faults.push_back(std::move(checked).error());
  }
}

/// The offsets of a namespace are fixed once a process lives in it: time_namespaces(7).
void time_offsets_have_namespace(const Spec& spec, Faults& faults) {
  if (spec.linux.time_offsets.empty()) return;
  const Namespace* time = spec.find_namespace(NamespaceType::Time);
  if (time == nullptr || !time->path.empty())
    faults.push_back(Error::invalid(
        "linux.timeOffsets: needs a \"time\" entry without path in linux.namespaces"));
}

/// Without a network namespace the devices would be where they are.
void net_devices_have_namespace(const Spec& spec, Faults& faults) {
  if (!spec.linux.net_devices.empty() && !spec.has_namespace(NamespaceType::Network))
    faults.push_back(
        Error::invalid("linux.netDevices: needs a \"network\" entry in linux.namespaces"));
}

/// sched(7): the fork of such a process fails with EAGAIN.
void hooks_can_be_forked(const Spec& spec, Faults& faults) {
  if (!spec.process || !spec.process->scheduler || spec.hooks.start_container.empty()) return;
  const Scheduler& scheduler = *spec.process->scheduler;
  if (scheduler.policy != SCHED_DEADLINE || (scheduler.flags & SCHED_FLAG_RESET_ON_FORK) != 0)
    return;
  faults.push_back(
      Error::invalid("process.scheduler: with SCHED_DEADLINE no startContainer hook can be forked")
          .with_hint("add SCHED_FLAG_RESET_ON_FORK"));
}

constexpr void (*kProcessRules[])(const Process&, Faults&) = {
    args_name_a_program,
    cwd_is_absolute,
    env_entries_have_names,
};

constexpr void (*kRules[])(const Spec&, Faults&) = {
    mounts_have_namespace,     uts_names_are_private,       mount_label_is_one_word,
    devices_do_not_contradict, mappings_have_namespace,     process_ids_are_mapped,
    sysctls_are_namespaced,    time_offsets_have_namespace, net_devices_have_namespace,
    hooks_can_be_forked,       mounts_are_consistent,       annotations_are_honoured,
    annotations_name_cgroups,  systemd_hierarchy_has_mount,
};

Result<void> first_of(Faults faults) {
  if (faults.empty()) return {};
  return std::move(faults.front());
}

}  // namespace

Faults broken_rules(const Process& process) {
  Faults faults;
  for (const auto rule : kProcessRules) rule(process, faults);
  return faults;
}

Faults broken_rules(const Spec& spec) {
  Faults faults;
  if (spec.process) faults = broken_rules(*spec.process);
  for (const auto rule : kRules) rule(spec, faults);
  return faults;
}

Result<void> validate(const Spec& spec) { return first_of(broken_rules(spec)); }
Result<void> validate(const Process& process) { return first_of(broken_rules(process)); }

}  // namespace skiff::spec
