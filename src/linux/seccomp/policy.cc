#include "src/linux/seccomp/policy.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <set>

#include "src/base/text.h"
#include "src/spec/seccomp_names.h"

namespace skiff::seccomp {
namespace {

using Conditions = std::vector<Condition>;

struct OperatorName {
  std::string_view name;
  Operator value;
};
constexpr OperatorName kOperators[] = {
    {"SCMP_CMP_EQ", Operator::Equal},    {"SCMP_CMP_GE", Operator::GreaterEqual},
    {"SCMP_CMP_GT", Operator::Greater},  {"SCMP_CMP_LE", Operator::LessEqual},
    {"SCMP_CMP_LT", Operator::Less},     {"SCMP_CMP_MASKED_EQ", Operator::MaskedEqual},
    {"SCMP_CMP_NE", Operator::NotEqual},
};
static_assert(std::size(kOperators) == spec::kSeccompOperators.size());

Result<Condition> condition_of(const spec::SeccompArg& arg, size_t at) {
  constexpr uint32_t kMostIndex = 5;
  if (arg.index > kMostIndex)
    return Error::invalid("args[{}].index: {} is out of range, at most {}", at, arg.index,
                          kMostIndex);
  for (const OperatorName& entry : kOperators) {
    if (entry.name != arg.op) continue;
    Condition condition{arg.index, entry.value, arg.value, ~uint64_t{0}};
    if (entry.value == Operator::MaskedEqual) {
      condition.mask = arg.value;
      condition.value = arg.value_two;
    }
    return condition;
  }
  return Error::invalid("args[{}].op: unknown operator {}", at, text::quote(arg.op));
}

/// The conditions of `rule`: one list whose members must all hold, or, if an argument is named
/// twice, one list for each condition, any of which suffices. runc and crun read such rules so,
/// and engines write them in that sense.
Result<std::vector<Conditions>> alternatives(const spec::SeccompRule& rule) {
  Conditions all;
  std::set<uint32_t> arguments;
  for (size_t i = 0; i < rule.args.size(); ++i) {
    all.push_back(TRY(condition_of(rule.args[i], i)));
    arguments.insert(rule.args[i].index);
  }
  std::vector<Conditions> lists;
  if (arguments.size() == all.size()) {
    std::sort(all.begin(), all.end(),
              [](const Condition& a, const Condition& b) { return a.argument < b.argument; });
    lists.push_back(std::move(all));
  } else {
    for (const Condition& one : all) lists.push_back({one});
  }
  return lists;
}

/// As libseccomp has it: the multiplexer's own first argument says which call is meant, and the
/// call's arguments are in memory, where no filter can look; the other conditions stay.
Conditions multiplexed(const Conditions& conditions, uint32_t selector) {
  Conditions carried = {{0, Operator::Equal, selector, ~uint64_t{0}}};
  for (const Condition& one : conditions)
    if (one.argument != 0) carried.push_back(one);
  return carried;
}

class Builder {
 public:
  explicit Builder(Policy& policy) : policy_(policy) {
    for (const ArchitecturePolicy& entry : policy.architectures)
      calls_.emplace_back(entry.architecture);
  }

  Result<void> add(const spec::SeccompRule& rule, size_t index) {
    const std::vector<Conditions> lists = TRY(alternatives(rule));
    const Outcome outcome{action_value(rule.action, rule.errno_ret), index};
    // libseccomp has no rules that say what happens anyway.
    const bool silent = outcome.action == policy_.default_action;
    if (rule.action == spec::SeccompAction::Notify) policy_.notifies = true;
    for (const std::string& name : rule.names) {
      if (!is_known_call(name)) {
        note_unknown(name);
        continue;
      }
      for (size_t i = 0; i < calls_.size(); ++i) {
        const Numbers numbers = calls_[i].find(name);
        note_newest(policy_.architectures[i], numbers);
        if (!silent) TRY(add(policy_.architectures[i], numbers, lists, outcome));
      }
    }
    return {};
  }

  /// Filters and kcmp(2) came with Linux 3.5: no call of that time is younger than any profile.
  void note_oldest_kernel() {
    for (size_t i = 0; i < calls_.size(); ++i)
      if (policy_.architectures[i].newest)
        note_newest(policy_.architectures[i], calls_[i].find("kcmp"));
  }

 private:
  void note_unknown(const std::string& name) {
    std::vector<std::string>& names = policy_.unknown_calls;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }

  static void note_newest(ArchitecturePolicy& entry, const Numbers& numbers) {
    for (const std::optional<uint32_t>& number : {numbers.direct, numbers.multiplexer})
      if (number && *number <= entry.architecture.last_number)
        entry.newest = std::max(entry.newest.value_or(0), *number);
  }

  static Result<void> add(ArchitecturePolicy& entry, const Numbers& numbers,
                          const std::vector<Conditions>& lists, Outcome outcome) {
    for (const Conditions& conditions : lists) {
      if (numbers.multiplexer)
        TRY(add(entry, *numbers.multiplexer, multiplexed(conditions, numbers.selector), outcome));
      if (numbers.direct) TRY(add(entry, *numbers.direct, conditions, outcome));
    }
    return {};
  }

  static Result<void> add(ArchitecturePolicy& entry, uint32_t number, const Conditions& conditions,
                          Outcome outcome) {
    CallPolicy& call = entry.calls[number];
    add_rule(call, conditions, entry.architecture.wide, outcome);
    // Each takes an instruction at least.
    if (call.nodes <= BPF_MAXINSNS) return {};
    return Error::invalid("{} comparisons, the kernel takes {} instructions", call.nodes,
                          BPF_MAXINSNS);
  }

  Policy& policy_;
  std::vector<Calls> calls_;
};

Result<void> add_architectures(Policy& policy, const spec::Seccomp& profile,
                               const Architecture& native) {
  policy.architectures.push_back({native, {}, std::nullopt});
  for (const std::string& name : profile.architectures) {
    if (std::find(spec::kSeccompArchitectures.begin(), spec::kSeccompArchitectures.end(), name) ==
        spec::kSeccompArchitectures.end())
      return Error::invalid("linux.seccomp.architectures: unknown {}", text::quote(name));
    const std::optional<Architecture> found = find_architecture(name);
    if (!found) {
      policy.unknown_architectures.push_back(name);
      continue;
    }
    const bool there = std::any_of(
        policy.architectures.begin(), policy.architectures.end(),
        [&](const ArchitecturePolicy& entry) { return entry.architecture.token == found->token; });
    if (!there) policy.architectures.push_back({*found, {}, std::nullopt});
  }
  return {};
}

/// Whether calls younger than the profile are to be found missing: where the default is to fail
/// with another errno. Where it kills, logs or asks, that is meant for everything unnamed.
bool hides_younger_calls(const Policy& policy) {
  return (policy.default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO &&
         policy.default_action != (SECCOMP_RET_ERRNO | ENOSYS);
}

/// s390 gives calls whose number exceeds 255 the number 0 where it does not know them.
void hide_unknown_s390_calls(ArchitecturePolicy& entry) {
  const bool s390 =
      entry.architecture.audit == AUDIT_ARCH_S390 || entry.architecture.audit == AUDIT_ARCH_S390X;
  if (s390 && entry.newest)
    add_rule(entry.calls[0], {}, entry.architecture.wide, {SECCOMP_RET_ERRNO | ENOSYS, 0});
}

}  // namespace

uint32_t action_value(spec::SeccompAction action, std::optional<uint32_t> errno_ret) {
  const uint32_t code = errno_ret.value_or(EPERM);
  switch (action) {
    case spec::SeccompAction::Allow:
      return SECCOMP_RET_ALLOW;
    case spec::SeccompAction::Errno:
      return SECCOMP_RET_ERRNO | (code & SECCOMP_RET_DATA);
    case spec::SeccompAction::Kill:
    case spec::SeccompAction::KillThread:
      return SECCOMP_RET_KILL_THREAD;
    case spec::SeccompAction::KillProcess:
      return SECCOMP_RET_KILL_PROCESS;
    case spec::SeccompAction::Trap:
      return SECCOMP_RET_TRAP;
    case spec::SeccompAction::Trace:
      return SECCOMP_RET_TRACE | (code & SECCOMP_RET_DATA);
    case spec::SeccompAction::Log:
      return SECCOMP_RET_LOG;
    case spec::SeccompAction::Notify:
      return SECCOMP_RET_USER_NOTIF;
  }
  return SECCOMP_RET_KILL_PROCESS;  // no value of the enumeration: the strictest answer
}

Result<Policy> make_policy(const spec::Seccomp& profile, const Architecture& native) {
  Policy policy;
  policy.default_action = action_value(profile.default_action, profile.default_errno_ret);
  TRY(add_architectures(policy, profile, native));
  Builder builder(policy);
  for (size_t i = 0; i < profile.rules.size(); ++i)
    TRY(builder.add(profile.rules[i], i).context("linux.seccomp.syscalls[{}]", i));
  builder.note_oldest_kernel();
  for (ArchitecturePolicy& entry : policy.architectures) {
    if (hides_younger_calls(policy))
      hide_unknown_s390_calls(entry);
    else
      entry.newest.reset();
  }
  return policy;
}

}  // namespace skiff::seccomp
