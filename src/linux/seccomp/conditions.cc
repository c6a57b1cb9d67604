#include "src/linux/seccomp/conditions.h"

#include <tuple>

namespace skiff::seccomp {
namespace {

constexpr uint32_t low_half(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr uint32_t high_half(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

/// Equality before order, for it is the more specific.
int rank(Operator op) {
  switch (op) {
    case Operator::Equal:
    case Operator::NotEqual:
    case Operator::MaskedEqual:
      return 3;
    case Operator::Less:
    case Operator::LessEqual:
      return 2;
    case Operator::Greater:
    case Operator::GreaterEqual:
      break;
  }
  return 1;
}

/// Of lower bounds the greater comes first, of upper bounds the lesser.
uint32_t order(const Condition& condition, uint32_t half) {
  return rank(condition.op) == 2 ? ~half : half;
}

/// Conditions that look at the upper half of an argument in the same way stay together.
auto group(const Condition& one) {
  const bool masked = one.op == Operator::MaskedEqual && high_half(one.mask) != 0;
  return std::make_tuple(one.argument, rank(one.op), high_half(one.mask), high_half(one.value),
                         masked);
}

bool comes_before(const Condition& a, const Condition& b) {
  const auto key = [](const Condition& one) {
    return std::make_tuple(one.argument, rank(one.op), order(one, high_half(one.value)));
  };
  return key(a) > key(b);
}

/// The node for `condition` among `nodes`, made where it belongs if there is none.
Node& place(std::vector<Node>& nodes, const Condition& condition, size_t& added) {
  auto at = nodes.begin();
  while (at != nodes.end() && group(at->condition) != group(condition)) ++at;
  if (at == nodes.end()) {
    at = nodes.begin();
    while (at != nodes.end() && !comes_before(condition, at->condition)) ++at;
  } else {
    const auto lower = [](const Condition& one) { return order(one, low_half(one.value)); };
    for (; at != nodes.end() && group(at->condition) == group(condition); ++at) {
      if (at->condition == condition) return *at;
      if (lower(at->condition) < lower(condition)) break;
    }
  }
  ++added;
  return *nodes.insert(at, Node{condition, {}});
}

}  // namespace

void add_rule(CallPolicy& call, std::vector<Condition> conditions, bool wide, Outcome outcome) {
  for (Condition& one : conditions) {
    if (!wide) one.mask = low_half(one.mask);
    one.value &= one.mask;
  }
  std::erase_if(conditions, [](const Condition& one) { return one.mask == 0; });
  if (conditions.empty() && !call.root.outcome) call = CallPolicy();
  Branch* branch = &call.root;
  for (const Condition& condition : conditions) {
    if (branch->outcome) return;  // a rule that covers this one was there before
    branch = &place(branch->nodes, condition, call.nodes).then;
  }
  if (!branch->outcome) branch->outcome = outcome;
}

}  // namespace skiff::seccomp
