// What the kernel's tables say about mounted hierarchies. Pure: text in, Layout out.
#pragma once

#include <string_view>

#include "src/linux/cgroup/cgroup.h"

namespace skiff::cgroup {

/// The layout told by the texts of /proc/self/cgroup and /proc/self/mountinfo.
/// Where a hierarchy is mounted more than once the mount below /sys/fs/cgroup counts,
/// else the one that shows most of it. Hierarchies mounted nowhere are left out.
Layout layout_from(std::string_view own_cgroups, std::string_view mountinfo);

/// This process's v2 cgroup as /proc/self/cgroup has it ("0::/a/b"), "" where absent.
std::string own_v2_cgroup(std::string_view own_cgroups);

}  // namespace skiff::cgroup
