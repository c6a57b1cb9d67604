#include "src/linux/seccomp/names.h"

#include <linux/audit.h>
#include <seccomp.h>

#include <cstdlib>

#include "src/spec/seccomp_names.h"

namespace skiff::seccomp {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;    // __X32_SYSCALL_BIT, <asm/unistd.h>
constexpr uint32_t kArmPrivate = 0x0f0000;  // __ARM_NR_BASE, arch/arm/include/uapi/asm/unistd.h
constexpr uint32_t kN32Convention = 0x20000000;  // __AUDIT_ARCH_CONVENTION_MIPS64_N32

/// libseccomp's pseudo numbers of calls that a multiplexer may carry: <seccomp-syscalls.h>.
bool is_socket_call(int number) { return number <= -100 && number >= -120; }
bool is_ipc_call(int number) { return number <= -200 && number >= -224; }

/// MIPS: __NR_Linux in <asm/unistd.h>.
uint32_t first_number(uint32_t token) {
  switch (token) {
    case SCMP_ARCH_X32:
      return kX32Bit;
    case SCMP_ARCH_MIPS:
    case SCMP_ARCH_MIPSEL:
      return 4000;
    case SCMP_ARCH_MIPS64:
    case SCMP_ARCH_MIPSEL64:
      return 5000;
    case SCMP_ARCH_MIPS64N32:
    case SCMP_ARCH_MIPSEL64N32:
      return 6000;
    default:
      return 0;
  }
}

Architecture describe(std::string_view name, uint32_t token) {
  Architecture found;
  found.name = name;
  found.token = token;
  // libseccomp's tokens are the kernel's, but for x32, which the kernel tells by the number alone.
  found.audit = token == SCMP_ARCH_X32 ? static_cast<uint32_t>(AUDIT_ARCH_X86_64) : token;
  found.wide = (token & __AUDIT_ARCH_64BIT) != 0 && (token & kN32Convention) == 0;
  found.big_endian = (token & __AUDIT_ARCH_LE) == 0;
  found.first_number = first_number(token);
  if (token == SCMP_ARCH_X86_64) found.last_number = kX32Bit - 1;
  if (token == SCMP_ARCH_ARM) found.last_number = kArmPrivate - 1;
  return found;
}

}  // namespace

std::optional<Architecture> find_architecture(std::string_view name) {
  constexpr std::string_view kPrefix = "SCMP_ARCH_";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::string word(name.substr(kPrefix.size()));
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const uint32_t token = ::seccomp_arch_resolve_name(word.c_str());
  if (token == 0) return std::nullopt;
  return describe(name, token);
}

Architecture native_architecture() {
  const uint32_t token = ::seccomp_arch_native();
  for (const std::string_view name : spec::kSeccompArchitectures) {
    const auto found = find_architecture(name);
    if (found && found->token == token) return *found;
  }
  return describe("native", token);
}

const std::map<uint32_t, std::string>& Calls::all() {
  if (!all_.empty()) return all_;
  constexpr uint32_t kMost = 600;
  const auto look = [&](uint32_t first, uint32_t count) {
    for (uint32_t number = first; number < first + count; ++number) {
      char* name =
          ::seccomp_syscall_resolve_num_arch(architecture_.token, static_cast<int>(number));
      if (name != nullptr) all_.emplace(number, name);
      std::free(name);
    }
  };
  look(architecture_.first_number, kMost);
  if (architecture_.token == SCMP_ARCH_ARM) look(kArmPrivate, 16);
  return all_;
}

/// On architectures with multiplexers libseccomp tells the number of a direct call by no name.
std::optional<uint32_t> Calls::direct_number(const std::string& name) {
  for (const auto& [number, known] : all())
    if (known == name) return number;
  return std::nullopt;
}

Numbers Calls::find(const std::string& name) {
  Numbers numbers;
  const int number = ::seccomp_syscall_resolve_name_arch(architecture_.token, name.c_str());
  if (number >= 0) {
    numbers.direct = static_cast<uint32_t>(number);
    return numbers;
  }
  if (!is_socket_call(number) && !is_ipc_call(number)) return numbers;
  const int carrier = ::seccomp_syscall_resolve_name_rewrite(architecture_.token, name.c_str());
  if (carrier < 0) return numbers;  // nothing multiplexes here
  numbers.multiplexer = static_cast<uint32_t>(carrier);
  numbers.selector = static_cast<uint32_t>(-number) % 100;
  numbers.direct = direct_number(name);
  return numbers;
}

bool is_known_call(const std::string& name) {
  return ::seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR;
}

}  // namespace skiff::seccomp
