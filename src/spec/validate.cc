#include "src/spec/validate.h"

#include <linux/sched.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/spec/sysctl.h"
#include "src/spec/validate_parts.h"

namespace skiff::spec {
namespace {

// ---- a process alone

Result<void> args_name_a_program(const Process& process) {
  if (process.args.empty()) return Error::invalid("process.args: empty");
  if (process.args[0].empty()) return Error::invalid("process.args[0]: empty");
  return {};
}

Result<void> cwd_is_absolute(const Process& process) {
  if (process.cwd.starts_with('/')) return {};
  return Error::invalid("process.cwd: {} is not an absolute path", text::quote(process.cwd));
}

/// Programs find such entries by no name, and some shells die of them.
Result<void> env_entries_have_names(const Process& process) {
  for (size_t i = 0; i < process.env.size(); ++i) {
    const size_t equals = process.env[i].find('=');
    if (equals == std::string::npos || equals == 0)
      return Error::invalid("process.env[{}]: {} is not NAME=VALUE", i,
                            text::quote(process.env[i]));
  }
  return {};
}

// ---- the whole configuration

/// Without a mount namespace the container's mounts would be the host's, and entering the root
/// file system would take the host's away.
Result<void> mounts_have_namespace(const Spec& spec) {
  if (spec.has_namespace(NamespaceType::Mount)) return {};
  return Error::invalid("linux.namespaces: no \"mount\" entry, a container needs one");
}

/// As the kernel has it: __NEW_UTS_LEN, sethostname(2).
constexpr size_t kLongestUtsName = 64;

Result<void> uts_name_is_private(const Spec& spec, const char* field, const std::string& value) {
  if (value.empty()) return {};
  // A container without a UTS namespace of its own would rename the host.
  if (!spec.has_namespace(NamespaceType::Uts))
    return Error::invalid("{}: needs a \"uts\" entry in linux.namespaces", field);
  if (value.size() > kLongestUtsName)
    return Error::invalid("{}: {} bytes, the kernel takes {}", field, value.size(),
                          kLongestUtsName);
  return {};
}

Result<void> hostname_has_namespace(const Spec& spec) {
  return uts_name_is_private(spec, "hostname", spec.hostname);
}

Result<void> domainname_has_namespace(const Spec& spec) {
  return uts_name_is_private(spec, "domainname", spec.domainname);
}

Result<void> mappings_have_namespace(const Spec& spec) {
  const Namespace* user = spec.find_namespace(NamespaceType::User);
  const Linux& config = spec.linux;
  if (user == nullptr) {
    const char* field = !config.uid_mappings.empty()   ? "uidMappings"
                        : !config.gid_mappings.empty() ? "gidMappings"
                                                       : nullptr;
    if (field == nullptr) return {};
    return Error::invalid("linux.{}: needs a \"user\" entry in linux.namespaces", field);
  }
  if (!user->path.empty()) return {};  // the namespace to join has its mappings
  if (config.uid_mappings.empty())
    return Error::invalid("linux.uidMappings: user namespaces enabled, but no user mappings found");
  if (config.gid_mappings.empty())
    return Error::invalid(
        "linux.gidMappings: user namespaces enabled, but no group mappings found");
  return {};
}

bool is_mapped(uint32_t id, const std::vector<IdMapping>& mappings) {
  return std::any_of(mappings.begin(), mappings.end(), [&](const IdMapping& mapping) {
    return id >= mapping.container_id && id - mapping.container_id < mapping.size;
  });
}

/// setuid(2) and its kin fail with EINVAL for the others, long after create has begun.
Result<void> process_ids_are_mapped(const Spec& spec) {
  const Namespace* user = spec.find_namespace(NamespaceType::User);
  if (user == nullptr || !user->path.empty() || !spec.process) return {};
  const User& ids = spec.process->user;
  if (!is_mapped(ids.uid, spec.linux.uid_mappings))
    return Error::invalid("process.user.uid: {} is not mapped by linux.uidMappings", ids.uid);
  if (!is_mapped(ids.gid, spec.linux.gid_mappings))
    return Error::invalid("process.user.gid: {} is not mapped by linux.gidMappings", ids.gid);
  for (size_t i = 0; i < ids.additional_gids.size(); ++i)
    if (!is_mapped(ids.additional_gids[i], spec.linux.gid_mappings))
      return Error::invalid(
          "process.user.additionalGids[{}]: {} is not mapped by linux.gidMappings", i,
          ids.additional_gids[i]);
  return {};
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

Result<void> sysctls_are_namespaced(const Spec& spec) {
  for (const auto& entry : spec.linux.sysctl)
    TRY(sysctl_is_namespaced(spec, entry.first).context("linux.sysctl"));
  return {};
}

/// The offsets of a namespace are fixed once a process lives in it: time_namespaces(7).
Result<void> time_offsets_have_namespace(const Spec& spec) {
  if (spec.linux.time_offsets.empty()) return {};
  const Namespace* time = spec.find_namespace(NamespaceType::Time);
  if (time != nullptr && time->path.empty()) return {};
  return Error::invalid(
      "linux.timeOffsets: needs a \"time\" entry without path in linux.namespaces");
}

/// Without a network namespace the devices would be where they are.
Result<void> net_devices_have_namespace(const Spec& spec) {
  if (spec.linux.net_devices.empty() || spec.has_namespace(NamespaceType::Network)) return {};
  return Error::invalid("linux.netDevices: needs a \"network\" entry in linux.namespaces");
}

/// sched(7): the fork of such a process fails with EAGAIN.
Result<void> hooks_can_be_forked(const Spec& spec) {
  if (!spec.process || !spec.process->scheduler || spec.hooks.start_container.empty()) return {};
  const Scheduler& scheduler = *spec.process->scheduler;
  if (scheduler.policy != SCHED_DEADLINE || (scheduler.flags & SCHED_FLAG_RESET_ON_FORK) != 0)
    return {};
  return Error::invalid(
             "process.scheduler: with SCHED_DEADLINE no startContainer hook can be forked")
      .with_hint("add SCHED_FLAG_RESET_ON_FORK");
}

using ProcessRule = Result<void> (*)(const Process&);
using Rule = Result<void> (*)(const Spec&);

constexpr ProcessRule kProcessRules[] = {
    args_name_a_program,
    cwd_is_absolute,
    env_entries_have_names,
};

constexpr Rule kRules[] = {
    mounts_have_namespace,      hostname_has_namespace,    domainname_has_namespace,
    mount_label_is_one_word,    devices_do_not_contradict, mappings_have_namespace,
    process_ids_are_mapped,     sysctls_are_namespaced,    time_offsets_have_namespace,
    net_devices_have_namespace, hooks_can_be_forked,
};

}  // namespace

Result<void> validate(const Spec& spec) {
  if (spec.process) TRY(validate(*spec.process));
  for (const Rule rule : kRules) TRY(rule(spec));
  std::vector<Error> mounts = broken_mounts(spec);
  if (!mounts.empty()) return std::move(mounts.front());
  return {};
}

std::vector<Error> broken_rules(const Spec& spec) {
  std::vector<Error> broken;
  const auto keep = [&](Result<void> outcome) {
    if (!outcome) broken.push_back(std::move(outcome).error());
  };
  if (spec.process)
    for (const ProcessRule rule : kProcessRules) keep(rule(*spec.process));
  for (const Rule rule : kRules) keep(rule(spec));
  for (Error& error : broken_mounts(spec)) broken.push_back(std::move(error));
  return broken;
}

Result<void> validate(const Process& process) {
  for (const ProcessRule rule : kProcessRules) TRY(rule(process));
  return {};
}

}  // namespace skiff::spec
