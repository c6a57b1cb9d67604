// Who may manage the container's cgroup from inside.
#pragma once

#include <optional>

#include "src/spec/spec.h"

namespace skiff::launch {

/// The host's uid that the container's cgroup is to be given to, by the rules of
/// config-linux.md#cgroup-ownership: the container has a cgroup namespace of its own and mounts
/// its cgroup writable, and its user is not the host's root. Pure.
std::optional<uint32_t> cgroup_owner(const spec::Spec& spec);

/// The host's uid of the container's root, for a cgroup that is the container's to manage
/// (run.oci.delegate-cgroup). Pure.
uint32_t container_root(const spec::Spec& spec);

}  // namespace skiff::launch
