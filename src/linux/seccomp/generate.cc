#include "src/linux/seccomp/generate.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <map>
#include <tuple>
#include <utility>

#include "src/linux/seccomp/assembler.h"

namespace skiff::seccomp {
namespace {

using Label = Assembler::Label;

constexpr uint32_t kArchOffset = offsetof(seccomp_data, arch);
constexpr uint32_t kNumberOffset = offsetof(seccomp_data, nr);
// A tracer that skips a call leaves this number: seccomp(2), SECCOMP_RET_TRACE.
constexpr uint32_t kSkipped = ~0u;

/// Where the search for an outcome goes on: at the `index`th node of `branch`, and behind
/// its last one at `outer`.
struct Position {
  const Branch* branch = nullptr;
  size_t index = 0;
  const Position* outer = nullptr;
};

/// What is known where a piece of code begins.
struct Knowledge {
  Loaded loaded;
  // Of the upper half of one argument: that it is this, or that it is not.
  uint32_t argument = kNone;
  bool is = false;
  uint32_t high = 0;

  static constexpr uint32_t kNone = ~0u;
  auto key() const { return std::make_tuple(loaded.offset, argument, is, high); }
};

/// The code of one call's conditions.
class ConditionCode {
 public:
  ConditionCode(Assembler& code, const Architecture& architecture, uint32_t default_action)
      : code_(code), architecture_(architecture), default_action_(default_action) {}

  Label write(const Branch& root) { return write(Position{&root, 0, nullptr}, Knowledge{}); }

 private:
  Label write(Position at, const Knowledge& known) {
    for (;; ++at.index) {
      if (at.index < at.branch->nodes.size()) {
        // Nodes about an upper half that is known to differ are passed over.
        if (!is_excluded(at.branch->nodes[at.index].condition, known)) break;
      } else if (at.branch->outcome) {
        return code_.give(at.branch->outcome->action);
      } else if (at.outer == nullptr) {
        return code_.give(default_action_);
      } else {
        at = *at.outer;
        --at.index;
      }
    }
    const Node& node = at.branch->nodes[at.index];
    // The position in the tree is given by the node.
    const auto key = std::make_pair(&node, known.key());
    if (const auto found = written_.find(key); found != written_.end()) return found->second;
    const Label label = write(node, Position{at.branch, at.index + 1, at.outer}, known);
    return written_[key] = label;
  }

  static bool is_excluded(const Condition& condition, const Knowledge& known) {
    if (condition.op != Operator::Equal || known.argument != condition.argument ||
        (condition.mask >> 32) == 0)
      return false;
    return (known.high == static_cast<uint32_t>(condition.value >> 32)) != known.is;
  }

  /// Where it goes on once it is decided whether the condition holds.
  Label follow(const Node& node, const Position& next, bool holds, const Knowledge& known) {
    return holds ? write(Position{&node.then, 0, &next}, known) : write(next, known);
  }

  Label write(const Node& node, const Position& next, const Knowledge& known) {
    switch (node.condition.op) {
      case Operator::Equal:
      case Operator::NotEqual:
      case Operator::MaskedEqual:
        return write_equality(node, next, known);
      default:
        return write_order(node, next, known);
    }
  }

  Label write_equality(const Node& node, const Position& next, const Knowledge& known) {
    const Condition& condition = node.condition;
    const bool if_equal = condition.op != Operator::NotEqual;
    const auto high = static_cast<uint32_t>(condition.value >> 32);
    const auto mask = static_cast<uint32_t>(condition.mask >> 32);
    const bool about_it = known.argument == condition.argument;
    if (mask == 0 || (about_it && known.is && (known.high & mask) == high))
      return write_low(node, next, BPF_JEQ, if_equal, known);
    if (about_it && (known.is || (mask == ~0u && known.high == high)))
      return follow(node, next, !if_equal, known);
    Knowledge same = after(known, condition, true, mask);
    Knowledge other = same;
    if (mask == ~0u) {
      learn(same, condition.argument, true, high);
      learn(other, condition.argument, false, high);
    }
    const Label equal = write_low(node, next, BPF_JEQ, if_equal, same);
    const Label differs = follow(node, next, !if_equal, other);
    return code_.compare({offset_of(condition, true), mask, BPF_JEQ, high}, known.loaded, equal,
                         differs);
  }

  /// Upper halves that differ decide; of equal ones the lower halves do.
  Label write_order(const Node& node, const Position& next, const Knowledge& known) {
    const Condition& condition = node.condition;
    const bool upwards =
        condition.op == Operator::Greater || condition.op == Operator::GreaterEqual;
    const bool strict = condition.op == Operator::Greater || condition.op == Operator::LessEqual;
    const uint16_t jump = strict ? BPF_JGT : BPF_JGE;
    const auto high = static_cast<uint32_t>(condition.value >> 32);
    if ((condition.mask >> 32) == 0) return write_low(node, next, jump, upwards, known);
    if (known.argument == condition.argument && known.is) {
      if (known.high != high) return follow(node, next, (known.high > high) == upwards, known);
      return write_low(node, next, jump, upwards, known);
    }
    const Knowledge above = after(known, condition, true, ~0u);
    Knowledge same = above;
    Knowledge below = above;
    learn(same, condition.argument, true, high);
    learn(below, condition.argument, false, high);
    const uint32_t offset = offset_of(condition, true);
    const Label equal = write_low(node, next, jump, upwards, same);
    const Label less = follow(node, next, !upwards, below);
    const Label not_above = code_.compare({offset, ~0u, BPF_JEQ, high}, above.loaded, equal, less);
    const Label greater = follow(node, next, upwards, above);
    return code_.compare({offset, ~0u, BPF_JGT, high}, known.loaded, greater, not_above);
  }

  /// The lower halves decide: the condition holds if the comparison's outcome is `if_true`.
  Label write_low(const Node& node, const Position& next, uint16_t jump, bool if_true,
                  const Knowledge& known) {
    const Condition& condition = node.condition;
    const auto mask = static_cast<uint32_t>(condition.mask);
    if (mask == 0) return follow(node, next, if_true, known);
    const Knowledge later = after(known, condition, false, mask);
    const Label taken = follow(node, next, if_true, later);
    const Label not_taken = follow(node, next, !if_true, later);
    return code_.compare(
        {offset_of(condition, false), mask, jump, static_cast<uint32_t>(condition.value)},
        known.loaded, taken, not_taken);
  }

  /// What is known once half of an argument has been compared; a mask spoils the word.
  Knowledge after(const Knowledge& known, const Condition& condition, bool high,
                  uint32_t mask) const {
    Knowledge later = known;
    later.loaded = mask == ~0u ? Loaded{offset_of(condition, high)} : Loaded{};
    return later;
  }

  static void learn(Knowledge& known, uint32_t argument, bool is, uint32_t high) {
    known.argument = argument;
    known.is = is;
    known.high = high;
  }

  uint32_t offset_of(const Condition& condition, bool high) const {
    constexpr uint32_t kHalf = sizeof(uint32_t);
    const size_t argument = offsetof(seccomp_data, args) + sizeof(uint64_t) * condition.argument;
    return static_cast<uint32_t>(argument) + (high != architecture_.big_endian ? kHalf : 0);
  }

  Assembler& code_;
  const Architecture& architecture_;
  uint32_t default_action_;
  using Key = decltype(std::declval<Knowledge>().key());
  std::map<std::pair<const Node*, Key>, Label> written_;
};

/// System call numbers from `first` to the next range's are treated alike.
struct Range {
  uint32_t first = 0;
  uint32_t action = 0;             // without conditions
  const Branch* branch = nullptr;  // with conditions
  const Architecture* architecture = nullptr;
};

/// The ranges of all numbers that come with one AUDIT_ARCH value, in order.
class Ranges {
 public:
  explicit Ranges(uint32_t default_action) : default_action_(default_action) {}

  void add(const ArchitecturePolicy& entry) {
    for (const auto& [number, call] : entry.calls) {
      add_younger(entry, number);
      add_call(entry, number, call.root);
    }
    add_younger(entry, kSkipped);
    younger_done_ = false;
  }
  void start(uint32_t first, uint32_t action) { append({first, action, nullptr, nullptr}); }
  const std::vector<Range>& all() const { return ranges_; }

 private:
  /// What lies between the newest call and the end, once `upto` is beyond it.
  void add_younger(const ArchitecturePolicy& entry, uint32_t upto) {
    if (!entry.newest || younger_done_ || upto <= *entry.newest) return;
    younger_done_ = true;
    start(*entry.newest + 1, SECCOMP_RET_ERRNO | ENOSYS);
    const uint32_t last = entry.architecture.last_number;
    start(last == kSkipped ? kSkipped : last + 1, default_action_);
  }

  void add_call(const ArchitecturePolicy& entry, uint32_t number, const Branch& branch) {
    if (branch.nodes.empty() && branch.outcome)
      start(number, branch.outcome->action);
    else
      append({number, 0, &branch, &entry.architecture});
    if (number != kSkipped) start(number + 1, default_action_);
  }

  /// A range that begins where the last one does takes its place; one that is treated alike joins
  /// it.
  void append(const Range& range) {
    if (!ranges_.empty() && ranges_.back().first == range.first) ranges_.pop_back();
    const bool alike = !ranges_.empty() && range.branch == nullptr &&
                       ranges_.back().branch == nullptr && ranges_.back().action == range.action;
    if (!alike) ranges_.push_back(range);
  }

  uint32_t default_action_;
  std::vector<Range> ranges_;
  bool younger_done_ = false;
};

class ProgramCode {
 public:
  explicit ProgramCode(const Policy& policy) : policy_(policy) {}

  std::vector<sock_filter> write() {
    Label next = code_.give(SECCOMP_RET_KILL_THREAD);
    const auto& all = policy_.architectures;
    for (auto entry = all.rbegin(); entry != all.rend(); ++entry) {
      if (is_second_of_its_kind(*entry)) continue;
      const Label calls = write_calls(entry->architecture.audit);
      next = code_.compare({kArchOffset, ~0u, BPF_JEQ, entry->architecture.audit},
                           Loaded{kArchOffset}, calls, next);
    }
    return code_.finish(code_.load(kArchOffset, next));
  }

 private:
  /// x32 and x86-64 share their AUDIT_ARCH value.
  bool is_second_of_its_kind(const ArchitecturePolicy& entry) const {
    for (const ArchitecturePolicy& other : policy_.architectures)
      if (other.architecture.audit == entry.architecture.audit) return &other != &entry;
    return false;
  }

  const ArchitecturePolicy* find(uint32_t audit, bool x32) const {
    for (const ArchitecturePolicy& entry : policy_.architectures)
      if (entry.architecture.audit == audit && entry.architecture.is_x32() == x32) return &entry;
    return nullptr;
  }

  Label write_calls(uint32_t audit) {
    Ranges ranges(policy_.default_action);
    const ArchitecturePolicy* plain = find(audit, false);
    const ArchitecturePolicy* x32 = find(audit, true);
    const uint32_t kill = SECCOMP_RET_KILL_THREAD;
    ranges.start(0, plain != nullptr ? policy_.default_action : kill);
    if (plain != nullptr) ranges.add(*plain);
    if (audit == AUDIT_ARCH_X86_64) {
      constexpr uint32_t kX32Bit = 0x40000000;
      ranges.start(kX32Bit, x32 != nullptr ? policy_.default_action : kill);
      if (x32 != nullptr) ranges.add(*x32);
      ranges.start(kSkipped, policy_.default_action);
    }
    const std::vector<Range>& all = ranges.all();
    return code_.load(kNumberOffset, write_tree(all, 0, all.size()));
  }

  /// The number is in the accumulator.
  Label write_tree(const std::vector<Range>& ranges, size_t begin, size_t end) {
    if (end - begin == 1) return write_range(ranges[begin]);
    const size_t middle = begin + (end - begin) / 2;
    const Label above = write_tree(ranges, middle, end);
    const Label below = write_tree(ranges, begin, middle);
    return code_.compare({kNumberOffset, ~0u, BPF_JGE, ranges[middle].first}, Loaded{kNumberOffset},
                         above, below);
  }

  Label write_range(const Range& range) {
    if (range.branch == nullptr) return code_.give(range.action);
    return ConditionCode(code_, *range.architecture, policy_.default_action).write(*range.branch);
  }

  const Policy& policy_;
  Assembler code_;
};

}  // namespace

Result<std::vector<sock_filter>> generate(const Policy& policy) {
  std::vector<sock_filter> program = ProgramCode(policy).write();
  if (program.size() <= BPF_MAXINSNS) return program;
  return Error::invalid("linux.seccomp: the profile takes {} instructions, the kernel takes {}",
                        program.size(), BPF_MAXINSNS);
}

}  // namespace skiff::seccomp
