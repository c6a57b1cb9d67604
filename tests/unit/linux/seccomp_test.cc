#include "src/linux/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "src/linux/seccomp/policy.h"
#include "tests/unit/linux/support/bpf.h"

using namespace skiff;
using spec::SeccompAction;
using spec::SeccompRule;

namespace {

constexpr uint32_t kNative = AUDIT_ARCH_X86_64;

uint32_t answer(const seccomp::Program& program, long number, std::array<uint64_t, 6> args = {},
                uint32_t architecture = kNative) {
  return tests::answer(program.instructions, architecture, static_cast<uint32_t>(number), args);
}

constexpr uint32_t errno_answer(uint32_t code) { return SECCOMP_RET_ERRNO | code; }

spec::Seccomp profile_of(std::vector<SeccompRule> rules,
                         SeccompAction default_action = SeccompAction::Errno) {
  spec::Seccomp profile;
  profile.default_action = default_action;
  profile.rules = std::move(rules);
  return profile;
}

SeccompRule allow(std::vector<std::string> names, std::vector<spec::SeccompArg> args = {}) {
  return {std::move(names), SeccompAction::Allow, std::nullopt, std::move(args)};
}

seccomp::Program compiled(const spec::Seccomp& profile) {
  auto program = seccomp::compile(profile);
  if (!program) FAIL(program.error().text());
  return *std::move(program);
}

std::string refusal(const spec::Seccomp& profile) {
  const auto program = seccomp::compile(profile);
  if (program) FAIL("was taken");
  return program.error().text();
}

}  // namespace

TEST_CASE("what no rule names gets the default action", "[linux]") {
  struct Row {
    SeccompAction action;
    std::optional<uint32_t> errno_ret;
    uint32_t expected;
  };
  const Row table[] = {
      {SeccompAction::Allow, std::nullopt, SECCOMP_RET_ALLOW},
      {SeccompAction::Errno, std::nullopt, errno_answer(EPERM)},
      {SeccompAction::Errno, ENOSYS, errno_answer(ENOSYS)},
      {SeccompAction::Errno, 0, errno_answer(0)},
      {SeccompAction::Kill, std::nullopt, SECCOMP_RET_KILL_THREAD},
      {SeccompAction::KillThread, std::nullopt, SECCOMP_RET_KILL_THREAD},
      {SeccompAction::KillProcess, std::nullopt, SECCOMP_RET_KILL_PROCESS},
      {SeccompAction::Trap, std::nullopt, SECCOMP_RET_TRAP},
      {SeccompAction::Trace, std::nullopt, SECCOMP_RET_TRACE | EPERM},
      {SeccompAction::Trace, 65535, SECCOMP_RET_TRACE | 65535},
      {SeccompAction::Log, std::nullopt, SECCOMP_RET_LOG},
  };
  for (const Row& row : table) {
    CAPTURE(row.expected);
    spec::Seccomp profile = profile_of({}, row.action);
    profile.default_errno_ret = row.errno_ret;
    profile.rules.push_back({{"getppid"}, SeccompAction::Errno, EXDEV, {}});
    const seccomp::Program program = compiled(profile);
    CHECK(answer(program, SYS_read) == row.expected);
    CHECK(answer(program, SYS_getppid) == errno_answer(EXDEV));

    // The same action in a rule.
    SeccompRule rule{{"read", "write"}, row.action, row.errno_ret, {}};
    spec::Seccomp other = profile_of({rule}, SeccompAction::Errno);
    other.default_errno_ret = EXDEV;
    CHECK(answer(compiled(other), SYS_write) == row.expected);
    CHECK(answer(compiled(other), SYS_getppid) == errno_answer(EXDEV));
  }
}

TEST_CASE("a profile without rules compiles", "[linux]") {
  CHECK(answer(compiled(profile_of({})), SYS_read) == errno_answer(EPERM));
  CHECK(answer(compiled(profile_of({}, SeccompAction::Allow)), SYS_read) == SECCOMP_RET_ALLOW);
}

TEST_CASE("every operator compares all 64 bits of an argument", "[linux]") {
  constexpr uint64_t kValue = 0x500000005;
  struct Row {
    const char* op;
    bool less, equal, greater;
  };
  const Row table[] = {
      {"SCMP_CMP_EQ", false, true, false}, {"SCMP_CMP_NE", true, false, true},
      {"SCMP_CMP_LT", true, false, false}, {"SCMP_CMP_LE", true, true, false},
      {"SCMP_CMP_GT", false, false, true}, {"SCMP_CMP_GE", false, true, true},
  };
  for (const Row& row : table) {
    for (const uint32_t index : {0u, 5u}) {
      CAPTURE(row.op, index);
      const seccomp::Program program =
          compiled(profile_of({allow({"ioctl"}, {{index, kValue, 0, row.op}})}));
      const auto allowed = [&](uint64_t value) {
        std::array<uint64_t, 6> args{};
        args[index] = value;
        return answer(program, SYS_ioctl, args) == SECCOMP_RET_ALLOW;
      };
      for (const uint64_t less : {uint64_t{0}, uint64_t{6}, kValue - 1, uint64_t{0x4ffffffff}})
        CHECK(allowed(less) == row.less);
      CHECK(allowed(kValue) == row.equal);
      for (const uint64_t greater : {kValue + 1, uint64_t{0x600000000}, UINT64_MAX})
        CHECK(allowed(greater) == row.greater);
    }
  }
}

TEST_CASE("a masked comparison sees the bits of the mask alone", "[linux]") {
  // The namespaces of clone(2), as engines forbid them: value is the mask, valueTwo the datum.
  const seccomp::Program none =
      compiled(profile_of({allow({"clone"}, {{0, 0x7e020000, 0, "SCMP_CMP_MASKED_EQ"}})}));
  CHECK(answer(none, SYS_clone, {SIGCHLD}) == SECCOMP_RET_ALLOW);
  CHECK(answer(none, SYS_clone, {0x10000000 | SIGCHLD}) == errno_answer(EPERM));
  const seccomp::Program some =
      compiled(profile_of({allow({"clone"}, {{0, 0xf0, 0x30, "SCMP_CMP_MASKED_EQ"}})}));
  CHECK(answer(some, SYS_clone, {0xff3f}) == SECCOMP_RET_ALLOW);
  CHECK(answer(some, SYS_clone, {0xff2f}) == errno_answer(EPERM));
}

TEST_CASE("conditions on different arguments must all hold", "[linux]") {
  const seccomp::Program program = compiled(
      profile_of({allow({"socket"}, {{0, 16, 0, "SCMP_CMP_EQ"}, {2, 9, 0, "SCMP_CMP_NE"}})}));
  CHECK(answer(program, SYS_socket, {16, 0, 1}) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_socket, {16, 0, 9}) == errno_answer(EPERM));
  CHECK(answer(program, SYS_socket, {2, 0, 1}) == errno_answer(EPERM));
}

TEST_CASE("of conditions on one argument any suffices", "[linux]") {
  const seccomp::Program program = compiled(profile_of(
      {allow({"socket"},
             {{0, 1, 0, "SCMP_CMP_EQ"}, {0, 2, 0, "SCMP_CMP_EQ"}, {1, 7, 0, "SCMP_CMP_EQ"}})}));
  CHECK(answer(program, SYS_socket, {1}) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_socket, {2}) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_socket, {3}) == errno_answer(EPERM));
  CHECK(answer(program, SYS_socket, {3, 7}) == SECCOMP_RET_ALLOW);
}

TEST_CASE("rules for one call add up", "[linux]") {
  // As in the profile of containerd and podman.
  std::vector<SeccompRule> rules;
  for (const uint64_t value : {uint64_t{0}, uint64_t{8}, uint64_t{131072}, uint64_t{4294967295}})
    rules.push_back(allow({"personality"}, {{0, value, 0, "SCMP_CMP_EQ"}}));
  rules.push_back({{"socket"},
                   SeccompAction::Errno,
                   EINVAL,
                   {{0, 16, 0, "SCMP_CMP_EQ"}, {2, 9, 0, "SCMP_CMP_EQ"}}});
  rules.push_back(allow({"socket"}, {{0, 16, 0, "SCMP_CMP_NE"}}));
  const seccomp::Program program = compiled(profile_of(rules));
  CHECK(answer(program, SYS_personality, {0}) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_personality, {131072}) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_personality, {4294967295}) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_personality, {1}) == errno_answer(EPERM));
  CHECK(answer(program, SYS_socket, {16, 0, 9}) == errno_answer(EINVAL));
  CHECK(answer(program, SYS_socket, {2, 0, 9}) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_socket, {16, 0, 8}) == errno_answer(EPERM));
}

TEST_CASE("of rules with the same conditions the first holds", "[linux]") {
  const SeccompRule refuse{{"read"}, SeccompAction::Errno, EXDEV, {}};
  CHECK(answer(compiled(profile_of({allow({"read", "read"}), refuse})), SYS_read) ==
        SECCOMP_RET_ALLOW);
  CHECK(answer(compiled(profile_of({refuse, allow({"read"})})), SYS_read) == errno_answer(EXDEV));
}

TEST_CASE("unknown system calls and rules that change nothing are skipped", "[linux]") {
  const seccomp::Program program = compiled(profile_of({
      allow({"read", "call_of_the_year_3000", "", "write"}),
      {{"getppid"}, SeccompAction::Errno, EPERM, {}},
      {{"getpid"}, SeccompAction::Errno, std::nullopt, {{0, 1, 0, "SCMP_CMP_EQ"}}},
  }));
  CHECK(answer(program, SYS_read) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_write) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_getppid) == errno_answer(EPERM));
  CHECK(answer(program, SYS_getpid, {1}) == errno_answer(EPERM));
}

TEST_CASE("a call of an architecture the profile leaves out kills the thread", "[linux]") {
  spec::Seccomp profile = profile_of({allow({"read", "waitpid"})});
  constexpr long kRead32 = 3;
  constexpr long kWaitpid32 = 7;  // no call of x86-64
  CHECK(answer(compiled(profile), kRead32, {}, AUDIT_ARCH_I386) == SECCOMP_RET_KILL_THREAD);

  profile.architectures = {"SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_LOONGARCH64"};
  const seccomp::Program program = compiled(profile);
  CHECK(answer(program, kRead32, {}, AUDIT_ARCH_I386) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, kWaitpid32, {}, AUDIT_ARCH_I386) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, 4, {}, AUDIT_ARCH_I386) == errno_answer(EPERM));
  CHECK(answer(program, SYS_read) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_read, {}, AUDIT_ARCH_AARCH64) == SECCOMP_RET_KILL_THREAD);

  // The machine's own is always there.
  profile.architectures = {"SCMP_ARCH_AARCH64"};
  CHECK(answer(compiled(profile), SYS_read) == SECCOMP_RET_ALLOW);
}

TEST_CASE("the calls of x32 are refused unless the profile names it", "[linux]") {
  spec::Seccomp profile = profile_of({allow({"read"})});
  constexpr long kX32 = 0x40000000;
  CHECK(answer(compiled(profile), kX32 + SYS_read) == SECCOMP_RET_KILL_THREAD);
  profile.architectures = {"SCMP_ARCH_X32"};
  CHECK(answer(compiled(profile), kX32 + SYS_read) == SECCOMP_RET_ALLOW);
  CHECK(answer(compiled(profile), kX32 + SYS_write) == errno_answer(EPERM));
}

TEST_CASE("a long profile answers as its rules do one by one", "[linux]") {
  const std::pair<const char*, long> allowed[] = {
      {"read", SYS_read},
      {"write", SYS_write},
      {"open", SYS_open},
      {"close", SYS_close},
      {"stat", SYS_stat},
      {"fstat", SYS_fstat},
      {"lstat", SYS_lstat},
      {"poll", SYS_poll},
      {"lseek", SYS_lseek},
      {"mmap", SYS_mmap},
      {"mprotect", SYS_mprotect},
      {"munmap", SYS_munmap},
      {"brk", SYS_brk},
      {"ioctl", SYS_ioctl},
      {"pread64", SYS_pread64},
      {"pwrite64", SYS_pwrite64},
      {"readv", SYS_readv},
      {"writev", SYS_writev},
      {"access", SYS_access},
      {"pipe", SYS_pipe},
      {"select", SYS_select},
      {"mremap", SYS_mremap},
      {"msync", SYS_msync},
      {"mincore", SYS_mincore},
      {"madvise", SYS_madvise},
      {"shmget", SYS_shmget},
      {"dup", SYS_dup},
      {"dup2", SYS_dup2},
      {"pause", SYS_pause},
      {"nanosleep", SYS_nanosleep},
      {"alarm", SYS_alarm},
      {"getpid", SYS_getpid},
      {"sendfile", SYS_sendfile},
      {"connect", SYS_connect},
      {"accept", SYS_accept},
      {"openat2", SYS_openat2},
      {"exit_group", SYS_exit_group},
  };
  SeccompRule rule = allow({});
  for (const auto& entry : allowed) rule.names.emplace_back(entry.first);
  REQUIRE(rule.names.size() > 32);
  spec::Seccomp profile = profile_of({rule, allow({"socket"}, {{0, 1, 0, "SCMP_CMP_EQ"}})});
  profile.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
  const seccomp::Program program = compiled(profile);
  for (long number = 0; number < 600; ++number) {
    const bool expected = std::any_of(std::begin(allowed), std::end(allowed),
                                      [&](const auto& entry) { return entry.second == number; });
    CAPTURE(number);
    const uint32_t refused = errno_answer(number > SYS_openat2 ? ENOSYS : EPERM);
    if (number != SYS_socket)
      CHECK(answer(program, number) == (expected ? SECCOMP_RET_ALLOW : refused));
  }
  CHECK(answer(program, SYS_socket, {1}) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_socket, {2}) == errno_answer(EPERM));
}

TEST_CASE("calls younger than the profile are missing, not forbidden", "[linux][seccomp]") {
  spec::Seccomp profile = profile_of({allow({"read", "clone3", "call_of_the_year_3000"})});
  profile.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"};
  const seccomp::Program program = compiled(profile);
  CHECK(answer(program, SYS_clone3) == SECCOMP_RET_ALLOW);
  CHECK(answer(program, SYS_clone3 - 1) == errno_answer(EPERM));
  CHECK(answer(program, SYS_clone3 + 1) == errno_answer(ENOSYS));
  CHECK(answer(program, 0x3fffffff) == errno_answer(ENOSYS));
  CHECK(answer(program, -1) == errno_answer(EPERM));
  CHECK(answer(program, SYS_clone3 + 1, {}, AUDIT_ARCH_I386) == errno_answer(ENOSYS));

  // A call that the profile forbids by name is not younger than it.
  profile.rules.push_back({{"openat2"}, SeccompAction::Errno, EPERM, {}});
  CHECK(answer(compiled(profile), SYS_openat2) == errno_answer(EPERM));
  CHECK(answer(compiled(profile), SYS_openat2 + 1) == errno_answer(ENOSYS));
}

TEST_CASE("what is as old as filters is younger than no profile", "[linux][seccomp]") {
  const seccomp::Program program = compiled(profile_of({allow({"read"})}));
  CHECK(answer(program, SYS_kcmp) == errno_answer(EPERM));
  CHECK(answer(program, SYS_finit_module) == errno_answer(ENOSYS));
}

TEST_CASE("only a default of another errno hides younger calls", "[linux][seccomp]") {
  constexpr long kYounger = 600;
  for (const SeccompAction action :
       {SeccompAction::Allow, SeccompAction::Log, SeccompAction::Trace, SeccompAction::Trap,
        SeccompAction::KillProcess, SeccompAction::KillThread}) {
    spec::Seccomp profile = profile_of({{{"clone3"}, SeccompAction::Errno, EXDEV, {}}}, action);
    CHECK(answer(compiled(profile), kYounger) == seccomp::action_value(action, std::nullopt));
  }
  CHECK(answer(compiled(profile_of({})), kYounger) == errno_answer(EPERM));  // names no call
  spec::Seccomp other = profile_of({allow({"clone3"})});
  other.default_errno_ret = EXDEV;
  CHECK(answer(compiled(other), kYounger) == errno_answer(ENOSYS));
}

TEST_CASE("calls that are always allowed are so without a look at their arguments",
          "[linux][seccomp]") {
  // Which is what lets the kernel answer them without the program.
  std::vector<SeccompRule> rules = {allow({"read", "socket", "close"}),
                                    allow({"clone", "read"}, {{0, 1, 0, "SCMP_CMP_EQ"}}),
                                    allow({"socket"}, {{0, 16, 0, "SCMP_CMP_NE"}})};
  const seccomp::Program program = compiled(profile_of(rules));
  const auto loads = [&](long number) {
    seccomp_data call{};
    call.nr = static_cast<int>(number);
    call.arch = kNative;
    size_t count = 0;
    tests::answer(program.instructions, call, false, &count);
    return count;
  };
  for (const long number : {SYS_read, SYS_socket, SYS_close, SYS_getpid}) CHECK(loads(number) == 0);
  CHECK(loads(SYS_clone) > 0);
}

TEST_CASE("the number of steps grows with the logarithm of the profile", "[linux][seccomp]") {
  // Every second call is allowed: as many ranges as numbers.
  std::vector<SeccompRule> rules = {allow({})};
  seccomp::Calls calls(seccomp::native_architecture());
  for (const auto& [number, name] : calls.all())
    if (number % 2 == 0) rules.front().names.push_back(name);
  const seccomp::Program program = compiled(profile_of(rules));
  for (uint32_t number = 0; number < 400; ++number) {
    seccomp_data call{};
    call.nr = static_cast<int>(number);
    call.arch = kNative;
    size_t steps = 0;
    tests::answer(program.instructions, call, false, nullptr, &steps);
    CHECK(steps <= 16);
  }
}

TEST_CASE("of rules that hold the more specific one is taken", "[linux][seccomp]") {
  const auto refuse = [](uint32_t code, spec::SeccompArg arg) {
    return SeccompRule{{"kill"}, SeccompAction::Errno, code, {std::move(arg)}};
  };
  std::vector<SeccompRule> rules = {
      refuse(1, {1, 5, 0, "SCMP_CMP_GE"}), refuse(2, {1, 10, 0, "SCMP_CMP_GE"}),
      refuse(3, {1, 30, 0, "SCMP_CMP_LE"}), refuse(4, {1, 17, 0, "SCMP_CMP_EQ"})};
  for (int turn = 0; turn < 2; ++turn) {
    const seccomp::Program program = compiled(profile_of(rules, SeccompAction::Allow));
    CHECK(answer(program, SYS_kill, {0, 17}) == errno_answer(4));
    CHECK(answer(program, SYS_kill, {0, 18}) == errno_answer(3));
    CHECK(answer(program, SYS_kill, {0, 31}) == errno_answer(2));
    CHECK(answer(program, SYS_kill, {0, uint64_t{1} << 40}) == errno_answer(2));
    CHECK(answer(program, SYS_kill, {0, 4}) == errno_answer(3));
    std::reverse(rules.begin(), rules.end());
  }
}

TEST_CASE("a program longer than the kernel takes is an error", "[linux]") {
  std::vector<SeccompRule> rules;
  for (uint64_t value = 0; value < 2100; ++value)  // each differs in both halves of the word
    rules.push_back(allow({"personality"}, {{0, value << 32 | value, 0, "SCMP_CMP_EQ"}}));
  CHECK_THAT(refusal(profile_of(rules)),
             Catch::Matches("linux.seccomp: the profile takes [0-9]+ instructions, the kernel "
                            "takes 4096"));
}

TEST_CASE("a profile that no decoder has seen is checked again", "[linux]") {
  spec::Seccomp profile = profile_of({});
  profile.architectures = {"Z80"};
  CHECK(refusal(profile) == "linux.seccomp.architectures: unknown \"Z80\"");
  profile = profile_of({});
  profile.flags_given = true;
  profile.flags = {"SECCOMP_FILTER_FLAG_FAST"};
  CHECK(refusal(profile) == "linux.seccomp.flags: unknown \"SECCOMP_FILTER_FLAG_FAST\"");
  profile = profile_of({allow({"read"}), allow({"read"}, {{0, 1, 0, "=="}})});
  CHECK(refusal(profile) == "linux.seccomp.syscalls[1]: args[0].op: unknown operator \"==\"");
  profile = profile_of({allow({"read"}, {{6, 1, 0, "SCMP_CMP_EQ"}})});
  CHECK(refusal(profile) ==
        "linux.seccomp.syscalls[0]: args[0].index: 6 is out of range, at most 5");
}

TEST_CASE("flags are those of the profile, or SPEC_ALLOW where it has none", "[linux]") {
  spec::Seccomp profile = profile_of({});
  CHECK(compiled(profile).flags == SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  profile.flags_given = true;
  CHECK(compiled(profile).flags == 0);
  profile.flags = {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"};
  CHECK(compiled(profile).flags == (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC));

  const auto supported = seccomp::supported_flags();
  const std::string killable = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
  profile.flags = {killable};
  if (std::find(supported.begin(), supported.end(), killable) == supported.end())
    CHECK(refusal(profile) == "linux.seccomp.flags: this kernel does not support " + killable);
  else
    CHECK(compiled(profile).flags == 0);  // the kernel refuses it without a listener
}

TEST_CASE("the names that features lists", "[linux]") {
  const auto contains = [](const std::vector<std::string>& names, const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  CHECK(seccomp::supported_actions().size() == 9);
  CHECK(contains(seccomp::supported_actions(), "SCMP_ACT_NOTIFY"));
  CHECK(seccomp::supported_operators().size() == 7);
  CHECK(contains(seccomp::supported_architectures(), "SCMP_ARCH_X86_64"));
  CHECK(contains(seccomp::supported_architectures(), "SCMP_ARCH_RISCV64"));
  CHECK(seccomp::known_flags().size() == 4);
  for (const std::string& flag : seccomp::supported_flags())
    CHECK(contains(seccomp::known_flags(), flag.c_str()));
  CHECK(contains(seccomp::supported_flags(), "SECCOMP_FILTER_FLAG_LOG"));
  CHECK_THAT(seccomp::library_version(), Catch::Matches("2\\.[0-9]+\\.[0-9]+"));
}

TEST_CASE("a loaded program answers as the kernel's", "[linux]") {
  const seccomp::Program program =
      compiled(profile_of({{{"getppid"}, SeccompAction::Errno, EXDEV, {}}}, SeccompAction::Allow));
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!seccomp::load(program)) ::_exit(1);
    errno = 0;
    ::_exit(::syscall(SYS_getppid) == -1 && errno == EXDEV ? 0 : 2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a program the kernel refuses is an error", "[linux]") {
  const auto result = seccomp::load(seccomp::Program());
  REQUIRE_FALSE(result);
  CHECK(result.error().is(EINVAL));
  CHECK(result.error().text() == "linux.seccomp: load the filter: Invalid argument");
}
