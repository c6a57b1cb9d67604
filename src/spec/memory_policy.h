// The constants that linux.memoryPolicy writes as strings.
#pragma once

#include <string>
#include <vector>

namespace skiff::spec {

/// "MPOL_DEFAULT", …, and "MPOL_F_NUMA_BALANCING", …, for `features`.
std::vector<std::string> memory_policy_modes();
std::vector<std::string> memory_policy_flags();

}  // namespace skiff::spec
