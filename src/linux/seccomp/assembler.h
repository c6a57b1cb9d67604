// Classic BPF, written from its end: every jump leads forward, to code that exists already.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace skiff::seccomp {

/// The state of the accumulator where a piece of code begins.
struct Loaded {
  uint32_t offset = kNothing;  // the word of seccomp_data in it, unchanged
  static constexpr uint32_t kNothing = ~0u;
};

/// A comparison of a word of seccomp_data: (word & mask) `jump` value.
struct Comparison {
  uint32_t offset = 0;
  uint32_t mask = ~0u;
  uint16_t jump = 0;  // BPF_JEQ, BPF_JGT or BPF_JGE
  uint32_t value = 0;
};

class Assembler {
 public:
  /// An instruction, by its distance from the program's end; stays valid.
  using Label = size_t;

  /// Code that ends the program with `value`.
  Label give(uint32_t value);
  /// Code that compares and goes on at `then` or `otherwise`. `loaded` is what the accumulator
  /// holds on the way in. Equal code is written once.
  Label compare(const Comparison& what, Loaded loaded, Label then, Label otherwise);

  /// Code that loads a word of seccomp_data and goes on at `next`.
  Label load(uint32_t offset, Label next);

  /// The program, which begins with `entry`.
  std::vector<sock_filter> finish(Label entry);

 private:
  Label emit(uint16_t code, uint32_t k, uint8_t taken = 0, uint8_t not_taken = 0);
  /// `target`, or a stand-in for it that an 8-bit jump reaches when `ahead` more instructions
  /// come before the jump.
  Label within_reach(Label target, size_t ahead);
  /// Makes `next` the instruction that the next one emitted falls through to.
  void fall_through_to(Label next);

  std::vector<sock_filter> reversed_;
  std::map<uint32_t, Label> given_;   // the latest copy of each result
  std::map<Label, Label> stand_ins_;  // the latest stand-in of each far target
  using Key = std::tuple<uint32_t, uint32_t, uint16_t, uint32_t, bool, Label, Label>;
  std::map<Key, Label> compared_;
};

}  // namespace skiff::seccomp
