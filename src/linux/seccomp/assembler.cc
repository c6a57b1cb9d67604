#include "src/linux/seccomp/assembler.h"

namespace skiff::seccomp {
namespace {

constexpr size_t kLongestJump = 255;  // sock_filter's jt and jf have 8 bits

}  // namespace

Assembler::Label Assembler::emit(uint16_t code, uint32_t k, uint8_t taken, uint8_t not_taken) {
  reversed_.push_back({code, taken, not_taken, k});
  return reversed_.size() - 1;
}

Assembler::Label Assembler::give(uint32_t value) {
  const auto found = given_.find(value);
  if (found != given_.end()) return found->second;
  return given_[value] = emit(BPF_RET | BPF_K, value);
}

Assembler::Label Assembler::within_reach(Label target, size_t ahead) {
  const auto reachable = [&](Label label) {
    return reversed_.size() + ahead - 1 - label <= kLongestJump;
  };
  if (reachable(target)) return target;
  const auto known = stand_ins_.find(target);
  if (known != stand_ins_.end() && reachable(known->second)) return known->second;
  const sock_filter& code = reversed_[target];
  const bool result = code.code == (BPF_RET | BPF_K);
  const uint32_t value = code.k;
  const auto distance = static_cast<uint32_t>(reversed_.size() - 1 - target);
  const Label stand_in = result ? emit(BPF_RET | BPF_K, value) : emit(BPF_JMP | BPF_JA, distance);
  if (result) given_[value] = stand_in;
  return stand_ins_[target] = stand_in;
}

void Assembler::fall_through_to(Label next) {
  const size_t distance = reversed_.size() - 1 - next;
  if (distance > 0) emit(BPF_JMP | BPF_JA, static_cast<uint32_t>(distance));
}

Assembler::Label Assembler::compare(const Comparison& what, Loaded loaded, Label then,
                                    Label otherwise) {
  if (then == otherwise) return then;
  const bool masked = what.mask != ~0u;
  const bool load = loaded.offset != what.offset;
  const Key key{what.offset, what.mask, what.jump, what.value, load, then, otherwise};
  const auto known = compared_.find(key);
  if (known != compared_.end()) return known->second;

  const Label taken = within_reach(then, 1);
  const Label not_taken = within_reach(otherwise, 0);
  const size_t here = reversed_.size();
  Label entry =
      emit(static_cast<uint16_t>(BPF_JMP | what.jump | BPF_K), what.value,
           static_cast<uint8_t>(here - 1 - taken), static_cast<uint8_t>(here - 1 - not_taken));
  if (masked) entry = emit(BPF_ALU | BPF_AND | BPF_K, what.mask);
  if (load) entry = emit(BPF_LD | BPF_W | BPF_ABS, what.offset);
  return compared_[key] = entry;
}

Assembler::Label Assembler::load(uint32_t offset, Label next) {
  fall_through_to(next);
  return emit(BPF_LD | BPF_W | BPF_ABS, offset);
}

std::vector<sock_filter> Assembler::finish(Label entry) {
  fall_through_to(entry);
  return {reversed_.rbegin(), reversed_.rend()};
}

}  // namespace skiff::seccomp
