#include "src/launch/idmap_plan.h"

namespace skiff::launch {
namespace {

using Mappings = std::vector<spec::IdMapping>;

/// `range` with the host's ids in place of the container's; it must not cross the borders of the
/// container's own ranges, for it would have to be cut in pieces.
Result<spec::IdMapping> make_absolute(const spec::IdMapping& range, const Mappings& container) {
  for (const spec::IdMapping& own : container) {
    if (range.host_id < own.container_id) continue;
    const uint32_t offset = range.host_id - own.container_id;
    if (offset >= own.size || range.size > own.size - offset) continue;
    return spec::IdMapping{range.container_id, own.host_id + offset, range.size};
  }
  return Error::invalid("options: @{}-{}-{} is not within one range of the container's mappings",
                        range.container_id, range.host_id, range.size);
}

Result<Mappings> resolve(const std::vector<spec::IdMapRange>& ranges, const Mappings& container,
                         const char* field) {
  if (ranges.empty()) {
    if (container.empty())
      return Error::invalid("options: idmap needs {} of the container or its own", field);
    return container;
  }
  Mappings resolved;
  for (const spec::IdMapRange& range : ranges)
    resolved.push_back(range.relative ? TRY(make_absolute(range.mapping, container))
                                      : range.mapping);
  return resolved;
}

}  // namespace

Result<std::optional<IdMapPlan>> plan_idmap(const spec::Mount& mount,
                                            const spec::MountOptions& options,
                                            const spec::Spec& spec) {
  IdMapPlan plan;
  plan.recursive = options.idmap && options.idmap->recursive;
  // config.md: those of the mount MUST be used, and the option SHOULD be there.
  if (!mount.uid_mappings.empty()) {
    plan.uids = mount.uid_mappings;
    plan.gids = mount.gid_mappings;
    return std::optional<IdMapPlan>(std::move(plan));
  }
  if (!options.idmap) return std::optional<IdMapPlan>();
  const spec::IdMapOption& option = *options.idmap;
  const spec::Namespace* user = spec.find_namespace(spec::NamespaceType::User);
  plan.joined =
      user != nullptr && !user->path.empty() && option.uids.empty() && option.gids.empty();
  if (plan.joined) return std::optional<IdMapPlan>(std::move(plan));
  plan.uids = TRY(resolve(option.uids, spec.linux.uid_mappings, "uidMappings"));
  plan.gids = TRY(resolve(option.gids, spec.linux.gid_mappings, "gidMappings"));
  return std::optional<IdMapPlan>(std::move(plan));
}

}  // namespace skiff::launch
