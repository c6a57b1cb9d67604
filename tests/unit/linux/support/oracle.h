// libseccomp's own programs, which skiff's must agree with.
#pragma once

#include <optional>

#include "src/linux/seccomp/policy.h"
#include "src/spec/spec.h"
#include "tests/unit/linux/support/bpf.h"

namespace tests {

enum class Layout { List = 1, Tree = 2 };  // SCMP_FLTATR_CTL_OPTIMIZE

/// The program of libseccomp for `profile` on a machine of `native` architecture, in this machine's
/// byte order; nullopt if libseccomp refuses one of the rules because another contradicts it.
std::optional<Instructions> libseccomp_program(const skiff::spec::Seccomp& profile,
                                               const skiff::seccomp::Architecture& native,
                                               Layout layout);

}  // namespace tests
