// The kernel's interpreter of classic BPF, for the instructions that seccomp filters have:
// Documentation/networking/filter.rst; and its check of them, seccomp_check_filter().
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

namespace tests {

using Instructions = std::vector<sock_filter>;
using CallArguments = std::array<uint64_t, 6>;

/// The word of `call` at `offset`, as a machine of either byte order has it.
inline uint32_t word_of(const seccomp_data& call, uint32_t offset, bool big_endian) {
  constexpr uint32_t kArguments = offsetof(seccomp_data, args);
  if (big_endian && offset >= kArguments) offset ^= 4;
  uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&call) + offset, sizeof word);
  return word;
}

/// What the program answers; `loads` counts the words of arguments it looked at, `steps` the
/// instructions.
inline uint32_t answer(const Instructions& program, const seccomp_data& call,
                       bool big_endian = false, size_t* loads = nullptr, size_t* steps = nullptr) {
  uint32_t accumulator = 0;
  for (size_t at = 0;; ++at) {
    if (at >= program.size()) FAIL("the program runs past its end");
    const sock_filter& step = program[at];
    if (steps != nullptr) ++*steps;
    const auto jump = [&](bool taken) { at += taken ? step.jt : step.jf; };
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (step.k + 4 > sizeof call || step.k % 4 != 0) FAIL("load at " << step.k);
        if (loads != nullptr && step.k >= offsetof(seccomp_data, args)) ++*loads;
        accumulator = word_of(call, step.k, big_endian);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= step.k;
        break;
      case BPF_JMP | BPF_JA:
        at += step.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(accumulator == step.k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        jump(accumulator > step.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(accumulator >= step.k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        jump((accumulator & step.k) != 0);
        break;
      case BPF_RET | BPF_K:
        return step.k;
      default:
        FAIL("instruction " << step.code << " at " << at);
    }
  }
}

inline uint32_t answer(const Instructions& program, uint32_t architecture, uint32_t number,
                       const CallArguments& arguments = {}, bool big_endian = false) {
  seccomp_data call{};
  call.nr = static_cast<int>(number);
  call.arch = architecture;
  std::copy(arguments.begin(), arguments.end(), call.args);
  return answer(program, call, big_endian);
}

}  // namespace tests
