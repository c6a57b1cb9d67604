// What a profile does to every system call of every architecture, as a value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/linux/seccomp/conditions.h"
#include "src/linux/seccomp/names.h"
#include "src/spec/spec.h"

namespace skiff::seccomp {

struct ArchitecturePolicy {
  Architecture architecture;
  /// By number. A call that leads to no outcome gets the default action.
  std::map<uint32_t, CallPolicy> calls;
  /// Numbers above this one, up to the architecture's last, are of calls younger than the profile,
  /// which a program must find missing (ENOSYS) rather than forbidden, or it would not try
  /// what it did before. nullopt: they get the default action, too.
  std::optional<uint32_t> newest;
};

struct Policy {
  uint32_t default_action = 0;                    // SECCOMP_RET_*, with its data
  std::vector<ArchitecturePolicy> architectures;  // the machine's own first
  std::vector<std::string> unknown_calls;         // skipped; each once
  std::vector<std::string> unknown_architectures;
  bool notifies = false;  // some call is put to a listener
};

/// SECCOMP_RET_* with its data; an absent `errno_ret` is EPERM.
uint32_t action_value(spec::SeccompAction action, std::optional<uint32_t> errno_ret);

/// The policy of `profile` on a machine of `native` architecture. System calls and architectures
/// that libseccomp does not know are skipped, as a profile written for a newer kernel must load on
/// an older one (config-linux.md#seccomp). Errors begin with "linux.seccomp".
Result<Policy> make_policy(const spec::Seccomp& profile, const Architecture& native);

}  // namespace skiff::seccomp
