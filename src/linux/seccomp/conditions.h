// What the rules for one system call ask of its arguments, as a tree.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace skiff::seccomp {

enum class Operator : uint8_t {
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  MaskedEqual,  // (argument & mask) == value
};

/// One comparison of an argument. Where arguments have 32 bits, the upper halves are 0.
struct Condition {
  uint32_t argument = 0;  // 0 to 5
  Operator op = Operator::Equal;
  uint64_t value = 0;  // within the mask
  uint64_t mask = ~uint64_t{0};

  bool operator==(const Condition&) const = default;
};

/// What happens to a call, and which rule of the profile says so.
struct Outcome {
  uint32_t action = 0;  // SECCOMP_RET_*, with its data
  size_t rule = 0;
};

struct Node;

/// The nodes are tried in their order; the outcome holds if none of them led to one. Without an
/// outcome the search goes on behind the node that the branch belongs to.
struct Branch {
  std::vector<Node> nodes;
  std::optional<Outcome> outcome;
};

/// A condition, and what follows where it holds.
struct Node {
  Condition condition;
  Branch then;
};

/// What the rules for one system call come to.
struct CallPolicy {
  Branch root;
  size_t nodes = 0;  // in the tree
};

/// Adds a rule: `outcome` if all of `conditions` hold, which are about different arguments and
/// sorted by them. `wide`: arguments have 64 bits; else the lower halves alone are looked at.
/// Which of several rules that hold is taken is libseccomp's order: the more specific condition
/// comes first, whenever it was added; of rules that cover each other the one added first
/// holds; a rule without conditions takes the place of all that have some.
void add_rule(CallPolicy& call, std::vector<Condition> conditions, bool wide, Outcome outcome);

}  // namespace skiff::seccomp
