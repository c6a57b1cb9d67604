#include "src/linux/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "src/base/text.h"
#include "src/linux/seccomp/generate.h"
#include "src/linux/seccomp/policy.h"
#include "src/spec/seccomp_names.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)  // <linux/seccomp.h>, since Linux 5.19
#endif

namespace skiff::seccomp {
namespace {

struct FlagValue {
  std::string_view name;
  unsigned long value;
  unsigned long needs;  // the flag without which the kernel refuses this one
};
constexpr FlagValue kFlags[] = {
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG, 0},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0},
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC, 0},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
     SECCOMP_FILTER_FLAG_NEW_LISTENER},
};
static_assert(std::size(kFlags) == spec::kSeccompFlags.size());

/// A flag the kernel knows makes it look for the program, and a null program is EFAULT.
bool is_supported(const FlagValue& flag) {
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag.value | flag.needs, nullptr) != 0 &&
         errno == EFAULT;
}

bool is_available(uint32_t action) {
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

Result<uint32_t> flags_of(const spec::Seccomp& profile, bool notifies) {
  // config-linux.md#seccomp leaves the default to the runtime; runc's choice. Without it, kernels
  // before 5.16 turn speculation off for everything under a filter.
  if (!profile.flags_given) return uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW};
  unsigned long flags = 0;
  for (const std::string& word : profile.flags) {
    const auto* known = std::find_if(std::begin(kFlags), std::end(kFlags),
                                     [&](const FlagValue& flag) { return flag.name == word; });
    if (known == std::end(kFlags))
      return Error::invalid("linux.seccomp.flags: unknown {}", text::quote(word));
    if (!is_supported(*known))
      return Error::invalid("linux.seccomp.flags: this kernel does not support {}", word);
    // A flag for the notification listener has nothing to say where there is none.
    if (known->needs == 0 || notifies) flags |= known->value;
  }
  return static_cast<uint32_t>(flags);
}

}  // namespace

Result<Program> compile(const spec::Seccomp& profile, Unknown unknown) {
  Program program;
  const Policy policy = TRY(make_policy(profile, native_architecture()));
  if (unknown == Unknown::Refused && !policy.unknown_calls.empty())
    return Error::invalid("linux.seccomp.syscalls: unknown system call {}",
                          text::quote(policy.unknown_calls.front()));
  if (policy.notifies && !is_available(SECCOMP_RET_USER_NOTIF))
    return Error::invalid("linux.seccomp.syscalls: this kernel does not support SCMP_ACT_NOTIFY");
  program.flags = TRY(flags_of(profile, policy.notifies));
  program.instructions = TRY(generate(policy));
  program.notifies = policy.notifies;
  return program;
}

namespace {

/// As program files begin.
struct FileHeader {
  uint32_t flags = 0;
  uint32_t notifies = 0;
};

/// The instructions that seccomp_check_filter() in kernel/seccomp.c takes, but loads of
/// seccomp_data and the ends of programs.
constexpr uint16_t kInstructions[] = {
    BPF_JMP | BPF_JEQ | BPF_K,
    BPF_JMP | BPF_JGE | BPF_K,
    BPF_JMP | BPF_JGT | BPF_K,
    BPF_ALU | BPF_AND | BPF_K,
    BPF_LD | BPF_W | BPF_LEN,
    BPF_LDX | BPF_W | BPF_LEN,
    BPF_LD | BPF_IMM,
    BPF_LDX | BPF_IMM,
    BPF_LD | BPF_MEM,
    BPF_LDX | BPF_MEM,
    BPF_ST,
    BPF_STX,
    BPF_MISC | BPF_TAX,
    BPF_MISC | BPF_TXA,
    BPF_ALU | BPF_NEG,
    BPF_ALU | BPF_ADD | BPF_K,  // NOLINT(misc-redundant-expression): both are 0
    BPF_ALU | BPF_ADD | BPF_X,
    BPF_ALU | BPF_SUB | BPF_K,
    BPF_ALU | BPF_SUB | BPF_X,
    BPF_ALU | BPF_MUL | BPF_K,
    BPF_ALU | BPF_MUL | BPF_X,
    BPF_ALU | BPF_DIV | BPF_K,
    BPF_ALU | BPF_DIV | BPF_X,
    BPF_ALU | BPF_AND | BPF_X,
    BPF_ALU | BPF_OR | BPF_K,
    BPF_ALU | BPF_OR | BPF_X,
    BPF_ALU | BPF_XOR | BPF_K,
    BPF_ALU | BPF_XOR | BPF_X,
    BPF_ALU | BPF_LSH | BPF_K,
    BPF_ALU | BPF_LSH | BPF_X,
    BPF_ALU | BPF_RSH | BPF_K,
    BPF_ALU | BPF_RSH | BPF_X,
    BPF_JMP | BPF_JEQ | BPF_X,
    BPF_JMP | BPF_JGE | BPF_X,
    BPF_JMP | BPF_JGT | BPF_X,
    BPF_JMP | BPF_JSET | BPF_K,
    BPF_JMP | BPF_JSET | BPF_X,
};

/// Whether the kernel takes the instruction, behind which `left` more follow.
bool is_well_formed(const sock_filter& step, size_t left) {
  if (step.code == (BPF_RET | BPF_K) || step.code == (BPF_RET | BPF_A)) return true;
  if (left == 0) return false;
  if (step.code == (BPF_LD | BPF_W | BPF_ABS))
    return step.k % sizeof step.k == 0 && step.k < sizeof(seccomp_data);
  if (step.code == (BPF_JMP | BPF_JA)) return step.k < left;
  if (BPF_CLASS(step.code) == BPF_JMP && (step.jt >= left || step.jf >= left)) return false;
  return std::find(std::begin(kInstructions), std::end(kInstructions), step.code) !=
         std::end(kInstructions);
}

}  // namespace

std::string to_bytes(const Program& program) {
  const FileHeader header{program.flags, program.notifies ? 1u : 0u};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(program.instructions.data()),
               program.instructions.size() * sizeof(sock_filter));
  return bytes;
}

namespace {

Result<std::vector<sock_filter>> read_instructions(std::string_view bytes) {
  std::vector<sock_filter> instructions(bytes.size() / sizeof(sock_filter));
  const size_t count = instructions.size();
  if (bytes.empty() || bytes.size() % sizeof(sock_filter) != 0 || count > BPF_MAXINSNS)
    return Error::invalid("malformed program");
  std::memcpy(instructions.data(), bytes.data(), bytes.size());
  for (size_t i = 0; i < count; ++i)
    if (!is_well_formed(instructions[i], count - 1 - i))
      return Error::invalid("malformed program: instruction {}", i);
  return instructions;
}

}  // namespace

Result<Program> from_bytes(std::string_view bytes) {
  FileHeader header;
  if (bytes.size() <= sizeof header) return Error::invalid("malformed program");
  std::memcpy(&header, bytes.data(), sizeof header);
  Program program;
  program.flags = header.flags;
  program.notifies = header.notifies != 0;
  program.instructions = TRY(read_instructions(bytes.substr(sizeof header)));
  return program;
}

Result<Program> from_instructions(std::string_view bytes,
                                  const std::optional<spec::Seccomp>& profile) {
  Program program;
  program.instructions = TRY(read_instructions(bytes));
  program.flags = TRY(flags_of(profile.value_or(spec::Seccomp()), false));
  for (const sock_filter& step : program.instructions)
    if (step.code == (BPF_RET | BPF_K) &&
        (step.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
      program.notifies = true;
  return program;
}

std::vector<std::string> supported_actions() {
  std::vector<std::string> names;
  names.reserve(spec::kSeccompActions.size());
  for (const spec::SeccompActionName& entry : spec::kSeccompActions) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> supported_operators() {
  return {spec::kSeccompOperators.begin(), spec::kSeccompOperators.end()};
}

std::vector<std::string> supported_architectures() {
  std::vector<std::string> names;
  for (const std::string_view name : spec::kSeccompArchitectures)
    if (find_architecture(name)) names.emplace_back(name);
  return names;
}

std::vector<std::string> known_flags() {
  return {spec::kSeccompFlags.begin(), spec::kSeccompFlags.end()};
}

std::vector<std::string> supported_flags() {
  std::vector<std::string> names;
  for (const FlagValue& flag : kFlags)
    if (is_supported(flag)) names.emplace_back(flag.name);
  return names;
}

std::string library_version() {
  const scmp_version* version = ::seccomp_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->micro);
}

Result<void> load(const Program& program) {
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.instructions.size());
  filter.filter = const_cast<sock_filter*>(program.instructions.data());
  const long code = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program.flags, &filter);
  if (code < 0) return Error::from_errno("linux.seccomp: load the filter");
  // SECCOMP_FILTER_FLAG_TSYNC reports a thread that it cannot bring along by its number.
  if (code > 0) return Error::invalid("linux.seccomp: thread {} has a filter of its own", code);
  return {};
}

}  // namespace skiff::seccomp
