// The root file system's part of the plan: mounts with resolved flags, devices,
// hidden and read-only paths. Pure.
#pragma once

#include "src/launch/plan.h"

namespace skiff::launch {

/// nullopt when the mount namespace is joined: its root is the container's.
Result<std::optional<RootfsPlan>> plan_rootfs(const spec::Spec& spec, const Host& host,
                                              const cgroup::Paths& cgroup,
                                              const NamespacePlan& namespaces,
                                              const PlanOptions& options);

}  // namespace skiff::launch
