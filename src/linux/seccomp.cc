#include "src/linux/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "src/base/fd.h"
#include "src/base/text.h"
#include "src/spec/seccomp_names.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)  // <linux/seccomp.h>, since Linux 5.19
#endif

namespace skiff::seccomp {
namespace {

using Context = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

uint32_t action_value(spec::SeccompAction action, std::optional<uint32_t> errno_ret) {
  switch (action) {
    case spec::SeccompAction::Allow:
      return SCMP_ACT_ALLOW;
    case spec::SeccompAction::Errno:
      return SCMP_ACT_ERRNO(errno_ret.value_or(EPERM));
    case spec::SeccompAction::Kill:
    case spec::SeccompAction::KillThread:
      return SCMP_ACT_KILL_THREAD;
    case spec::SeccompAction::KillProcess:
      return SCMP_ACT_KILL_PROCESS;
    case spec::SeccompAction::Trap:
      return SCMP_ACT_TRAP;
    case spec::SeccompAction::Trace:
      return SCMP_ACT_TRACE(errno_ret.value_or(EPERM));
    case spec::SeccompAction::Log:
      return SCMP_ACT_LOG;
  }
  return SCMP_ACT_KILL_PROCESS;  // no value of the enumeration: the strictest answer
}

struct OperatorValue {
  std::string_view name;
  scmp_compare value;
};
constexpr OperatorValue kOperators[] = {
    {"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    {"SCMP_CMP_NE", SCMP_CMP_NE},
};
static_assert(std::size(kOperators) == spec::kSeccompOperators.size());

Result<scmp_arg_cmp> condition(const spec::SeccompArg& arg) {
  for (const OperatorValue& entry : kOperators)
    if (entry.name == arg.op) return scmp_arg_cmp{arg.index, entry.value, arg.value, arg.value_two};
  return Error::invalid("unknown operator {}", text::quote(arg.op));
}

/// libseccomp's token for "SCMP_ARCH_X86_64"; 0 for an architecture it does not know.
uint32_t architecture_token(std::string_view name) {
  constexpr std::string_view kPrefix = "SCMP_ARCH_";
  std::string word(name.substr(kPrefix.size()));
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ::seccomp_arch_resolve_name(word.c_str());
}

Result<void> add_architectures(const Context& context, const spec::Seccomp& profile) {
  for (const std::string& name : profile.architectures) {
    if (std::find(spec::kSeccompArchitectures.begin(), spec::kSeccompArchitectures.end(), name) ==
        spec::kSeccompArchitectures.end())
      return Error::invalid("linux.seccomp.architectures: unknown {}", text::quote(name));
    const uint32_t token = architecture_token(name);
    if (token == 0) continue;  // no process of it can run where libseccomp does not know it
    const int code = ::seccomp_arch_add(context.get(), token);
    if (code != 0 && code != -EEXIST)  // the machine's own is there from the beginning
      return Error::from_code(-code, "linux.seccomp.architectures: add {}", name);
  }
  return {};
}

using Conditions = std::vector<scmp_arg_cmp>;

/// The conditions of `rule`, as libseccomp takes them: one list whose members must all hold, or,
/// if an argument is named twice, which libseccomp refuses, one list for each condition, any of
/// which suffices. runc and crun read such rules so, and engines write them in that sense.
Result<std::vector<Conditions>> alternatives(const spec::SeccompRule& rule) {
  Conditions all;
  std::set<uint32_t> arguments;
  for (size_t i = 0; i < rule.args.size(); ++i) {
    all.push_back(TRY(condition(rule.args[i]).context("args[{}].op", i)));
    arguments.insert(rule.args[i].index);
  }
  std::vector<Conditions> lists;
  if (arguments.size() == all.size()) {
    lists.push_back(std::move(all));
  } else {
    for (const scmp_arg_cmp& one : all) lists.push_back({one});
  }
  return lists;
}

/// Adds `rule`; counts in `added` the rules libseccomp got.
Result<void> add_rule(const Context& context, const spec::SeccompRule& rule, size_t& added) {
  const uint32_t action = action_value(rule.action, rule.errno_ret);
  const std::vector<Conditions> lists = TRY(alternatives(rule));
  for (const std::string& name : rule.names) {
    const int number = ::seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) continue;  // newer than this libseccomp
    for (const Conditions& list : lists) {
      const int code = ::seccomp_rule_add_array(context.get(), action, number,
                                                static_cast<unsigned>(list.size()), list.data());
      // An earlier rule has the same conditions, and the earlier one holds.
      if (code != 0 && code != -EEXIST)
        return Error::from_code(-code, "add a rule for {}", text::quote(name));
      ++added;
    }
  }
  return {};
}

/// libseccomp 2.5.4 writes its program to nothing but a descriptor.
Result<std::vector<sock_filter>> export_program(const Context& context) {
  const Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return Error::from_errno("linux.seccomp: memfd_create");
  const int code = ::seccomp_export_bpf(context.get(), file.get());
  if (code != 0) return Error::from_code(-code, "linux.seccomp: export the program");
  const off_t bytes = ::lseek(file.get(), 0, SEEK_END);
  if (bytes < 0) return Error::from_errno("linux.seccomp: size of the program");
  std::vector<sock_filter> instructions(static_cast<size_t>(bytes) / sizeof(sock_filter));
  if (::pread(file.get(), instructions.data(), static_cast<size_t>(bytes), 0) != bytes)
    return Error::from_errno("linux.seccomp: read the program");
  if (instructions.size() > BPF_MAXINSNS)
    return Error::invalid("linux.seccomp: the profile takes {} instructions, the kernel takes {}",
                          instructions.size(), BPF_MAXINSNS);
  return instructions;
}

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
  const uint32_t default_action = action_value(profile.default_action, profile.default_errno_ret);
  const Context context(::seccomp_init(default_action), ::seccomp_release);
  if (!context) return Error::invalid("linux.seccomp.defaultAction: refused by libseccomp");
  TRY(add_architectures(context, profile));
  size_t added = 0;
  for (size_t i = 0; i < profile.rules.size(); ++i) {
    const spec::SeccompRule& rule = profile.rules[i];
    // libseccomp refuses a rule that changes nothing.
    if (action_value(rule.action, rule.errno_ret) == default_action) continue;
    TRY(add_rule(context, rule, added).context("linux.seccomp.syscalls[{}]", i));
  }
  // A binary tree over the numbers; below some thirty rules a list is as quick.
  constexpr size_t kRulesForTree = 32;
  constexpr uint32_t kBinaryTree = 2;
  if (added > kRulesForTree) {
    const int code = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree);
    if (code != 0) return Error::from_code(-code, "linux.seccomp: optimize");
  }
  program.instructions = TRY(export_program(context));
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
    if (architecture_token(name) != 0) names.emplace_back(name);
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
