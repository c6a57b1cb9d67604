// seccomp compile and explain.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/integration/support/container.h"
#include "tests/integration/support/terminal.h"

namespace tests {
namespace {

const char* const kProfile = R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_LOONGARCH64"],
    "syscalls": [{"names": ["read", "write", "openat2", "no_such_call"], "action": "SCMP_ACT_ALLOW"},
      {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
      {"names": ["reboot"], "action": "SCMP_ACT_KILL_PROCESS"},
      {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]}]})";

/// A file with a profile, gone after the test with its bundle.
std::string profile_in(const Bundle& bundle) {
  const std::string path = bundle.file("profile.json");
  write_file(path, kProfile);
  return path;
}

Output explain(const Words& words) {
  Words all = {"seccomp", "explain"};
  all.insert(all.end(), words.begin(), words.end());
  return runtime(all);
}

TEST_CASE("explain tells what happens to named calls", "[seccomp]") {
  SKIFF_ONLY("has this command");
  Bundle bundle;
  const Output output = explain({"-a", "x86_64", profile_in(bundle), "read", "mkdir", "reboot",
                                 "clone", "getpid", "faccessat2"});
  CHECK(output.ok());
  CHECK_THAT(output.out, Catch::Contains("  read (0): allowed\n"));
  CHECK_THAT(output.out, Catch::Contains("  mkdir (83): fails with ENOSPC (28)\n"));
  CHECK_THAT(output.out, Catch::Contains("  reboot (169): kills the process\n"));
  CHECK_THAT(output.out, Catch::Contains("  getpid (39): fails with EPERM (1)\n"));
  CHECK_THAT(output.out, Catch::Contains("  faccessat2 (439): fails with ENOSYS (38)\n"));
  CHECK_THAT(output.out, Catch::Contains("  clone (56): allowed if (arg0 & 0x7e020000) == 0x0; "
                                         "else fails with EPERM (1)\n"));
  CHECK_THAT(output.out, Catch::Contains("no_such_call"));
  CHECK_THAT(output.out, Catch::Contains("SCMP_ARCH_LOONGARCH64"));
  CHECK_FALSE(contains(output.out, "SCMP_ARCH_X86\n"));
}

TEST_CASE("explain tells of every call", "[seccomp]") {
  SKIFF_ONLY("has this command");
  Bundle bundle;
  const Output output = explain({profile_in(bundle)});
  CHECK_THAT(output.out, Catch::Contains("SCMP_ARCH_X86_64, numbers above 437: fails with ENOSYS"));
  CHECK_THAT(output.out, Catch::Contains("SCMP_ARCH_X86,"));
  CHECK_THAT(output.out, Catch::Contains("  allowed, 3:\n    openat2 read write\n"));
  CHECK_THAT(output.out, Catch::Contains("  by their arguments:\n    clone: allowed if"));
  for (const std::string& line : lines(output.out)) CHECK(line.size() <= 100);
}

TEST_CASE("explain writes JSON", "[seccomp]") {
  SKIFF_ONLY("has this command");
  Bundle bundle;
  const Output output =
      explain({"--format", "json", "-a", "SCMP_ARCH_X86_64", profile_in(bundle), "clone", "mkdir"});
  const Json json = parse_json(output.out);
  CHECK(json_at(json, "/default") == R"({"action":"SCMP_ACT_ERRNO","errnoRet":1})");
  CHECK(json_at(json, "/unknownSyscalls") == R"(["no_such_call"])");
  CHECK(json_at(json, "/unknownArchitectures") == R"(["SCMP_ARCH_LOONGARCH64"])");
  CHECK(json_at(json, "/architectures/0/newestSyscall") == "437");
  CHECK(json_at(json, "/architectures/0/syscalls") ==
        R"([{"name":"clone","number":56,"action":"SCMP_ACT_ERRNO","errnoRet":1,"rules":[{"args":)"
        R"([{"index":0,"op":"SCMP_CMP_MASKED_EQ","value":2114060288,"valueTwo":0}],)"
        R"("action":"SCMP_ACT_ALLOW"}]},)"
        R"({"name":"mkdir","number":83,"action":"SCMP_ACT_ERRNO","errnoRet":28}])");
}

TEST_CASE("a profile is read from a configuration and from standard input", "[seccomp]") {
  SKIFF_ONLY("has this command");
  Bundle bundle;
  bundle.set("/linux/seccomp", kProfile);
  const std::string alone = explain({profile_in(bundle), "clone"}).out;
  CHECK(explain({bundle.path("it-unused") + "/config.json", "clone"}).out == alone);
  CommandOptions options;
  options.input = kProfile;
  CHECK(runtime({"seccomp", "explain", "-", "clone"}, options).out == alone);
}

TEST_CASE("compile writes the program that create loads", "[seccomp]") {
  SKIFF_ONLY("has this command");
  Bundle bundle;
  const std::string profile = profile_in(bundle);
  const std::string file = bundle.file("program");
  REQUIRE(runtime({"seccomp", "compile", "--output", file, profile}).ok());
  const std::string program = read_file(file);
  CHECK(program.size() % 8 == 0);
  CHECK(runtime({"seccomp", "compile", profile}).out == program);

  bundle.set("/linux/seccomp", kProfile);
  Container container(bundle.sh("true"));
  REQUIRE(container.create().ok());
  const std::string stored = read_file(bundle.state_root() + "/" + container.id() + "/seccomp.bpf");
  CHECK(stored.substr(stored.size() - program.size()) == program);
}

TEST_CASE("in the kernel, younger calls are missing and others forbidden", "[seccomp]") {
  SKIFF_ONLY("has this command");
  Bundle bundle;
  std::string program = runtime({"seccomp", "compile", profile_in(bundle)}).out;
  const pid_t child = ::fork();
  if (child == 0) {
    sock_fprog filter{};
    filter.len = static_cast<unsigned short>(program.size() / sizeof(sock_filter));
    filter.filter = reinterpret_cast<sock_filter*>(program.data());
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0) ::raise(SIGKILL);
    const auto fails_with = [](long number, int code) {
      return ::syscall(number, 0, 0, 0) < 0 && errno == code;
    };
    const bool right = fails_with(600, ENOSYS) && fails_with(SYS_faccessat2, ENOSYS) &&
                       fails_with(SYS_getpid, EPERM) && fails_with(SYS_mkdir, ENOSPC) &&
                       ::syscall(SYS_read, -1, &filter, 0) < 0 && errno == EBADF &&
                       ::syscall(SYS_clone, 0x10000000, 0, 0) < 0 && errno == EPERM;
    // exit_group is refused, reboot kills: the only way to end.
    if (right) ::syscall(SYS_reboot, 0, 0, 0, 0);
    for (;;) __builtin_trap();
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSYS);
}

TEST_CASE("compile does not write to a terminal", "[seccomp]") {
  SKIFF_ONLY("has this command");
  Bundle bundle;
  Terminal terminal;
  CommandOptions options;
  options.terminal = terminal.slave();
  const Output output =
      Command({environment().runtime, "seccomp", "compile", profile_in(bundle)}, options).wait();
  CHECK(output.status == 1);
}

TEST_CASE("mistakes of seccomp's command line", "[seccomp]") {
  SKIFF_ONLY("has this command");
  Bundle bundle;
  const std::string profile = profile_in(bundle);
  const std::string broken = bundle.file("broken.json");
  write_file(broken, R"({"defaultAction": "SCMP_ACT_MAYBE"})");
  const std::pair<Words, const char*> cases[] = {
      {{"seccomp"}, "missing argument compile|explain"},
      {{"seccomp", "explain"}, "missing argument PROFILE"},
      {{"seccomp", "run", profile}, "expected compile or explain, found \"run\""},
      {{"seccomp", "compile", profile, "read"}, "unexpected argument \"read\""},
      {{"seccomp", "compile", "--arch", "x86", profile}, "--arch: has no meaning for compile"},
      {{"seccomp", "explain", "-o", "x", profile}, "--output: has no meaning for explain"},
      {{"seccomp", "explain", profile, "raed"}, "unknown system call \"raed\""},
      {{"seccomp", "explain", "-a", "arm", profile}, "--arch: \"arm\" is not in the profile"},
      {{"seccomp", "explain", "/nonexistent"}, "No such file or directory"},
      {{"seccomp", "explain", broken}, "linux.seccomp.defaultAction: unknown \"SCMP_ACT_MAYBE\""},
  };
  for (const auto& [words, message] : cases) {
    const Output output = runtime(words);
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains(message));
    CHECK(count(output.err, "\n") == 1);
  }
}

}  // namespace
}  // namespace tests
