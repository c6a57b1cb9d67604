#include "src/linux/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

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

Result<uint32_t> flags_of(const spec::Seccomp& profile) {
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
    if (known->needs == 0) flags |= known->value;
  }
  return static_cast<uint32_t>(flags);
}

}  // namespace

Result<Program> compile(const spec::Seccomp& profile) {
  Program program;
  program.flags = TRY(flags_of(profile));
  const Policy policy = TRY(make_policy(profile, native_architecture()));
  program.instructions = TRY(generate(policy));
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
