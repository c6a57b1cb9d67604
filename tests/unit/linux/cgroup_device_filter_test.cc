#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "src/linux/cgroup/device_filter.h"

using namespace skiff;
using namespace skiff::cgroup;
using spec::DeviceRule;

namespace {

/// What the kernel asks a device program: bpf_cgroup_dev_ctx.
struct Access {
  char type = 'c';
  uint32_t major = 0;
  uint32_t minor = 0;
  bool read = false, write = false, mknod = false;
};

/// Runs `program` as the kernel would; -1 for anything its verifier refuses.
class Emulator {
 public:
  explicit Emulator(const std::vector<bpf_insn>& program) : program_(program) {}

  int run(const Access& access) {
    registers_ = {};
    const uint32_t bits =
        (access.mknod ? 1U : 0U) | (access.read ? 2U : 0U) | (access.write ? 4U : 0U);
    context_ = {bits << 16U | (access.type == 'b' ? 1U : 2U), access.major, access.minor};
    for (size_t at = 0; at < program_.size();) {
      const bpf_insn& insn = program_[at];
      if (insn.code == (BPF_JMP | BPF_EXIT)) return static_cast<int>(registers_[0]);
      if (!step(insn, at)) return -1;
    }
    return -1;  // fell off the end
  }

 private:
  bool step(const bpf_insn& insn, size_t& at) {
    uint64_t& target = registers_.at(insn.dst_reg);
    const uint64_t operand = BPF_SRC(insn.code) == BPF_X
                                 ? registers_.at(insn.src_reg)
                                 : static_cast<uint64_t>(static_cast<int64_t>(insn.imm));
    bool jumps = false;
    switch (insn.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        if (insn.src_reg != BPF_REG_1 || insn.off % 4 != 0) return false;
        target = context_.at(static_cast<size_t>(insn.off) / 4);
        break;
      case BPF_ALU64 | BPF_MOV | BPF_X:
      case BPF_ALU64 | BPF_MOV | BPF_K:
        target = operand;
        break;
      case BPF_ALU64 | BPF_AND | BPF_K:
        target &= operand;
        break;
      case BPF_ALU64 | BPF_OR | BPF_X:
        target |= operand;
        break;
      case BPF_ALU64 | BPF_XOR | BPF_K:
        target ^= operand;
        break;
      case BPF_ALU64 | BPF_RSH | BPF_K:
        target >>= operand;
        break;
      case BPF_ALU64 | BPF_LSH | BPF_K:
        target <<= operand;
        break;
      case BPF_ALU64 | BPF_ARSH | BPF_K:
        target = static_cast<uint64_t>(static_cast<int64_t>(target) >> operand);
        break;
      case BPF_JMP | BPF_JA:
        jumps = true;
        break;
      case BPF_JMP | BPF_JNE | BPF_K:
        jumps = target != operand;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jumps = target == operand;
        break;
      default:
        return false;
    }
    if (insn.off < 0) return false;  // no loops
    at += 1 + (jumps ? static_cast<size_t>(insn.off) : 0);
    return true;
  }

  const std::vector<bpf_insn>& program_;
  std::array<uint64_t, 11> registers_{};
  std::array<uint32_t, 3> context_{};
};

/// Every instruction can be reached: Linux before 5.2 refuses programs with dead code.
bool all_reachable(const std::vector<bpf_insn>& program) {
  std::vector<bool> reached(program.size() + 1, false);
  reached[0] = true;
  for (size_t at = 0; at < program.size(); ++at) {
    if (!reached[at]) return false;
    const bpf_insn& insn = program[at];
    if (insn.code == (BPF_JMP | BPF_EXIT)) continue;
    if (insn.code != (BPF_JMP | BPF_JA)) reached[at + 1] = true;
    if (BPF_CLASS(insn.code) == BPF_JMP) reached[at + 1 + static_cast<size_t>(insn.off)] = true;
  }
  return !reached[program.size()];
}

/// The meaning of a list of rules, as literally as it can be said: the rules are carried
/// out one after the other on a table with a cell for each kind of access to the device.
bool reference(const std::vector<DeviceRule>& rules, const Access& access) {
  bool may_read = false, may_write = false, may_mknod = false;
  for (const DeviceRule& rule : rules) {
    if (rule.type != 'a' && rule.type != access.type) continue;
    if (rule.major && *rule.major != access.major) continue;
    if (rule.minor && *rule.minor != access.minor) continue;
    if (rule.read) may_read = rule.allow;
    if (rule.write) may_write = rule.allow;
    if (rule.mknod) may_mknod = rule.allow;
  }
  return (!access.read || may_read) && (!access.write || may_write) && (!access.mknod || may_mknod);
}

class Dice {
 public:
  int64_t roll(int64_t sides) {
    return std::uniform_int_distribution<int64_t>(0, sides - 1)(engine_);
  }
  DeviceRule rule() {
    DeviceRule rule;
    rule.allow = roll(2) == 0;
    rule.type = "acb"[roll(3)];
    if (roll(3) != 0) rule.major = number(kMajors);
    if (roll(3) != 0) rule.minor = number(kMinors);
    rule.read = roll(2) == 0;
    rule.write = roll(2) == 0;
    rule.mknod = roll(2) == 0;
    return rule;
  }
  std::vector<DeviceRule> rules() {
    std::vector<DeviceRule> rules;
    for (int64_t left = roll(13); left > 0; --left) rules.push_back(rule());
    return rules;
  }
  Access access() {
    Access access;
    access.type = "cb"[roll(2)];
    access.major = static_cast<uint32_t>(number(kMajors));
    access.minor = static_cast<uint32_t>(number(kMinors));
    access.read = roll(2) == 0;
    access.write = roll(2) == 0;
    access.mknod = roll(2) == 0;
    return access;
  }

 private:
  using Numbers = std::array<int64_t, 4>;
  static constexpr Numbers kMajors = {0, 1, 2048, 4095};
  static constexpr Numbers kMinors = {0, 1, 0x80000, 0xfffff};

  int64_t number(const Numbers& numbers) {
    return numbers[static_cast<size_t>(roll(static_cast<int64_t>(numbers.size())))];
  }

  std::mt19937 engine_{20240229};
};

DeviceRule rule(bool allow, char type, std::optional<int64_t> major, std::optional<int64_t> minor,
                std::string_view access) {
  const auto has = [&](char letter) { return access.find(letter) != std::string_view::npos; };
  return {allow, type, major, minor, has('r'), has('w'), has('m')};
}

Access access(char type, uint32_t major, uint32_t minor, std::string_view letters) {
  const auto has = [&](char letter) { return letters.find(letter) != std::string_view::npos; };
  return {type, major, minor, has('r'), has('w'), has('m')};
}

int decision(const std::vector<DeviceRule>& rules, const Access& asked) {
  const auto program = device_program(rules);
  return Emulator(program).run(asked);
}

std::string told(const Result<std::vector<FileValue>>& files) {
  if (!files) return files.error().text();
  std::string text;
  for (const FileValue& file : *files)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                        file.file == "devices/devices.allow" ? "allow" : "deny", file.value);
  return text;
}

}  // namespace

TEST_CASE("without rules no device can be used", "[linux]") {
  CHECK(decision({}, access('c', 1, 3, "r")) == 0);
  CHECK(decision({}, access('b', 8, 0, "m")) == 0);
}

TEST_CASE("the last matching rule decides each access by itself", "[linux]") {
  const std::vector<DeviceRule> rules = {rule(true, 'c', 1, {}, "rwm"),
                                         rule(false, 'c', 1, 3, "w")};
  CHECK(decision(rules, access('c', 1, 3, "r")) == 1);
  CHECK(decision(rules, access('c', 1, 3, "w")) == 0);
  CHECK(decision(rules, access('c', 1, 3, "rw")) == 0);
  CHECK(decision(rules, access('c', 1, 5, "rw")) == 1);
  CHECK(decision(rules, access('b', 1, 5, "r")) == 0);
}

TEST_CASE("two rules may grant the two halves of one access", "[linux]") {
  const std::vector<DeviceRule> rules = {rule(true, 'c', 1, {}, "r"), rule(true, 'c', 1, 3, "w")};
  CHECK(decision(rules, access('c', 1, 3, "rw")) == 1);
  CHECK(decision(rules, access('c', 1, 4, "rw")) == 0);
}

TEST_CASE("programs agree with the rules' meaning on random lists", "[linux]") {
  Dice dice;
  for (int list = 0; list < 10000; ++list) {
    const std::vector<DeviceRule> rules = dice.rules();
    const std::vector<bpf_insn> program = device_program(rules);
    if (!all_reachable(program)) FAIL("list " << list << " has unreachable instructions");
    Emulator emulator(program);
    for (int i = 0; i < 20; ++i) {
      const Access asked = dice.access();
      if (emulator.run(asked) != (reference(rules, asked) ? 1 : 0))
        FAIL("list " << list << ", access " << i);
    }
  }
}

TEST_CASE("the default rules allow the default devices and making any node", "[linux]") {
  const auto rules = device_rules({rule(false, 'a', {}, {}, "rwm")});
  REQUIRE(rules);
  for (const uint32_t minor : {3U, 5U, 7U, 8U, 9U})
    CHECK(decision(*rules, access('c', 1, minor, "rw")) == 1);
  for (const uint32_t minor : {0U, 1U, 2U})
    CHECK(decision(*rules, access('c', 5, minor, "rw")) == 1);
  CHECK(decision(*rules, access('c', 136, 77, "rw")) == 1);
  CHECK(decision(*rules, access('b', 8, 0, "m")) == 1);
  CHECK(decision(*rules, access('b', 8, 0, "r")) == 0);
  CHECK(decision(*rules, access('c', 1, 1, "r")) == 0);
  CHECK(decision(*rules, access('c', 10, 200, "rw")) == 0);
}

TEST_CASE("rules that forbid nothing are recognised", "[linux]") {
  const DeviceRule all = rule(true, 'a', {}, {}, "rwm");
  CHECK(allows_everything({rule(false, 'a', {}, {}, "rwm"), all}));
  CHECK(allows_everything(*device_rules({all})));
  CHECK_FALSE(allows_everything({all, rule(false, 'c', 1, 3, "w")}));
  CHECK_FALSE(allows_everything({rule(true, 'a', {}, {}, "rw")}));
  CHECK_FALSE(allows_everything({rule(true, 'c', {}, {}, "rwm")}));
  CHECK_FALSE(allows_everything({}));
}

TEST_CASE("numbers that no device has are refused", "[linux]") {
  CHECK(device_rules({rule(true, 'c', 1, 3, "r"), rule(true, 'c', 4096, 0, "r")}).error().text() ==
        "linux.resources.devices[1].major: 4096 is not in 0…4095");
  CHECK(device_rules({rule(true, 'c', 1, -1, "r")}).error().text() ==
        "linux.resources.devices[0].minor: -1 is not in 0…1048575");
}

TEST_CASE("overridden rules make no program longer", "[linux]") {
  const DeviceRule last = rule(false, 'a', {}, {}, "rwm");
  CHECK(device_program({rule(true, 'c', 1, 3, "rwm"), last}).size() ==
        device_program({last}).size());
}

TEST_CASE("v1 starts from nothing and adds the rules", "[linux]") {
  CHECK(told(v1_device_files({})) == "deny a");
  CHECK(told(v1_device_files({rule(false, 'a', {}, {}, "rwm"), rule(true, 'c', 1, 3, "rwm"),
                              rule(true, 'b', 8, {}, "r"), rule(true, 'a', {}, {}, "m")})) ==
        "deny a, allow c 1:3 rwm, allow b 8:* r, allow c *:* m, allow b *:* m");
  CHECK(told(v1_device_files({rule(true, 'a', {}, {}, "rwm"), rule(false, 'a', 1, {}, "w")})) ==
        "allow a, deny c 1:* w, deny b 1:* w");
}

TEST_CASE("v1 refuses what its exceptions cannot express", "[linux]") {
  const char* const kRefusal =
      "linux.resources.devices: the cgroup v1 devices controller cannot make an exception to an "
      "exception, which {} would need";
  CHECK(told(v1_device_files({rule(true, 'c', 1, {}, "rwm"), rule(false, 'c', 1, 3, "w")})) ==
        fmt::format(fmt::runtime(kRefusal), "w of c 1:3"));
  CHECK(told(v1_device_files({rule(true, 'a', {}, {}, "rwm"), rule(false, 'c', 1, {}, "rwm"),
                              rule(true, 'c', 1, 3, "r")})) ==
        fmt::format(fmt::runtime(kRefusal), "r of c 1:3"));
}

TEST_CASE("the lists of engines can be expressed on v1", "[linux]") {
  CHECK(v1_device_files(*device_rules({rule(false, 'a', {}, {}, "rwm")})));
  CHECK(v1_device_files(*device_rules({rule(true, 'a', {}, {}, "rwm")})));
  CHECK(v1_device_files(
      *device_rules({rule(false, 'a', {}, {}, "rwm"), rule(true, 'c', 10, 229, "rwm"),
                     rule(true, 'c', 136, {}, "rwm")})));
}

TEST_CASE("a rule for a particular device counts against the default rules, too", "[linux]") {
  const DeviceRule none = rule(false, 'a', {}, {}, "rwm");
  const auto rules =
      device_rules({none, rule(false, 'c', 1, 5, "rwm"), rule(false, 'c', 136, {}, "w")});
  CHECK(decision(*rules, access('c', 1, 5, "r")) == 0);
  CHECK(decision(*rules, access('c', 1, 5, "m")) == 1);
  CHECK(decision(*rules, access('c', 136, 3, "r")) == 1);
  CHECK(decision(*rules, access('c', 136, 3, "w")) == 0);
  CHECK(decision(*rules, access('c', 1, 3, "rw")) == 1);

  CHECK(decision(*device_rules({rule(false, 'c', 1, 5, "rwm"), none}), access('c', 1, 5, "r")) ==
        1);
  CHECK(decision(*device_rules({rule(false, 'c', {}, {}, "rw")}), access('c', 1, 3, "rw")) == 1);
}

TEST_CASE("particular devices can be denied but their nodes be made", "[linux]") {
  const DeviceRule none = rule(false, 'a', {}, {}, "rwm");
  const auto rules = device_rules({none, rule(false, 'c', 1, 5, "rwm")});
  REQUIRE(rules);
  const std::string files = told(v1_device_files(*rules));
  CHECK(files.find("allow c 1:3 rwm") != std::string::npos);
  CHECK(files.find("deny c 1:5 rw, allow c *:* m") != std::string::npos);
  CHECK(files.ends_with("allow c *:* m, allow b *:* m"));
  const DeviceRule all = rule(true, 'a', {}, {}, "rwm");
  CHECK_THAT(told(v1_device_files(*device_rules({all, rule(false, 'c', 10, 229, "rwm")}))),
             Catch::StartsWith("allow a, ") && Catch::Contains("deny c 10:229 rw, "));
  CHECK(device_rules({none, rule(false, 'c', 1, 5, "m")}).error().text() ==
        "linux.resources.devices[1]: making the nodes of particular devices cannot be denied");
}

TEST_CASE("v1 rules change without a moment in which common ones do not hold", "[linux]") {
  const DeviceRule none = rule(false, 'a', {}, {}, "rwm");
  const DeviceRule all = rule(true, 'a', {}, {}, "rwm");
  const std::vector<DeviceRule> before = {none, rule(true, 'c', 1, 3, "rw"),
                                          rule(true, 'c', 10, 229, "r")};
  const std::vector<DeviceRule> after = {none, rule(true, 'c', 1, 3, "rwm"),
                                         rule(true, 'b', 7, 0, "r")};
  CHECK(told(v1_device_changes(before, after)) == "allow c 1:3 m, allow b 7:0 r, deny c 10:229 r");
  CHECK(told(v1_device_changes(after, before)) == "allow c 10:229 r, deny c 1:3 m, deny b 7:0 r");
  CHECK(told(v1_device_changes(before, before)).empty());
  CHECK(told(v1_device_changes({all}, after)) == "deny a, allow c 1:3 rwm, allow b 7:0 r");
  CHECK(told(v1_device_changes({all}, {all, rule(false, 'c', 1, 3, "w")})) == "deny c 1:3 w");
  CHECK(told(v1_device_changes(before, {all})) == "allow a");
}

TEST_CASE("what devices.list says can be written back", "[linux]") {
  CHECK(told(v1_device_restoring("a *:* rwm\n")) == "allow a");
  CHECK(told(v1_device_restoring("c 1:3 rwm\nb *:* m\n")) ==
        "deny a, allow c 1:3 rwm, allow b *:* m");
  CHECK(told(v1_device_restoring("")) == "deny a");
}
