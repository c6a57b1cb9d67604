// User and group ids of a user namespace: mapped from outside, taken up inside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::idmap {

using Mappings = std::vector<spec::IdMapping>;

/// The id outside for the id `container_id` inside; nullopt if it is not mapped.
std::optional<uint32_t> to_host(const Mappings& mappings, uint32_t container_id);

/// The contents of a uid_map or gid_map file: "inside outside count\n" for each.
std::string map_lines(const Mappings& mappings);

/// Outside: gives the new user namespace of the process `pid` its maps (user_namespaces(7)).
/// Directly, if the caller has CAP_SETUID and CAP_SETGID or maps just his own id (setgroups(2) is
/// denied then, as the kernel demands), else through newuidmap(1) and newgidmap(1), found in PATH.
/// Errors name the fields uidMappings and gidMappings of `owner`.
Result<void> write_maps(pid_t pid, const Mappings& uids, const Mappings& gids,
                        std::string_view owner = "linux");

/// A user namespace without a process, that stands for these mappings where the kernel takes one
/// (mount_setattr(2), MOUNT_ATTR_IDMAP). Errors as write_maps().
Result<Fd> open_namespace(const Mappings& uids, const Mappings& gids, std::string_view owner);

/// Whether both map the same ids to the same, however they are cut into ranges.
bool are_equal(Mappings first, Mappings second);

/// Fails unless the user namespace of the process `pid` has these maps.
Result<void> check_maps(pid_t pid, const Mappings& uids, const Mappings& gids);

/// Inside: becomes user and group 0, as far as they are mapped, without supplementary groups unless
/// `keep_groups`.
/// Only then are files that this process makes the container's, and may its /proc entries be
/// opened.
Result<void> become_root(bool keep_groups);

}  // namespace skiff::idmap
