// seccomp: actions, arguments and architectures, as the process meets them.
#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

/// Everything is allowed but what `rules` say.
Bundle& allow_but(Bundle& bundle, const std::string& rules) {
  return bundle.set("/linux/seccomp",
                    "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [" + rules + "]}");
}

const std::string kNoMkdir =
    R"({"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28})";

TEST_CASE("SCMP_ACT_ERRNO makes a call fail with the given errno", "[seccomp]") {
  Bundle bundle;
  allow_but(bundle, kNoMkdir).sh("grep Seccomp: /proc/self/status; mkdir /tmp/x");
  for (const char* nnp : {"false", "true"}) {
    bundle.set("/process/noNewPrivileges", nnp);
    const Output output = Container(bundle).run();
    CHECK_THAT(output.out, Catch::Matches("Seccomp:\\s+2\n"));
    CHECK_THAT(output.err, Catch::Contains("No space left on device"));
    CHECK(output.status == 1);
  }
}

TEST_CASE("errno is EPERM where none is given", "[seccomp]") {
  Bundle bundle;
  allow_but(bundle, R"({"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"})");
  CHECK_THAT(Container(bundle.args({"/bin/mkdir", "/tmp/x"})).run().err,
             Catch::Contains("Operation not permitted"));
}

TEST_CASE("an ordinary user without capabilities is filtered, too", "[seccomp]") {
  Bundle bundle;
  allow_but(bundle, kNoMkdir).set("/process/user", R"({"uid": 1000, "gid": 1000})");
  bundle.set("/process/capabilities", "{}").args({"/bin/mkdir", "/tmp/x"});
  for (const char* nnp : {"false", "true"}) {
    bundle.set("/process/noNewPrivileges", nnp);
    CHECK_THAT(Container(bundle).run().err, Catch::Contains("No space left on device"));
  }
}

TEST_CASE("killing actions end the process with SIGSYS", "[seccomp]") {
  for (const char* action :
       {"SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"}) {
    INFO(action);
    Bundle bundle;
    allow_but(bundle, "{\"names\": [\"uname\"], \"action\": " + quote(action) + "}");
    CHECK(Container(bundle.args({"/bin/uname"})).run().status == 128 + 31);
  }
}

TEST_CASE("SCMP_ACT_LOG and SCMP_ACT_ALLOW let the call through", "[seccomp]") {
  for (const char* action : {"SCMP_ACT_LOG", "SCMP_ACT_ALLOW"}) {
    INFO(action);
    Bundle bundle;
    allow_but(bundle, "{\"names\": [\"uname\"], \"action\": " + quote(action) + "}");
    CHECK(Container(bundle.args({"/bin/uname"})).run().out == "Linux\n");
  }
}

TEST_CASE("SCMP_ACT_TRACE without a tracer is ENOSYS", "[seccomp]") {
  Bundle bundle;
  allow_but(bundle,
            R"({"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_TRACE", "errnoRet": 7})");
  CHECK_THAT(Container(bundle.args({"/bin/mkdir", "/tmp/x"})).run().err,
             Catch::Contains("Function not implemented"));
}

TEST_CASE("the default action applies to what no rule names", "[seccomp]") {
  Bundle bundle;
  // What busybox and the runtimes' last steps need.
  bundle.set("/linux/seccomp", R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 28,
      "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{"action": "SCMP_ACT_ALLOW", "names": [
      "access", "arch_prctl", "brk", "capget", "capset", "chdir", "clone", "clone3", "close",
      "close_range", "dup", "dup2", "dup3", "epoll_ctl", "epoll_pwait", "execve", "execveat", "exit",
      "exit_group", "faccessat", "faccessat2", "fchdir", "fchmod", "fchown", "fcntl", "fstat",
      "fstatfs", "futex", "getcwd", "getdents64", "getegid", "geteuid", "getgid", "getpid", "getppid",
      "getrandom", "gettid", "getuid", "ioctl", "lseek", "lstat", "madvise", "mmap", "mprotect",
      "munmap", "nanosleep", "newfstatat", "open", "openat", "poll", "ppoll", "prctl", "pread64",
      "prlimit64", "read", "readlink", "readlinkat", "rseq", "rt_sigaction", "rt_sigprocmask",
      "rt_sigreturn", "sched_getaffinity", "sched_yield", "seccomp", "sendmsg", "sendto",
      "set_robust_list", "set_tid_address", "setgid", "setgroups", "setresgid", "setresuid",
      "setuid", "sigaltstack", "stat", "tgkill", "umask", "uname", "wait4", "write", "writev"]}]})");
  bundle.set("/process/noNewPrivileges", "true");
  const Output output = Container(bundle.args({"/bin/mkdir", "/tmp/x"})).run();
  CHECK_THAT(output.err, Catch::Contains("No space left on device"));
}

struct Comparison {
  const char* op;
  int value;
  int value_two;
  int refused;  // a signal number for kill(2)
  int allowed;
};

TEST_CASE("arguments are compared", "[seccomp]") {
  // Signals that do nothing by default: 17 CHLD, 18 CONT, 23 URG, 28 WINCH.
  for (const Comparison& row :
       {Comparison{"SCMP_CMP_EQ", 18, 0, 18, 28}, Comparison{"SCMP_CMP_NE", 18, 0, 28, 18},
        Comparison{"SCMP_CMP_LT", 20, 0, 18, 28}, Comparison{"SCMP_CMP_LE", 23, 0, 23, 28},
        Comparison{"SCMP_CMP_GT", 23, 0, 28, 23}, Comparison{"SCMP_CMP_GE", 23, 0, 23, 18},
        Comparison{"SCMP_CMP_MASKED_EQ", 8, 8, 28, 18}}) {
    INFO(row.op);
    Bundle bundle;
    allow_but(bundle,
              R"({"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": )" +
                  std::to_string(row.value) + ", \"valueTwo\": " + std::to_string(row.value_two) +
                  ", \"op\": " + quote(row.op) + "}]}");
    bundle.sh("kill -" + std::to_string(row.refused) + " 1 2>/dev/null || echo refused; kill -" +
              std::to_string(row.allowed) + " 1 && echo allowed");
    CHECK(Container(bundle).run().out == "refused\nallowed\n");
  }
}

TEST_CASE("several arguments of one rule must all match", "[seccomp]") {
  Bundle bundle;
  allow_but(bundle, R"({"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [
      {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 18, "op": "SCMP_CMP_EQ"}]})");
  bundle.sh(
      "sleep 10 & kill -18 1 2>/dev/null || echo refused; kill -18 $! && kill -28 1 && echo "
      "allowed");
  CHECK(Container(bundle).run().out == "refused\nallowed\n");
}

TEST_CASE("two arguments of one index mean either", "[seccomp]") {
  Bundle bundle;
  allow_but(bundle, R"({"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [
      {"index": 1, "value": 17, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 18, "op": "SCMP_CMP_EQ"}]})");
  bundle.sh("for s in 17 18 28; do kill -$s 1 2>/dev/null && echo $s; done");
  CHECK(Container(bundle).run().out == "28\n");
}

TEST_CASE("a value wider than 32 bits is compared whole", "[seccomp]") {
  Bundle bundle;
  allow_but(bundle, R"({"names": ["kill"], "action": "SCMP_ACT_ERRNO",
      "args": [{"index": 1, "value": 4294967314, "op": "SCMP_CMP_EQ"}]})");  // 2^32 + 18
  CHECK(Container(bundle.sh("kill -18 1 && echo allowed")).run().out == "allowed\n");
}

TEST_CASE("several architectures, known flags and unknown call names load", "[seccomp]") {
  Bundle bundle;
  bundle.set("/linux/seccomp", R"({"defaultAction": "SCMP_ACT_ALLOW",
      "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
      "syscalls": [{"names": ["mkdir", "mkdirat", "no_such_call_yet", "another_future_call"],
                    "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]})");
  CHECK_THAT(Container(bundle.args({"/bin/mkdir", "/tmp/x"})).run().err,
             Catch::Contains("No space left on device"));
  if (!testing(Program::Skiff)) return;  // runc 1.1.5 has no flags, crun 1.8.1 no LOG alone
  bundle.set("/linux/seccomp/flags", R"(["SECCOMP_FILTER_FLAG_LOG"])");
  CHECK_THAT(Container(bundle).run().err, Catch::Contains("No space left on device"));
}

TEST_CASE("a profile of hundreds of names loads", "[seccomp]") {
  Bundle bundle;
  std::string names;
  for (int number = 0; number < 600; ++number)
    names += ", \"unknown_" + std::to_string(number) + "\"";
  allow_but(bundle, R"({"names": ["mkdir", "mkdirat")" + names +
                        R"(], "action": "SCMP_ACT_ERRNO", "errnoRet": 28})");
  CHECK_THAT(Container(bundle.args({"/bin/mkdir", "/tmp/x"})).run().err,
             Catch::Contains("No space left on device"));
}

TEST_CASE("the filter is the last thing before execve", "[seccomp]") {
  // With noNewPrivileges a profile need not allow what the runtime itself still does.
  Bundle bundle;
  allow_but(bundle,
            R"({"names": ["setuid", "setresuid", "setgroups", "setgid", "setresgid", "capset",
      "chdir", "mount", "umount2", "pivot_root", "sethostname", "setsid", "unshare", "setns"],
      "action": "SCMP_ACT_KILL_PROCESS"})");
  bundle.set("/process/noNewPrivileges", "true").args({"/bin/true"});
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(output.ok());
}

TEST_CASE("wrong profiles are refused with the path to the mistake", "[seccomp]") {
  SKIFF_ONLY("has these messages");
  const std::pair<const char*, const char*> cases[] = {
      {R"({"defaultAction": "SCMP_ACT_MAYBE"})", "linux.seccomp.defaultAction"},
      {R"({"syscalls": []})", "linux.seccomp.defaultAction"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]})",
       "linux.seccomp.architectures"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "x"}]})",
       "linux.seccomp.syscalls[0].action"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [], "action": "SCMP_ACT_KILL"}]})",
       "linux.seccomp.syscalls[0].names"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_KILL",
           "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]})",
       "linux.seccomp.syscalls[0].args[0].index"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_KILL",
           "args": [{"index": 1, "value": 1, "op": "SCMP_CMP_ISH"}]}]})",
       "linux.seccomp.syscalls[0].args[0].op"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_KILL",
           "errnoRet": 5}]})",
       "linux.seccomp.syscalls[0].errnoRet"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 5})",
       "linux.seccomp.defaultErrnoRet"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_X"]})",
       "linux.seccomp.flags"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_NOTIFY"}]})",
       "linux.seccomp.listenerPath: missing"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x",
           "syscalls": [{"names": ["kill", "write"], "action": "SCMP_ACT_NOTIFY"}]})",
       "linux.seccomp.syscalls[0].names[1]"},
      {R"({"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/x"})",
       "linux.seccomp.defaultAction"},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"})",
       "linux.seccomp.listenerMetadata: needs listenerPath"}};
  for (const auto& [profile, path] : cases) {
    Bundle bundle;
    bundle.set("/linux/seccomp", profile);
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains(path));
    CHECK(count(output.err, "\n") == 1);
    CHECK(leftovers.found() == "");
  }
}

}  // namespace
}  // namespace tests
