#include "src/linux/cgroup/device_filter.h"

#include <algorithm>
#include <array>

#include "src/base/text.h"

namespace skiff::cgroup {
namespace {

using spec::DeviceRule;

constexpr int kAllAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
// The kernel's dev_t: 12 bits of major number, 20 of minor number.
constexpr int64_t kMaxMajor = 0xfff;
constexpr int64_t kMaxMinor = 0xfffff;

DeviceRule allow_rule(char type, std::optional<int64_t> major, std::optional<int64_t> minor) {
  return {true, type, major, minor, true, true, true};
}

DeviceRule allow_mknod(char type) {
  return {true, type, std::nullopt, std::nullopt, false, false, true};
}

/// The rule's accesses as BPF_DEVCG_ACC_* bits.
int access_bits(const DeviceRule& rule) {
  return (rule.mknod ? BPF_DEVCG_ACC_MKNOD : 0) | (rule.read ? BPF_DEVCG_ACC_READ : 0) |
         (rule.write ? BPF_DEVCG_ACC_WRITE : 0);
}

bool matches_any_device(const DeviceRule& rule) {
  return rule.type == 'a' && !rule.major && !rule.minor;
}

bool names_a_device(const DeviceRule& rule) { return rule.major || rule.minor; }

/// Whether `later` decides everything that `earlier` could.
bool overrides(const DeviceRule& later, const DeviceRule& earlier) {
  return (later.type == 'a' || later.type == earlier.type) &&
         (!later.major || later.major == earlier.major) &&
         (!later.minor || later.minor == earlier.minor) &&
         (access_bits(earlier) & ~access_bits(later)) == 0;
}

/// The rules that can decide something; a shorter program loads faster.
std::vector<DeviceRule> without_overridden(const std::vector<DeviceRule>& rules) {
  std::vector<DeviceRule> kept;
  for (auto rule = rules.begin(); rule != rules.end(); ++rule)
    if (std::none_of(rule + 1, rules.end(),
                     [&](const DeviceRule& later) { return overrides(later, *rule); }))
      kept.push_back(*rule);
  return kept;
}

// The registers of a program.
constexpr int kResult = BPF_REG_0;
constexpr int kContext = BPF_REG_1;    // bpf_cgroup_dev_ctx
constexpr int kType = BPF_REG_2;       // BPF_DEVCG_DEV_*
constexpr int kUndecided = BPF_REG_3;  // requested accesses that no rule has decided yet
constexpr int kMajor = BPF_REG_4;
constexpr int kMinor = BPF_REG_5;
constexpr int kNumber = BPF_REG_6;  // both numbers: see packed()
constexpr int kScratch = BPF_REG_7;

/// Both numbers in one signed 32-bit word, which is what an instruction can compare with.
int packed(int64_t major, int64_t minor) {
  return static_cast<int>(static_cast<uint32_t>(major) << 20U | static_cast<uint32_t>(minor));
}

/// A program while it is written. Its shape is made for the verifier, whose time is most
/// of what loading costs: one branch for each rule, rules separated by type, and nothing
/// learnt in a branch that lives on where branches meet, so that each instruction is
/// looked at once and not once for every way to get there.
class Assembler {
 public:
  void load_context() {
    load(kType, 0);  // access_type: access << 16 | type
    load(kMajor, 4);
    load(kMinor, 8);
    operate(BPF_MOV | BPF_X, kUndecided, kType, 0);
    operate(BPF_RSH | BPF_K, kUndecided, 0, 16);
    operate(BPF_AND | BPF_K, kUndecided, 0, kAllAccess);
    operate(BPF_AND | BPF_K, kType, 0, 0xffff);
    operate(BPF_MOV | BPF_X, kNumber, kMajor, 0);
    operate(BPF_LSH | BPF_K, kNumber, 0, 20);
    operate(BPF_OR | BPF_X, kNumber, kMinor, 0);
    operate(BPF_LSH | BPF_K, kNumber, 0, 32);
    operate(BPF_ARSH | BPF_K, kNumber, 0, 32);
    leave_if(BPF_JEQ, kUndecided, 0, true);
  }

  /// The jump taken for block devices, for land().
  size_t branch_for_blocks() { return jump(BPF_JEQ, kType, BPF_DEVCG_DEV_BLOCK); }
  void land(size_t jump) { program_[jump].off = static_cast<int16_t>(program_.size() - jump - 1); }

  /// False if no rule after this one can be reached any more.
  bool decide(const DeviceRule& rule) {
    const int access = access_bits(rule);
    int reg = kNumber;
    int number = 0;
    if (rule.major && rule.minor) {
      number = packed(*rule.major, *rule.minor);
    } else if (rule.major) {
      reg = kMajor;
      number = static_cast<int>(*rule.major);
    } else if (rule.minor) {
      reg = kMinor;
      number = static_cast<int>(*rule.minor);
    } else {
      if (access == kAllAccess) leave(rule.allow);
      if (access != kAllAccess) decide_some(rule.allow, access);
      return access != kAllAccess;
    }
    if (access == kAllAccess) {
      leave_if(BPF_JEQ, reg, number, rule.allow);
      return true;
    }
    operate(BPF_MOV | BPF_X, kScratch, reg, 0);
    operate(BPF_XOR | BPF_K, kScratch, 0, number);
    const size_t match = jump(BPF_JEQ, kScratch, 0);
    const size_t mismatch = jump(BPF_JA, 0, 0);
    land(match);
    decide_some(rule.allow, access);
    land(mismatch);
    return true;
  }

  void leave(bool allow) { exits_[allow].push_back(jump(BPF_JA, 0, 0)); }

  std::vector<bpf_insn> finish() {
    for (const bool allow : {false, true}) {
      if (exits_[allow].empty()) continue;  // unreachable
      for (const size_t exit : exits_[allow]) land(exit);
      operate(BPF_MOV | BPF_K, kResult, 0, allow ? 1 : 0);
      program_.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
    }
    return std::move(program_);
  }

 private:
  static bpf_insn instruction(int code, int destination, int source, int offset, int immediate) {
    bpf_insn insn{};
    insn.code = static_cast<uint8_t>(code);
    insn.dst_reg = static_cast<uint8_t>(destination & 0xf);
    insn.src_reg = static_cast<uint8_t>(source & 0xf);
    insn.off = static_cast<int16_t>(offset);
    insn.imm = immediate;
    return insn;
  }

  void load(int destination, int offset) {
    program_.push_back(instruction(BPF_LDX | BPF_MEM | BPF_W, destination, kContext, offset, 0));
  }

  void operate(int operation, int destination, int source, int immediate) {
    program_.push_back(instruction(BPF_ALU64 | operation, destination, source, 0, immediate));
  }

  /// A jump whose target land() sets.
  size_t jump(int condition, int reg, int immediate) {
    program_.push_back(instruction(BPF_JMP | condition | BPF_K, reg, 0, 0, immediate));
    return program_.size() - 1;
  }

  void leave_if(int condition, int reg, int immediate, bool allow) {
    exits_[allow].push_back(jump(condition, reg, immediate));
  }

  /// For a rule that matched and speaks of some accesses only.
  void decide_some(bool allow, int access) {
    if (allow) {
      operate(BPF_AND | BPF_K, kUndecided, 0, ~access);
      leave_if(BPF_JEQ, kUndecided, 0, true);
      return;
    }
    operate(BPF_MOV | BPF_X, kScratch, kUndecided, 0);
    operate(BPF_AND | BPF_K, kScratch, 0, access);
    leave_if(BPF_JNE, kScratch, 0, false);
  }

  std::vector<bpf_insn> program_;
  std::array<std::vector<size_t>, 2> exits_;  // jumps to the end: [0] denies, [1] allows
};

/// The part of the program for devices of `type`, from the last rule to the first, as the
/// last one that matches decides.
void decide_by_rules(Assembler& assembler, const std::vector<DeviceRule>& rules, char type) {
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    if ((rule->type != 'a' && rule->type != type) || access_bits(*rule) == 0) continue;
    if (!assembler.decide(*rule)) return;
  }
  assembler.leave(false);
}

Result<void> check(const DeviceRule& rule, size_t i) {
  if (rule.major && (*rule.major < 0 || *rule.major > kMaxMajor))
    return Error::invalid("linux.resources.devices[{}].major: {} is not in 0…{}", i, *rule.major,
                          kMaxMajor);
  if (rule.minor && (*rule.minor < 0 || *rule.minor > kMaxMinor))
    return Error::invalid("linux.resources.devices[{}].minor: {} is not in 0…{}", i, *rule.minor,
                          kMaxMinor);
  if (!rule.allow && names_a_device(rule) && access_bits(rule) == BPF_DEVCG_ACC_MKNOD)
    return Error::invalid(
        "linux.resources.devices[{}]: making the nodes of particular devices cannot be denied", i);
  return {};
}

constexpr int kMknodDefaults = 2;  // how many of the default rules are about mknod(2)

}  // namespace

const std::vector<spec::DeviceRule>& default_device_rules() {
  static const std::vector<DeviceRule> rules = {
      allow_mknod('c'),
      allow_mknod('b'),
      allow_rule('c', 1, 3),               // null
      allow_rule('c', 1, 5),               // zero
      allow_rule('c', 1, 7),               // full
      allow_rule('c', 1, 8),               // random
      allow_rule('c', 1, 9),               // urandom
      allow_rule('c', 5, 0),               // tty
      allow_rule('c', 5, 1),               // console
      allow_rule('c', 5, 2),               // ptmx
      allow_rule('c', 136, std::nullopt),  // pts/*
  };
  return rules;
}

Result<std::vector<spec::DeviceRule>> device_rules(
    const std::vector<spec::DeviceRule>& configured) {
  for (size_t i = 0; i < configured.size(); ++i) TRY(check(configured[i], i));
  const auto general = std::find_if_not(configured.rbegin(), configured.rend(), names_a_device);
  const auto particular = general.base();
  const auto& defaults = default_device_rules();
  const auto opening = defaults.begin() + kMknodDefaults;  // of the defaults mknod comes first
  std::vector<DeviceRule> rules(configured.begin(), particular);
  rules.insert(rules.end(), opening, defaults.end());
  for (auto rule = particular; rule != configured.end(); ++rule) {
    rules.push_back(*rule);
    if (!rule->allow) rules.back().mknod = false;
  }
  rules.insert(rules.end(), defaults.begin(), opening);
  return rules;
}

bool allows_everything(const std::vector<spec::DeviceRule>& rules) {
  bool everything = false;
  for (const DeviceRule& rule : rules) {
    if (access_bits(rule) == 0) continue;
    if (!rule.allow) everything = false;
    if (rule.allow && matches_any_device(rule) && access_bits(rule) == kAllAccess)
      everything = true;
  }
  return everything;
}

std::vector<bpf_insn> device_program(const std::vector<spec::DeviceRule>& rules) {
  const std::vector<DeviceRule> deciding = without_overridden(rules);
  Assembler assembler;
  assembler.load_context();
  const size_t blocks = assembler.branch_for_blocks();
  decide_by_rules(assembler, deciding, 'c');
  assembler.land(blocks);
  decide_by_rules(assembler, deciding, 'b');
  return assembler.finish();
}

namespace {

/// What is written for one rule, and which type it is for.
struct Write {
  bool allow = false;
  char type = 'a';  // 'a' resets everything, whatever follows it
  std::optional<int64_t> major;
  std::optional<int64_t> minor;
  int access = 0;

  bool operator==(const Write&) const = default;
};

std::vector<Write> writes_for(const DeviceRule& rule) {
  const int access = access_bits(rule);
  if (access == 0) return {};
  if (matches_any_device(rule) && access == kAllAccess) return {{rule.allow, 'a', {}, {}, access}};
  std::vector<Write> writes;
  for (const char type : {'c', 'b'})
    if (rule.type == 'a' || rule.type == type)
      writes.push_back({rule.allow, type, rule.major, rule.minor, access});
  return writes;
}

/// All writes for `rules`, to a cgroup in any state.
std::vector<Write> writes_for(const std::vector<DeviceRule>& rules) {
  // Denied is what no rule matches, while a new v1 cgroup allows what its parent does.
  std::vector<Write> writes = {{false, 'a', {}, {}, kAllAccess}};
  for (const DeviceRule& rule : without_overridden(rules)) {
    const std::vector<Write> more = writes_for(rule);
    if (!more.empty() && more.front().type == 'a') writes.clear();
    writes.insert(writes.end(), more.begin(), more.end());
  }
  return writes;
}

/// The v1 controller as security/device_cgroup.c has it.
class V1Devices {
 public:
  explicit V1Devices(const std::vector<Write>& writes) {
    for (const Write& each : writes) write(each);
  }

  bool default_allow() const { return default_allow_; }

  void write(const Write& write) {
    if (write.type == 'a') {
      default_allow_ = write.allow;
      exceptions_.clear();
      return;
    }
    const auto same =
        std::find_if(exceptions_.begin(), exceptions_.end(),
                     [&](const Write& exception) { return is_same_device(exception, write); });
    const bool adds = write.allow != default_allow_;
    if (adds && same != exceptions_.end()) same->access |= write.access;
    if (adds && same == exceptions_.end()) exceptions_.push_back(write);
    if (!adds && same != exceptions_.end()) same->access &= ~write.access;
  }

  bool allows(char type, int64_t major, int64_t minor, int access) const {
    for (const Write& e : exceptions_) {
      if (e.type != type || (e.major && e.major != major) || (e.minor && e.minor != minor))
        continue;
      // An allowing exception must cover the whole access, a denying one only touch it.
      if (default_allow_ && (access & e.access) != 0) return false;
      if (!default_allow_ && (access & ~e.access) == 0) return true;
    }
    return default_allow_;
  }

  /// The writes that add the exceptions `other`, of the same default, does not have.
  std::vector<Write> additions_to(const V1Devices& other) const {
    std::vector<Write> added;
    for (Write exception : exceptions_) {
      for (const Write& known : other.exceptions_)
        if (is_same_device(known, exception)) exception.access &= ~known.access;
      if (exception.access != 0) added.push_back(exception);
    }
    return added;
  }

 private:
  static bool is_same_device(const Write& a, const Write& b) {
    return a.type == b.type && a.major == b.major && a.minor == b.minor;
  }

  bool default_allow_ = true;
  std::vector<Write> exceptions_;
};

bool policy_allows(const std::vector<DeviceRule>& rules, char type, int64_t major, int64_t minor,
                   int access) {
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    if ((rule->type != 'a' && rule->type != type) || (rule->major && rule->major != major) ||
        (rule->minor && rule->minor != minor))
      continue;
    if (!rule->allow && (access & access_bits(*rule)) != 0) return false;
    if (rule->allow) access &= ~access_bits(*rule);
    if (access == 0) return true;
  }
  return false;
}

/// `named` and one number that is not among them, for all that no rule names.
std::vector<int64_t> with_another(std::vector<int64_t> named, int64_t max) {
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  while (std::binary_search(named.begin(), named.end(), max)) --max;
  named.push_back(max);
  return named;
}

std::vector<int64_t> majors_of(const std::vector<DeviceRule>& rules) {
  std::vector<int64_t> named;
  for (const DeviceRule& rule : rules)
    if (rule.major) named.push_back(*rule.major);
  return with_another(std::move(named), kMaxMajor);
}

std::vector<int64_t> minors_of(const std::vector<DeviceRule>& rules, int64_t major) {
  std::vector<int64_t> named;
  for (const DeviceRule& rule : rules)
    if (rule.minor && (!rule.major || rule.major == major)) named.push_back(*rule.minor);
  return with_another(std::move(named), kMaxMinor);
}

std::string letters(int access) {
  std::string text;
  if ((access & BPF_DEVCG_ACC_READ) != 0) text += 'r';
  if ((access & BPF_DEVCG_ACC_WRITE) != 0) text += 'w';
  if ((access & BPF_DEVCG_ACC_MKNOD) != 0) text += 'm';
  return text;
}

Result<void> check_expressible(const std::vector<DeviceRule>& rules, const V1Devices& v1) {
  // The kernel asks for mknod alone, and for reading and writing alone or together.
  constexpr int kReadWrite = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
  constexpr std::array<int, 4> kAccesses = {BPF_DEVCG_ACC_READ, BPF_DEVCG_ACC_WRITE,
                                            BPF_DEVCG_ACC_MKNOD, kReadWrite};
  for (const int64_t major : majors_of(rules))
    for (const int64_t minor : minors_of(rules, major))
      for (const char type : {'c', 'b'})
        for (const int access : kAccesses)
          if (v1.allows(type, major, minor, access) !=
              policy_allows(rules, type, major, minor, access))
            return Error::invalid(
                "linux.resources.devices: the cgroup v1 devices controller cannot make an exception"
                " to an exception, which {} of {} {}:{} would need",
                letters(access), type, major, minor);
  return {};
}

std::string number(const std::optional<int64_t>& value) {
  return value ? fmt::to_string(*value) : "*";
}

std::vector<FileValue> as_files(const std::vector<Write>& writes) {
  std::vector<FileValue> files;
  for (const Write& write : writes) {
    std::string value = "a";
    if (write.type != 'a')
      value = fmt::format("{} {}:{} {}", write.type, number(write.major), number(write.minor),
                          letters(write.access));
    FileValue file;
    file.file = write.allow ? "devices/devices.allow" : "devices/devices.deny";
    file.value = std::move(value);
    file.field = "linux.resources.devices";
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace

Result<std::vector<FileValue>> v1_device_files(const std::vector<spec::DeviceRule>& rules) {
  const std::vector<Write> writes = writes_for(rules);
  TRY(check_expressible(without_overridden(rules), V1Devices(writes)));
  return as_files(writes);
}

Result<std::vector<FileValue>> v1_device_changes(const std::vector<spec::DeviceRule>& present,
                                                 const std::vector<spec::DeviceRule>& wanted) {
  const V1Devices before(writes_for(present));
  const std::vector<Write> writes = writes_for(wanted);
  const V1Devices after(writes);
  TRY(check_expressible(without_overridden(wanted), after));
  if (before.default_allow() != after.default_allow()) return as_files(writes);
  // What is added first: an exception is an allowance under a default to deny, and the reverse.
  std::vector<Write> changes = after.additions_to(before);
  for (Write& gone : before.additions_to(after)) {
    gone.allow = !gone.allow;
    changes.push_back(gone);
  }
  return as_files(changes);
}

std::vector<FileValue> v1_device_restoring(std::string_view devices_list) {
  const auto file = [](const char* name, std::string_view value) {
    FileValue entry;
    entry.file = name;
    entry.value = value;
    entry.field = "linux.resources.devices";
    return entry;
  };
  devices_list = text::trim(devices_list);
  if (devices_list.starts_with("a ")) return {file("devices/devices.allow", "a")};
  std::vector<FileValue> files = {file("devices/devices.deny", "a")};
  for (const std::string_view line : text::split(devices_list, '\n'))
    if (!line.empty()) files.push_back(file("devices/devices.allow", line));
  return files;
}

}  // namespace skiff::cgroup
