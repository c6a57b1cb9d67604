#include "src/launch/cgroup_owner.h"

#include <algorithm>

namespace skiff::launch {
namespace {

bool mounts_writable_cgroup(const spec::Spec& spec) {
  return std::any_of(spec.mounts.begin(), spec.mounts.end(), [](const spec::Mount& mount) {
    return mount.destination == "/sys/fs/cgroup" && mount.source == "cgroup" &&
           std::find(mount.options.begin(), mount.options.end(), "ro") == mount.options.end();
  });
}

/// `id` of the container as the host sees it; nullopt if it is not mapped.
std::optional<uint32_t> on_host(uint32_t id, const std::vector<spec::IdMapping>& mappings) {
  for (const spec::IdMapping& mapping : mappings)
    if (id >= mapping.container_id && id - mapping.container_id < mapping.size)
      return mapping.host_id + (id - mapping.container_id);
  return std::nullopt;
}

}  // namespace

std::optional<uint32_t> cgroup_owner(const spec::Spec& spec) {
  const spec::Namespace* cgroup = spec.find_namespace(spec::NamespaceType::Cgroup);
  if (!cgroup || !cgroup->path.empty() || !mounts_writable_cgroup(spec)) return std::nullopt;
  std::optional<uint32_t> owner = spec.process ? spec.process->user.uid : 0;
  if (const spec::Namespace* user = spec.find_namespace(spec::NamespaceType::User)) {
    if (!user->path.empty() && spec.linux.uid_mappings.empty()) return std::nullopt;
    owner = on_host(*owner, spec.linux.uid_mappings);
  }
  return owner.value_or(0) == 0 ? std::nullopt : owner;
}

uint32_t container_root(const spec::Spec& spec) {
  return on_host(0, spec.linux.uid_mappings).value_or(0);
}

}  // namespace skiff::launch
