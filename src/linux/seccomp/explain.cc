#include "src/linux/seccomp/explain.h"

#include <linux/seccomp.h>

namespace skiff::seccomp {
namespace {

void append_cases(const Branch& branch, std::vector<Condition>& path, std::vector<Case>& cases) {
  for (const Node& node : branch.nodes) {
    path.push_back(node.condition);
    append_cases(node.then, path, cases);
    path.pop_back();
  }
  if (branch.outcome && !path.empty()) cases.push_back({path, branch.outcome->action});
}

/// What happens to a call of which no condition holds.
uint32_t without_conditions(const Policy& policy, const ArchitecturePolicy& entry,
                            uint32_t number) {
  const auto call = entry.calls.find(number);
  if (call != entry.calls.end() && call->second.root.outcome)
    return call->second.root.outcome->action;
  const bool younger =
      entry.newest && number > *entry.newest && number <= entry.architecture.last_number;
  return younger ? SECCOMP_RET_ERRNO | ENOSYS : policy.default_action;
}

}  // namespace

std::vector<Explanation> explain(const Policy& policy, const ArchitecturePolicy& entry) {
  std::vector<Explanation> all;
  Calls calls(entry.architecture);
  for (const auto& [number, name] : calls.all()) {
    Explanation one;
    one.name = name;
    one.number = number;
    one.otherwise = without_conditions(policy, entry, number);
    std::vector<Condition> path;
    if (const auto call = entry.calls.find(number); call != entry.calls.end())
      append_cases(call->second.root, path, one.cases);
    all.push_back(std::move(one));
  }
  return all;
}

std::string_view action_name(uint32_t action) {
  switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return "SCMP_ACT_ALLOW";
    case SECCOMP_RET_ERRNO:
      return "SCMP_ACT_ERRNO";
    case SECCOMP_RET_KILL_PROCESS:
      return "SCMP_ACT_KILL_PROCESS";
    case SECCOMP_RET_LOG:
      return "SCMP_ACT_LOG";
    case SECCOMP_RET_TRACE:
      return "SCMP_ACT_TRACE";
    case SECCOMP_RET_TRAP:
      return "SCMP_ACT_TRAP";
    case SECCOMP_RET_USER_NOTIF:
      return "SCMP_ACT_NOTIFY";
    default:
      return "SCMP_ACT_KILL_THREAD";
  }
}

bool has_data(uint32_t action) {
  const uint32_t full = action & SECCOMP_RET_ACTION_FULL;
  return full == SECCOMP_RET_ERRNO || full == SECCOMP_RET_TRACE;
}

std::string_view operator_name(Operator op) {
  switch (op) {
    case Operator::Equal:
      return "SCMP_CMP_EQ";
    case Operator::NotEqual:
      return "SCMP_CMP_NE";
    case Operator::Less:
      return "SCMP_CMP_LT";
    case Operator::LessEqual:
      return "SCMP_CMP_LE";
    case Operator::Greater:
      return "SCMP_CMP_GT";
    case Operator::GreaterEqual:
      return "SCMP_CMP_GE";
    case Operator::MaskedEqual:
      break;
  }
  return "SCMP_CMP_MASKED_EQ";
}

}  // namespace skiff::seccomp
