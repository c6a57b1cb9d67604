// The constants that linux.seccomp writes as strings.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "src/spec/spec.h"

namespace skiff::spec {

struct SeccompActionName {
  const char* name;
  SeccompAction action;
};
inline constexpr std::array kSeccompActions = {
    SeccompActionName{"SCMP_ACT_ALLOW", SeccompAction::Allow},
    SeccompActionName{"SCMP_ACT_ERRNO", SeccompAction::Errno},
    SeccompActionName{"SCMP_ACT_KILL", SeccompAction::Kill},
    SeccompActionName{"SCMP_ACT_KILL_PROCESS", SeccompAction::KillProcess},
    SeccompActionName{"SCMP_ACT_KILL_THREAD", SeccompAction::KillThread},
    SeccompActionName{"SCMP_ACT_LOG", SeccompAction::Log},
    SeccompActionName{"SCMP_ACT_NOTIFY", SeccompAction::Notify},
    SeccompActionName{"SCMP_ACT_TRACE", SeccompAction::Trace},
    SeccompActionName{"SCMP_ACT_TRAP", SeccompAction::Trap},
};

inline constexpr std::array<std::string_view, 7> kSeccompOperators = {
    "SCMP_CMP_EQ", "SCMP_CMP_GE",        "SCMP_CMP_GT", "SCMP_CMP_LE",
    "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
};

/// Every architecture the specification names; libseccomp need not know them all.
inline constexpr std::array<std::string_view, 23> kSeccompArchitectures = {
    "SCMP_ARCH_AARCH64",  "SCMP_ARCH_ARM",         "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
    "SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",   "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PARISC",      "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_PPC",      "SCMP_ARCH_PPC64",       "SCMP_ARCH_PPC64LE",     "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_S390",     "SCMP_ARCH_S390X",       "SCMP_ARCH_SH",          "SCMP_ARCH_SHEB",
    "SCMP_ARCH_X32",      "SCMP_ARCH_X86",         "SCMP_ARCH_X86_64",
};

inline constexpr std::array<std::string_view, 4> kSeccompFlags = {
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
};

/// The greatest errnoRet `action` carries: the kernel cuts errno values at MAX_ERRNO and hands
/// 16 bits to a tracer; nullopt for an action that takes none.
constexpr std::optional<uint32_t> greatest_errno_ret(SeccompAction action) {
  if (action == SeccompAction::Errno) return 4095;
  if (action == SeccompAction::Trace) return 65535;
  return std::nullopt;
}

}  // namespace skiff::spec
