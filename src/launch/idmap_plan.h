// The id mapping of a mount, resolved to ids of the host. Pure.
#pragma once

#include <optional>

#include "src/launch/plan.h"
#include "src/spec/mount_options.h"

namespace skiff::launch {

/// nullopt without one. The mount's own mappings, else those in its option, else the container's;
/// what the option leaves out or calls relative ('@') comes from the container's. Errors begin
/// with the field below the mount.
Result<std::optional<IdMapPlan>> plan_idmap(const spec::Mount& mount,
                                            const spec::MountOptions& options,
                                            const spec::Spec& spec);

}  // namespace skiff::launch
