// A policy told call by call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/linux/seccomp/policy.h"

namespace skiff::seccomp {

/// `action` if all of `conditions` hold.
struct Case {
  std::vector<Condition> conditions;
  uint32_t action = 0;
};

/// What happens to a system call: the first case that holds, else `otherwise`.
struct Explanation {
  std::string name;
  uint32_t number = 0;
  std::vector<Case> cases;
  uint32_t otherwise = 0;
};

/// Every system call of an architecture of `policy` that libseccomp knows there, by number.
std::vector<Explanation> explain(const Policy& policy, const ArchitecturePolicy& entry);

/// "SCMP_ACT_ERRNO" of an action's value.
std::string_view action_name(uint32_t action);
/// Whether the action comes with an errno or a number for a tracer: SECCOMP_RET_DATA.
bool has_data(uint32_t action);
/// "SCMP_CMP_EQ"
std::string_view operator_name(Operator op);

}  // namespace skiff::seccomp
