// SCMP_ACT_NOTIFY: system calls put to an agent, whichever they are.
#include <sys/syscall.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/agent.h"
#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

/// The calls in `names` are put to an agent at the bundle's "agent.sock".
void notify(Bundle& bundle, const std::string& names) {
  bundle.set("/linux/seccomp", R"({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": )" +
                                   quote(bundle.file("agent.sock")) +
                                   R"(, "syscalls": [{"action": "SCMP_ACT_NOTIFY", "names": [)" +
                                   names + "]}]}");
}

TEST_CASE("an agent answers in place of the kernel", "[seccomp][notify]") {
  Bundle bundle;
  notify(bundle, R"("mkdir", "mkdirat")");
  Agent agent(bundle.file("agent.sock"), {{SYS_mkdir, ENOSPC}, {SYS_mkdirat, ENOSPC}});
  for (const char* nnp : {"false", "true"}) {
    bundle.set("/process/noNewPrivileges", nnp).args({"/bin/mkdir", "/tmp/x"});
    const Output output = Container(bundle).run();
    CHECK_THAT(output.err, Catch::Contains("No space left on device"));
  }
  CHECK(agent.seen().size() == 1);
}

TEST_CASE("an agent gets the state of the process, and one descriptor", "[seccomp][notify]") {
  Bundle bundle;
  notify(bundle, R"("mkdir")");
  bundle.set("/linux/seccomp/listenerMetadata", quote("key=\"value\""));
  bundle.set("/annotations", R"({"a.b": "c"})");
  Agent agent(bundle.file("agent.sock"));
  Container container(bundle.sh("sleep 1000"));
  container.launch();
  const std::vector<std::string> states = agent.states(1);
  REQUIRE(states.size() == 1);
  CHECK(agent.descriptor_counts() == std::vector<size_t>{1});
  const Json state = parse_json(states.front());
  const std::string pid = std::to_string(container.pid());
  CHECK(json_at(state, "/fds") == R"(["seccompFd"])");
  CHECK(json_at(state, "/pid") == pid);
  CHECK(string_at(state, "/metadata") == "key=\"value\"");
  CHECK(string_at(state, "/state/id") == container.id());
  CHECK(json_at(state, "/state/pid") == pid);
  CHECK(string_at(state, "/state/bundle") == bundle.directory());
  CHECK(string_at(state, "/state/annotations/a.b") == "c");
  if (testing(Program::Skiff)) {
    CHECK(string_at(state, "/ociVersion") == "1.3.0");
    CHECK(string_at(state, "/state/status") == "created");
  }
}

TEST_CASE("whatever the runtime itself would need may be notified", "[seccomp][notify]") {
  DIFFERS(Runc, "hangs when sendmsg or fcntl is notified");
  DIFFERS(Crun, "is not told to wait for its helper");
  Bundle bundle;
  notify(bundle, R"("sendmsg", "sendto", "recvmsg", "recvfrom", "read", "close", "close_range",
      "fcntl", "dup", "dup2", "dup3", "execve", "execveat", "clone", "clone3", "fork", "vfork",
      "wait4", "waitid", "exit", "exit_group", "futex", "nanosleep", "clock_nanosleep", "mmap",
      "munmap", "brk", "mprotect", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "prctl",
      "seccomp", "sched_setscheduler", "sched_yield", "poll", "ppoll", "ioctl", "socket",
      "connect", "openat", "open", "getpid", "gettid", "set_robust_list", "rseq")");
  Agent agent(bundle.file("agent.sock"));
  bundle.sh("echo done; grep -c . /proc/self/status >/dev/null; set -- /proc/[0-9]*; echo $#");
  for (const char* nnp : {"false", "true"}) {
    bundle.set("/process/noNewPrivileges", nnp);
    const Output output = Container(bundle).run();
    INFO(output.err);
    CHECK(output.out == "done\n1\n");  // the shell: nothing of ours is left
  }
  for (const int number : {SYS_execve, SYS_close, SYS_exit_group, SYS_brk}) {
    CAPTURE(number);
    CHECK(agent.seen().count(number) == 1);
  }
}

TEST_CASE("exec has a listener of its own", "[seccomp][notify]") {
  Bundle bundle;
  notify(bundle, R"("mkdir", "execve")");
  Agent agent(bundle.file("agent.sock"), {{SYS_mkdir, EXDEV}});
  Container container(bundle.sh("sleep 1000"));
  container.launch();
  const Output output = container.exec({}, {"/bin/mkdir", "/tmp/x"});
  CHECK_THAT(output.err, Catch::Contains("Invalid cross-device link"));
  const std::vector<std::string> states = agent.states(2);
  REQUIRE(states.size() == 2);
  const Json state = parse_json(states[1]);
  CHECK(string_at(state, "/state/status") == "running");
  CHECK(json_at(state, "/state/pid") == std::to_string(container.pid()));
  CHECK(json_at(state, "/pid") != json_at(state, "/state/pid"));
}

TEST_CASE("a notified container in a user namespace, of an ordinary user", "[seccomp][notify]") {
  Bundle bundle;
  notify(bundle, R"("mkdir", "close", "sendmsg")");
  bundle.user_namespace().set("/process/user", R"({"uid": 1000, "gid": 1000})");
  Agent agent(bundle.file("agent.sock"), {{SYS_mkdir, ENOSPC}});
  CHECK_THAT(Container(bundle.args({"/bin/mkdir", "/tmp/x"})).run().err,
             Catch::Contains("No space left on device"));
}

TEST_CASE("the annotation or the environment can name the agent", "[seccomp][notify]") {
  DIFFERS(Runc, "has no such annotation");
  Bundle bundle;
  notify(bundle, R"("mkdir")");
  bundle.remove("/linux/seccomp/listenerPath").args({"/bin/mkdir", "/tmp/x"});
  Agent agent(bundle.file("agent.sock"), {{SYS_mkdir, ENOSPC}});
  CommandOptions options;
  options.env["RUN_OCI_SECCOMP_RECEIVER"] = bundle.file("agent.sock");
  CHECK_THAT(Container(bundle).run({}, options).err, Catch::Contains("No space left"));
  bundle.set("/annotations",
             R"({"run.oci.seccomp.receiver": )" + quote(bundle.file("agent.sock")) + "}");
  CHECK_THAT(Container(bundle).run().err, Catch::Contains("No space left"));
  CHECK(agent.states(2).size() == 2);
}

TEST_CASE("without its agent the process is not executed", "[seccomp][notify]") {
  SKIFF_ONLY("has these messages");
  Bundle bundle;
  notify(bundle, R"("mkdir", "write_is_not_this")");
  bundle.args({"/bin/sleep", "1000"});
  const Leftovers leftovers(bundle);
  const Output ran = Container(bundle).run();
  CHECK(ran.status == 1);
  CHECK_THAT(ran.err, Catch::Contains("linux.seccomp.listenerPath: connect to"));
  CHECK(count(ran.err, "\n") == 1);
  {
    Container container(bundle);
    REQUIRE(container.create().ok());
    const Output started = container.start();
    CHECK(started.status == 1);
    CHECK_THAT(started.err, Catch::Contains("linux.seccomp.listenerPath: connect to"));
    CHECK(container.becomes("stopped"));
    CHECK(container.remove().ok());
  }
  bundle.remove("/linux/seccomp/listenerPath");
  const Output refused = Container(bundle).create();
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("linux.seccomp.listenerPath: missing"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("an agent that goes away stops nobody else", "[seccomp][notify]") {
  Bundle bundle;
  notify(bundle, R"("mkdir")");
  Container container(bundle.sh("sleep 1000"));
  {
    Agent agent(bundle.file("agent.sock"));
    container.launch();
    CHECK(agent.states(1).size() == 1);
  }
  CHECK(container.status() == "running");
}

}  // namespace
}  // namespace tests
