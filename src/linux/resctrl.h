// The resctrl file system: shares of a processor's caches and of its memory bandwidth, by groups
// of processes (Documentation/filesystems/resctrl.rst; config-linux.md#intelrdt).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::resctrl {

/// The group of a container.
struct Group {
  std::string directory;   // absolute; "" for none
  std::string monitoring;  // the directory of the container's own monitoring group, or ""
  bool made = false;       // by us, so that it is ours to remove
};

/// Where resctrl is mounted, by the text of a mountinfo file (proc(5)); "" if it is not. Pure.
std::string find_mount_point(std::string_view mountinfo);

/// The lines to be written to a new group's `schemata`, in two portions: what l3CacheSchema and
/// memBwSchema say, in this order, then `schemata`; either may be empty. Pure.
std::pair<std::string, std::string> schemata_of(const spec::IntelRdt& rdt);

/// Whether `present`, the text of a schemata file, gives every domain that `wanted` names just what
/// `wanted` gives it. Pure.
bool is_satisfied(std::string_view wanted, std::string_view present);

/// The group that `rdt` asks for below the mount point of this mount namespace, for the container
/// `id`. Makes nothing; `made` tells whether make() will. Errors begin with "linux.intelRdt".
Result<Group> find(const spec::IntelRdt& rdt, const std::string& id);
/// As find(), with resctrl at `root`.
Result<Group> find_at(const std::string& root, const spec::IntelRdt& rdt, const std::string& id);

/// Makes what is to be made of `group`, writes or compares the schemata. What this call made is
/// removed if it fails.
Result<void> make(Group& group, const spec::IntelRdt& rdt);
/// Moves the process `pid` into the group; its children to come are born there.
Result<void> add(const Group& group, pid_t pid);
/// Writes the schemata of `rdt` to a group that is there; what they were, for another write.
Result<std::string> change(const Group& group, const spec::IntelRdt& rdt);
Result<void> write_schemata(const Group& group, const std::string& schemata);
/// Removes what was made, unless others are in it by now; absent is fine.
Result<void> remove(const Group& group);

}  // namespace skiff::resctrl
