// Annotations of crun's that change where a container's processes are, and are read in several
// places.
#pragma once

#include <string>

#include "src/spec/spec.h"

namespace skiff::spec {

/// With the systemd manager: a cgroup below the unit's that is the container's.
inline constexpr const char* kSubgroup = "run.oci.systemd.subgroup";
/// A cgroup below the container's that its processes live in, and that belongs to its root.
inline constexpr const char* kDelegatedCgroup = "run.oci.delegate-cgroup";
/// The mount of `mounts` that is to show the v1 hierarchy "name=systemd", and nothing else.
inline constexpr const char* kSystemdHierarchy = "run.oci.systemd.force_cgroup_v1";

/// The value of kDelegatedCgroup, "" where there is none.
inline std::string delegated_cgroup(const StringMap& annotations) {
  const std::string* name = find(annotations, kDelegatedCgroup);
  return name != nullptr ? *name : "";
}

}  // namespace skiff::spec
