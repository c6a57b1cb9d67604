// skiff's programs answer every call as libseccomp's do: all numbers, samples of arguments,
// all architectures, the profiles of engines and ones nobody would write.
#include <linux/audit.h>

#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "src/linux/seccomp.h"
#include "src/linux/seccomp/generate.h"
#include "src/spec/decode.h"
#include "src/spec/seccomp_names.h"
#include "tests/unit/linux/support/oracle.h"

using namespace skiff;
using namespace tests;
using seccomp::Architecture;
using spec::SeccompAction;

namespace {

using Random = std::mt19937;

uint64_t below(Random& random, uint64_t limit) {
  return std::uniform_int_distribution<uint64_t>(0, limit - 1)(random);
}
template <class T>
const T& one_of(Random& random, const std::vector<T>& list) {
  return list[below(random, list.size())];
}

/// The numbers of every table, and where tables, ABIs and types end.
std::vector<uint32_t> numbers() {
  std::vector<uint32_t> all;
  // x86 and most; MIPS o32, 64 and n32; x32; ARM's private calls.
  for (const uint32_t first : {0u, 4000u, 5000u, 6000u, 0x40000000u, 0xf0000u})
    for (uint32_t number = first; number < first + 620; ++number) all.push_back(number);
  for (const uint32_t number : {3999u, 4999u, 5999u, 0xeffffu, 0x3fffffffu, 0x7fffffffu,
                                0x80000000u, 0xbfffffffu, 0xc0000000u, 0xfffffffeu, 0xffffffffu})
    all.push_back(number);
  return all;
}

/// Values on both sides of all that the profile compares arguments with.
std::vector<uint64_t> interesting_values(const spec::Seccomp& profile) {
  std::vector<uint64_t> values = {0, 1, 0xffffffff, 0x100000000, ~uint64_t{0}};
  for (const spec::SeccompRule& rule : profile.rules)
    for (const spec::SeccompArg& arg : rule.args)
      for (const uint64_t value : {arg.value, arg.value_two})
        for (const uint64_t near : {value, value - 1, value + 1, value ^ 0x100000000,
                                    value ^ (uint64_t{1} << 35), value & 0xffffffff})
          values.push_back(near);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

std::vector<CallArguments> argument_samples(const spec::Seccomp& profile, Random& random,
                                            size_t count) {
  const std::vector<uint64_t> values = interesting_values(profile);
  std::vector<CallArguments> samples = {CallArguments{}};
  while (samples.size() < count) {
    CallArguments sample{};
    for (uint64_t& argument : sample) argument = one_of(random, values);
    // So that several conditions on single arguments are met at once.
    if (below(random, 2) == 0) sample.fill(one_of(random, values));
    samples.push_back(sample);
  }
  return samples;
}

/// Where libseccomp gives the default to calls younger than the profile, they are missing.
bool is_younger(const seccomp::Policy& policy, uint32_t audit, uint32_t number) {
  for (const seccomp::ArchitecturePolicy& entry : policy.architectures) {
    const Architecture& one = entry.architecture;
    const bool s390 = one.audit == AUDIT_ARCH_S390 || one.audit == AUDIT_ARCH_S390X;
    if (one.audit != audit || !entry.newest) continue;
    if (s390 && number == 0) return true;
    if (number >= one.first_number && number > *entry.newest && number <= one.last_number &&
        number != ~0u)
      return true;
  }
  return false;
}

/// A program under test and what it must answer.
struct Expectation {
  const seccomp::Policy& policy;
  const Instructions& program;
  bool big_endian;
  std::vector<CallArguments> samples;

  /// `is_right` judges the answer to every call there is a sample of, but those younger than the
  /// profile.
  template <class Judge>
  void check(const Judge& is_right) const {
    std::set<uint32_t> audits = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, 1};
    for (const auto& entry : policy.architectures) audits.insert(entry.architecture.audit);
    size_t differing = 0;
    for (const uint32_t audit : audits) {
      for (const uint32_t number : numbers()) {
        const bool younger = is_younger(policy, audit, number);
        const size_t count = looks_at_arguments(audit, number) ? samples.size() : 2;
        for (size_t i = 0; i < count; ++i) {
          const CallArguments& arguments = samples[i];
          const uint32_t found = answer(program, audit, number, arguments, big_endian);
          const bool right = younger ? found == (SECCOMP_RET_ERRNO | ENOSYS)
                                     : is_right(found, audit, number, arguments);
          if (right || ++differing > 3) continue;
          UNSCOPED_INFO(fmt::format("arch {:x} nr {} args {:x}: {:x}", audit, number,
                                    fmt::join(arguments, " "), found));
        }
      }
    }
    CHECK(differing == 0);
  }

 private:
  bool looks_at_arguments(uint32_t audit, uint32_t number) const {
    for (const auto& entry : policy.architectures) {
      const auto call = entry.calls.find(number);
      if (entry.architecture.audit == audit && call != entry.calls.end() && call->second.nodes > 0)
        return true;
    }
    return false;
  }
};

/// Compares the programs of skiff and libseccomp; false if libseccomp makes none.
bool check_equal(const spec::Seccomp& profile, const Architecture& native, Random& random,
                 size_t samples_per_call) {
  const auto list = libseccomp_program(profile, native, Layout::List);
  const auto tree = libseccomp_program(profile, native, Layout::Tree);
  if (!list || !tree) return false;
  const auto policy = seccomp::make_policy(profile, native);
  if (!policy) FAIL(policy.error().text());
  const auto own = seccomp::generate(*policy);
  if (!own) FAIL(own.error().text());
  const Expectation expectation{*policy, *own, native.big_endian,
                                argument_samples(profile, random, samples_per_call)};
  for (const Instructions* program : {&*list, &*tree})
    expectation.check(
        [&](uint32_t found, uint32_t audit, uint32_t number, const CallArguments& arguments) {
          return found == answer(*program, audit, number, arguments, native.big_endian);
        });
  return true;
}

bool holds(const spec::SeccompArg& arg, uint64_t argument, bool wide) {
  const auto cut = [&](uint64_t value) { return wide ? value : value & 0xffffffff; };
  const uint64_t found = cut(argument);
  const uint64_t value = cut(arg.value);
  if (arg.op == "SCMP_CMP_EQ") return found == value;
  if (arg.op == "SCMP_CMP_NE") return found != value;
  if (arg.op == "SCMP_CMP_LT") return found < value;
  if (arg.op == "SCMP_CMP_LE") return found <= value;
  if (arg.op == "SCMP_CMP_GT") return found > value;
  if (arg.op == "SCMP_CMP_GE") return found >= value;
  return (found & value) == (cut(arg.value_two) & value);
}

/// What the specification says of a call, read from the profile rule by rule.
class Reading {
 public:
  Reading(const spec::Seccomp& profile, const seccomp::Policy& policy) : profile_(profile) {
    default_ = policy.default_action;
    for (const auto& entry : policy.architectures) {
      const Architecture& one = entry.architecture;
      seccomp::Calls calls(one);
      for (const spec::SeccompRule& rule : profile.rules) {
        for (const std::string& name : rule.names) {
          const seccomp::Numbers numbers = calls.find(name);
          if (numbers.direct) about_[{one.audit, *numbers.direct}].push_back({&rule, one.wide, {}});
          if (numbers.multiplexer)
            about_[{one.audit, *numbers.multiplexer}].push_back(
                {&rule, one.wide, numbers.selector});
        }
      }
      known_.insert(one.token);
      audits_.insert(one.audit);
    }
  }

  /// Whether `answer` is that of a rule which holds, or the default where none does.
  bool allows(uint32_t answer, uint32_t audit, uint32_t number,
              const CallArguments& arguments) const {
    if (audits_.count(audit) == 0) return answer == SECCOMP_RET_KILL_THREAD;
    const bool x32 = audit == AUDIT_ARCH_X86_64 && number >= 0x40000000 && number != ~0u;
    if (x32 && known_.count(kX32) == 0) return answer == SECCOMP_RET_KILL_THREAD;
    const auto found = about_.find({audit, number});
    if (found == about_.end()) return answer == default_;
    bool holds = false;
    for (const About& about : found->second) {
      if (!matches(about, arguments)) continue;
      holds = true;
      if (answer == seccomp::action_value(about.rule->action, about.rule->errno_ret)) return true;
    }
    return !holds && answer == default_;
  }

 private:
  static constexpr uint32_t kX32 = AUDIT_ARCH_X86_64 & ~0x80000000u;

  struct About {
    const spec::SeccompRule* rule;
    bool wide;
    std::optional<uint32_t> selector;
  };

  static bool matches(const About& about, const CallArguments& arguments) {
    if (about.selector && !holds({0, *about.selector, 0, "SCMP_CMP_EQ"}, arguments[0], about.wide))
      return false;
    const auto& args = about.rule->args;
    return std::all_of(args.begin(), args.end(), [&](const spec::SeccompArg& arg) {
      return (about.selector && arg.index == 0) || holds(arg, arguments[arg.index], about.wide);
    });
  }

  const spec::Seccomp& profile_;
  uint32_t default_ = 0;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<About>> about_;
  std::set<uint32_t> known_;
  std::set<uint32_t> audits_;
};

/// Compares skiff's program with what the profile says.
void check_meaning(const spec::Seccomp& profile, const Architecture& native, Random& random,
                   size_t samples_per_call) {
  const auto policy = seccomp::make_policy(profile, native);
  if (!policy) FAIL(policy.error().text());
  const auto own = seccomp::generate(*policy);
  if (!own) FAIL(own.error().text());
  const Reading reading(profile, *policy);
  const Expectation expectation{*policy, *own, native.big_endian,
                                argument_samples(profile, random, samples_per_call)};
  expectation.check(
      [&](uint32_t found, uint32_t audit, uint32_t number, const CallArguments& arguments) {
        return reading.allows(found, audit, number, arguments);
      });
}

spec::Seccomp profile_of_bundle(const char* name) {
  const std::string path = std::string(SKIFF_SOURCE_ROOT "/bundles/") + name + "/config.json";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  auto decoded = spec::decode(text.str());
  if (!decoded) FAIL(path << ": " << decoded.error().text());
  REQUIRE(decoded->linux.seccomp);
  return *decoded->linux.seccomp;
}

std::vector<std::string> some_names() {
  return {"read",       "write",   "open",    "close",      "socket",      "bind",
          "connect",    "accept4", "sendto",  "sendmmsg",   "semop",       "semtimedop",
          "shmat",      "msgget",  "clone",   "clone3",     "personality", "ioctl",
          "fcntl",      "fcntl64", "mmap",    "mmap2",      "futex",       "openat2",
          "waitpid",    "send",    "set_tls", "cacheflush", "getpid",      "ipc",
          "socketcall", "prctl",   "execve",  "exit_group", "kill",        "time",
          "newcall",    "statx",   "bpf",     "mkdirat",    "arch_prctl",  "vm86",
          "s390_sthyi"};
}

spec::SeccompArg random_condition(Random& random, uint32_t index,
                                  const std::vector<std::string>& operators) {
  const std::vector<uint64_t> values = {0,           1,           5,           8,
                                        16,          0x7e020000,  0xffffffff,  0x100000000,
                                        0x100000005, 0x200000000, 0x500000010, ~uint64_t{0}};
  spec::SeccompArg arg;
  arg.index = index;
  arg.value = one_of(random, values);
  arg.value_two = one_of(random, values);
  arg.op = one_of(random, operators);
  return arg;
}

std::vector<std::string> all_operators() {
  return {spec::kSeccompOperators.begin(), spec::kSeccompOperators.end()};
}

}  // namespace

TEST_CASE("the profiles of engines come to what libseccomp makes of them", "[linux][seccomp]") {
  Random random(1);
  for (const char* bundle : {"engine-podman", "engine-containerd"}) {
    CAPTURE(bundle);
    CHECK(check_equal(profile_of_bundle(bundle), seccomp::native_architecture(), random, 200));
  }
}

TEST_CASE("an engine's profile is equal on every architecture", "[linux][seccomp]") {
  Random random(2);
  for (const std::string_view name : spec::kSeccompArchitectures) {
    const auto native = seccomp::find_architecture(name);
    if (!native) continue;
    CAPTURE(name);
    spec::Seccomp profile = profile_of_bundle("engine-podman");
    profile.architectures.clear();
    CHECK(check_equal(profile, *native, random, 20));
  }
}

TEST_CASE("architectures of one kind are equal together", "[linux][seccomp]") {
  const std::vector<std::vector<std::string>> groups = {
      {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"},
      {"SCMP_ARCH_X86_64", "SCMP_ARCH_X32"},
      {"SCMP_ARCH_X86", "SCMP_ARCH_X86_64"},
      {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"},
      {"SCMP_ARCH_S390X", "SCMP_ARCH_S390"},
      {"SCMP_ARCH_PPC64", "SCMP_ARCH_PPC"},
      {"SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32"},
      {"SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"}};
  Random random(3);
  for (const std::vector<std::string>& group : groups) {
    CAPTURE(group.front());
    spec::Seccomp profile = profile_of_bundle("engine-containerd");
    profile.architectures = group;
    CHECK(check_equal(profile, *seccomp::find_architecture(group.front()), random, 20));
    profile.default_action = SeccompAction::KillProcess;
    profile.default_errno_ret.reset();
    CHECK(check_equal(profile, *seccomp::find_architecture(group.front()), random, 5));
  }
}

struct Habits {
  std::vector<std::string> operators;
  bool several_actions = false;
  /// The rules of a profile are about the same arguments, this many; 0: about any.
  uint32_t arguments = 0;
  uint64_t most_rules = 12;
};

std::vector<spec::SeccompArg> random_conditions(Random& random, const Habits& habits) {
  std::vector<spec::SeccompArg> conditions;
  for (uint32_t index = 0; index < 6; ++index) {
    const bool wanted = habits.arguments == 0 ? below(random, 4) == 0 : index < habits.arguments;
    if (wanted) conditions.push_back(random_condition(random, index, habits.operators));
  }
  return conditions;
}

spec::Seccomp random_profile(Random& random, const Habits& habits) {
  static const std::vector<std::string> names = some_names();
  static const std::vector<std::vector<std::string>> architectures = {
      {"SCMP_ARCH_X86_64"},
      {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"},
      {"SCMP_ARCH_S390X", "SCMP_ARCH_S390"},
      {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"}};
  spec::Seccomp profile;
  profile.architectures = one_of(random, architectures);
  profile.default_action =
      below(random, 2) == 0 ? SeccompAction::Errno : SeccompAction::KillProcess;
  for (uint64_t rule = below(random, habits.most_rules) + 1; rule > 0; --rule) {
    spec::SeccompRule added;
    added.action = SeccompAction::Allow;
    if (habits.several_actions && below(random, 2) == 0) {
      added.action = SeccompAction::Errno;
      added.errno_ret = static_cast<uint32_t>(below(random, 3) + 7);
    }
    for (uint64_t name = below(random, 6) + 1; name > 0; --name)
      added.names.push_back(one_of(random, names));
    if (below(random, 8) != 0) added.args = random_conditions(random, habits);
    profile.rules.push_back(added);
  }
  return profile;
}

TEST_CASE("random profiles mean what they say", "[linux][seccomp]") {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const spec::Seccomp profile = random_profile(random, {all_operators(), round % 2 == 1});
    check_meaning(profile, *seccomp::find_architecture(profile.architectures.front()), random, 40);
  }
}

TEST_CASE("random profiles are equal", "[linux][seccomp]") {
  Random random(5);
  // Where several rules compare several arguments, or set upper bounds, libseccomp 2.5.4 loses
  // some of them and holds others to be met that are not.
  const Habits table[] = {
      {{"SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_MASKED_EQ"}, true, 1},
      {{"SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_EQ"}, true, 1},
      {all_operators(), false, 0, 1},
  };
  for (const Habits& habits : table) {
    CAPTURE(habits.operators, habits.several_actions, habits.arguments);
    size_t compared = 0;
    for (int round = 0; round < 40; ++round) {
      CAPTURE(round);
      const spec::Seccomp profile = random_profile(random, habits);
      compared += check_equal(profile, *seccomp::find_architecture(profile.architectures.front()),
                              random, 40);
    }
    CHECK(compared > 20);
  }
}
