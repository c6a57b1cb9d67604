// Seccomp profiles turned into programs for the kernel, and loaded.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::seccomp {

/// A classic BPF program and the flags for seccomp(2) SECCOMP_SET_MODE_FILTER.
struct Program {
  std::vector<sock_filter> instructions;
  uint32_t flags = 0;     // SECCOMP_FILTER_FLAG_*
  bool notifies = false;  // some calls are put to a listener
};

/// For files that this version of skiff writes and reads.
std::string to_bytes(const Program& program);
/// Fails on bytes that are no program which the kernel would take: seccomp_check_filter().
Result<Program> from_bytes(std::string_view bytes);
/// No program has more.
inline constexpr size_t kMostBytes = 64u << 10;

/// What becomes of system calls that libseccomp does not know.
enum class Unknown { Skipped, Refused };

/// Compiles `profile` for the architectures it names and this machine's own: see
/// seccomp/policy.h and seccomp/generate.h for what it comes to. Errors begin with
/// "linux.seccomp"; flags the running kernel refuses are among them.
Result<Program> compile(const spec::Seccomp& profile, Unknown unknown = Unknown::Skipped);
/// The program whose instructions `bytes` are, with the flags of `profile`. Fails on instructions
/// that the kernel would not take.
Result<Program> from_instructions(std::string_view bytes,
                                  const std::optional<spec::Seccomp>& profile);

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

/// Loads `program`, which notifies, into the calling process, whose only thread the caller is,
/// and gives its listener to `hand_over`. That runs in a process of its own, which the filter
/// does not hold for, with the memory and the descriptors of the caller; meanwhile the caller is
/// in a system call that it entered before there was a filter. So whatever the program notifies of,
/// nothing waits for the listener before somebody has it. Fails as hand_over does, the
/// filter loaded and the listener closed. The listener is close-on-exec. On success the caller
/// must go on to execve(2), which ends a thread that was left behind.
Result<void> load_with_listener(const Program& program,
                                const std::function<Result<void>(int listener)>& hand_over);

}  // namespace skiff::seccomp
