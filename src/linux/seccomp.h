// Seccomp profiles turned into programs for the kernel, and loaded.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::seccomp {

/// A classic BPF program and the flags for seccomp(2) SECCOMP_SET_MODE_FILTER.
struct Program {
  std::vector<sock_filter> instructions;
  uint32_t flags = 0;  // SECCOMP_FILTER_FLAG_*
};

/// Compiles `profile` for the architectures it names and this machine's own: see
/// seccomp/policy.h and seccomp/generate.h for what it comes to. Errors begin with
/// "linux.seccomp"; flags the running kernel refuses are among them.
Result<Program> compile(const spec::Seccomp& profile);

/// The names that a profile may use and this build supports, for `features`.
std::vector<std::string> supported_actions();
std::vector<std::string> supported_operators();
std::vector<std::string> supported_architectures();
std::vector<std::string> known_flags();
/// Those of known_flags() that the running kernel accepts.
std::vector<std::string> supported_flags();
/// "2.5.4"
std::string library_version();

/// Loads `program` into the calling thread, which must have no_new_privs set
/// or CAP_SYS_ADMIN (seccomp(2)). One system call; async-signal-safe.
Result<void> load(const Program& program);

}  // namespace skiff::seccomp
