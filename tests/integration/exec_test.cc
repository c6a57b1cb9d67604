// exec: one more process in a running container.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

/// A container that sleeps, for others to join.
struct Sleeper {
  explicit Sleeper(bool start = true) : container(bundle) {
    bundle.sh("sleep 1000");
    if (start) container.launch();
  }
  Bundle bundle;
  Container container;
};

int failure_status() { return testing(Program::Crun) ? 1 : 255; }

TEST_CASE("exec returns the status of its process", "[exec]") {
  Sleeper sleeper;
  for (int status : {0, 1, 7, 255})
    CHECK(sleeper.container.sh("exit " + std::to_string(status)).status == status);
  CHECK(sleeper.container.sh("kill -KILL $$").status == 137);
  CHECK(sleeper.container.sh("kill -TERM $$").status == 143);
  CHECK(sleeper.container.status() == "running");
}

TEST_CASE("exec passes its streams on", "[exec]") {
  Sleeper sleeper;
  CommandOptions options;
  options.input = "in\n";
  const Output output = sleeper.container.sh("cat; echo out; echo err >&2", options);
  CHECK(output.out == "in\nout\n");
  CHECK(output.err == "err\n");
}

TEST_CASE("the exec'ed process is in init's namespaces, root and cgroup", "[exec]") {
  Sleeper sleeper;
  const Output inside = sleeper.container.sh(
      "for p in 1 self; do for n in pid net ipc uts mnt cgroup user; do "
      "readlink /proc/$p/ns/$n > /tmp/$p.$n; done; cat /proc/$p/cgroup > /tmp/$p.cg; done");
  REQUIRE(inside.ok());
  const std::string tmp = sleeper.bundle.rootfs() + "/tmp/";
  for (const char* name : {"pid", "net", "ipc", "uts", "mnt", "cgroup", "user", "cg"}) {
    INFO(name);
    CHECK(read_file(tmp + "1." + name) == read_file(tmp + "self." + name));
    CHECK(read_file(tmp + "self." + name) != "");
  }
  CHECK(sleeper.container.sh("hostname").out == "inside\n");
  CHECK(sleeper.container.sh("kill -0 1").ok());
}

TEST_CASE("exec forwards signals to its process", "[exec]") {
  Sleeper sleeper;
  Command exec(sleeper.container.words(
      "exec", {},
      {"/bin/sh", "-c", "trap 'exit 42' TERM; echo > /tmp/ready; while :; do sleep 0.01; done"}));
  REQUIRE(wait_until([&] { return exists(sleeper.bundle.rootfs() + "/tmp/ready"); }));
  exec.signal(SIGTERM);
  CHECK(exec.wait().status == 42);
}

TEST_CASE("exec is refused in a container that is not running", "[exec]") {
  Sleeper sleeper(false);
  CHECK(sleeper.container.exec({}, {"true"}).status != 0);
  REQUIRE(sleeper.container.create().ok());
  REQUIRE(sleeper.container.start().ok());
  REQUIRE(sleeper.container.kill({"KILL"}).ok());
  REQUIRE(sleeper.container.becomes("stopped"));
  const Output output = sleeper.container.exec({}, {"/bin/true"});
  CHECK(output.status == failure_status());
  if (!testing(Program::Crun))
    CHECK_THAT(output.err, Catch::Contains("stopped") || Catch::Contains("not running"));
}

TEST_CASE("exec of a created container works before its start", "[exec]") {
  Sleeper sleeper(false);
  REQUIRE(sleeper.container.create().ok());
  CHECK(sleeper.container.sh("echo hi").out == "hi\n");
  CHECK(sleeper.container.status() == "created");
}

TEST_CASE("exec of what cannot be executed says why", "[exec]") {
  DIFFERS(Crun, "words it differently");
  Sleeper sleeper;
  write_file(sleeper.bundle.rootfs() + "/bin/plain", "x", 0644);

  const Output missing = sleeper.container.exec({}, {"nosuch"});
  CHECK(missing.status == failure_status());
  CHECK_THAT(missing.err, Catch::Contains("executable file not found in $PATH"));

  const Output absolute = sleeper.container.exec({}, {"/bin/nosuch"});
  CHECK(absolute.status == failure_status());
  CHECK_THAT(absolute.err, Catch::Contains("/bin/nosuch"));
  CHECK_THAT(absolute.err, Catch::Contains("no such file or directory", Catch::CaseSensitive::No));

  const Output plain = sleeper.container.exec({}, {"/bin/plain"});
  CHECK(plain.status == failure_status());
  CHECK_THAT(plain.err, Catch::Contains("permission denied", Catch::CaseSensitive::No));
}

TEST_CASE("a failed exec leaves the container as it was", "[exec]") {
  Sleeper sleeper;
  const Leftovers leftovers(sleeper.bundle);
  CHECK_FALSE(sleeper.container.exec({}, {"nosuch"}).ok());
  CHECK_FALSE(
      sleeper.container.exec({"--cwd", "/nosuch/dir/at/all", "--user", "0x"}, {"true"}).ok());
  CHECK(leftovers.found() == "");
  CHECK(sleeper.container.status() == "running");
}

TEST_CASE("options end at the container's id", "[exec]") {
  Sleeper sleeper;
  CHECK(
      sleeper.container.exec({}, {"/bin/sh", "-c", "echo $0 $@", "--env", "-d", "--", "-x"}).out ==
      "--env -d -- -x\n");
}

TEST_CASE("exec --cwd", "[exec]") {
  Sleeper sleeper;
  CHECK(sleeper.container.exec({"--cwd", "/tmp"}, {"/bin/pwd"}).out == "/tmp\n");
  CHECK(sleeper.container.exec({"--cwd=/etc"}, {"/bin/pwd"}).out == "/etc\n");
}

TEST_CASE("exec takes cwd, env and user of the container's process", "[exec]") {
  DIFFERS(Crun, "takes only env");
  Bundle bundle;
  bundle.set("/process/cwd", "\"/home\"").set("/process/user", R"({"uid": 1000, "gid": 1001})");
  bundle.set("/process/env", R"(["PATH=/bin", "FROM_CONFIG=yes"])").sh("sleep 1000");
  Container container(bundle);
  container.launch();
  CHECK(container.sh("pwd; id -u; id -g; echo $FROM_CONFIG").out == "/home\n1000\n1001\nyes\n");
}

TEST_CASE("exec --env adds and overrides, the last one wins", "[exec]") {
  DIFFERS(Crun, "drops the configured ones");
  Bundle bundle;
  bundle.set("/process/env", R"(["PATH=/bin", "A=config", "B=config"])").sh("sleep 1000");
  Container container(bundle);
  container.launch();
  const Output output = container.exec(
      {"--env", "A=first", "--env", "A=second", "--env=C=with=equals", "--env", "D="},
      {"/bin/env"});
  CHECK(container.exec({"-e", "E=short"}, {"/bin/sh", "-c", "echo $E"}).out == "short\n");
  CHECK(count(output.out, "A=") == 1);
  CHECK_THAT(output.out, Catch::Contains("A=second\n") && Catch::Contains("B=config\n") &&
                             Catch::Contains("C=with=equals\n") && Catch::Contains("D=\n"));
}

TEST_CASE("exec --user takes a uid and an optional gid", "[exec]") {
  Sleeper sleeper;
  const std::string script = "id -u; id -g";
  CHECK(sleeper.container.exec({"-u", "1000"}, {"/bin/sh", "-c", script}).out == "1000\n0\n");
  CHECK(sleeper.container.exec({"--user", "1000:1001"}, {"/bin/sh", "-c", script}).out ==
        "1000\n1001\n");
}

TEST_CASE("a --user that is no number is refused: CVE-2026-30892", "[exec][attack]") {
  DIFFERS(Crun, "1.8.1 has the bug");
  DIFFERS(Runc, "1.1.5 wraps large numbers");
  Sleeper sleeper;
  for (const char* user : {"x", "1000:foo", "4294967296", "4294967295", "1:2:3", " 0", "-1",
                           "1:", ":1", "0x10", "1e3", "+1"}) {
    INFO("user '" << user << "'");
    const Output output = sleeper.container.exec({std::string("--user=") + user}, {"/bin/id"});
    CHECK(output.status != 0);
    CHECK(output.out == "");
    if (testing(Program::Skiff)) {
      CHECK(count(output.err, "\n") == 1);
      CHECK_THAT(output.err, Catch::Contains("user"));
    }
  }
}

TEST_CASE("exec --additional-gids", "[exec]") {
  DIFFERS(Crun, "has no -g");
  Sleeper sleeper;
  const Output output = sleeper.container.exec({"-u", "1000:1000", "-g", "50", "-g", "60"},
                                               {"/bin/cat", "/proc/self/status"});
  INFO(output.err);
  CHECK(field(output.out, "Groups") == "50 60");
}

TEST_CASE("exec without --user drops the groups of its caller", "[exec]") {
  Sleeper sleeper;
  const Output output = sleeper.container.exec({}, {"/bin/cat", "/proc/self/status"});
  CHECK(field(output.out, "Groups") == "");
}

TEST_CASE("exec --no-new-privs", "[exec]") {
  Sleeper sleeper;
  CHECK(field(sleeper.container.exec({}, {"/bin/cat", "/proc/self/status"}).out, "NoNewPrivs") ==
        "0");
  CHECK(field(sleeper.container.exec({"--no-new-privs"}, {"/bin/cat", "/proc/self/status"}).out,
              "NoNewPrivs") == "1");
}

TEST_CASE("exec --cap adds to bounding, effective and permitted, never to inheritable",
          "[exec][attack]") {
  DIFFERS(Crun, "replaces the set");
  Bundle bundle;
  const char* caps = R"(["CAP_KILL"])";
  bundle.set("/process/capabilities/bounding", caps).set("/process/capabilities/effective", caps);
  bundle.set("/process/capabilities/permitted", caps).sh("sleep 1000");
  Container container(bundle);
  container.launch();
  const Output plain = container.exec({}, {"/bin/cat", "/proc/self/status"});
  CHECK(field(plain.out, "CapEff") == "0000000000000020");
  const Output more = container.exec({"--cap", "CAP_CHOWN", "--cap", "CAP_NET_RAW"},
                                     {"/bin/cat", "/proc/self/status"});
  for (const char* set : {"CapBnd", "CapEff", "CapPrm"}) {
    INFO(set);
    CHECK(field(more.out, set) == "0000000000002021");
  }
  CHECK(field(more.out, "CapInh") == "0000000000000000");  // CVE-2022-29162
  const Output unknown = container.exec({"--cap", "CAP_NOSUCH"}, {"/bin/true"});
  if (testing(Program::Skiff)) {
    CHECK(unknown.status != 0);
    CHECK_THAT(unknown.err, Catch::Contains("CAP_NOSUCH"));
  }
}

TEST_CASE("exec --process reads the whole process from a file", "[exec]") {
  DIFFERS(Runc, "1.1.5 ignores the umask and the soft limit");
  Sleeper sleeper;
  const std::string file = sleeper.bundle.file("process.json");
  write_file(file, R"({"user": {"uid": 1000, "gid": 1001, "additionalGids": [7], "umask": 63},
      "args": ["/bin/sh", "-c", "id -u; id -g; pwd; echo $V; umask; ulimit -n; cat /proc/self/status"],
      "env": ["PATH=/bin", "V=value"], "cwd": "/tmp", "noNewPrivileges": true,
      "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
      "capabilities": {"bounding": ["CAP_KILL"]}})");
  for (const Words& flags : {Words{"--process", file}, Words{"-p", file}}) {
    const Output output = runtime(sleeper.bundle, [&] {
      Words words{"exec"};
      words.insert(words.end(), flags.begin(), flags.end());
      words.push_back(sleeper.container.id());
      return words;
    }());
    INFO(output.err);
    const Words found = lines(output.out);
    REQUIRE(found.size() > 6);
    CHECK(Words(found.begin(), found.begin() + 6) ==
          Words{"1000", "1001", "/tmp", "value", "0077", "100"});
    CHECK(field(output.out, "Groups") == "7");
    CHECK(field(output.out, "NoNewPrivs") == "1");
    CHECK(field(output.out, "CapBnd") == "0000000000000020");
    CHECK(field(output.out, "CapEff") == "0000000000000000");
  }
}

TEST_CASE("a wrong process file is reported with the path to the field", "[exec]") {
  SKIFF_ONLY("has these messages");
  Sleeper sleeper;
  const std::string file = sleeper.bundle.file("process.json");
  const std::pair<const char*, const char*> cases[] = {
      {R"({"user": {"uid": "root", "gid": 0}, "args": ["x"], "cwd": "/"})",
       "process.user.uid: expected unsigned integer, found string"},
      {R"({"user": {"uid": 0, "gid": 0}, "args": [], "cwd": "/"})", "process.args"},
      {R"({"user": {"uid": 0, "gid": 0}, "args": ["x"], "cwd": "tmp"})", "process.cwd"},
      {"{", "line 1"}};
  for (const auto& [text, message] : cases) {
    write_file(file, text);
    const Output output = runtime(sleeper.bundle, {"exec", "-p", file, sleeper.container.id()});
    CHECK(output.status == 255);
    CHECK(count(output.err, "\n") == 1);
    CHECK_THAT(output.err, Catch::Contains(message));
  }
  const Output missing =
      runtime(sleeper.bundle, {"exec", "-p", "/nonexistent.json", sleeper.container.id()});
  CHECK(missing.status != 0);
  CHECK_THAT(missing.err, Catch::Contains("/nonexistent.json"));
}

TEST_CASE("exec without a command is a usage error", "[exec]") {
  Sleeper sleeper;
  CHECK(runtime(sleeper.bundle, {"exec", sleeper.container.id()}).status != 0);
  CHECK(runtime(sleeper.bundle, {"exec"}).status != 0);
}

TEST_CASE("exec --detach returns at once and writes the pid of the process", "[exec]") {
  Sleeper sleeper;
  const std::string file = sleeper.bundle.file("pid");
  const Output output =
      sleeper.container.exec({"--detach", "--pid-file", file}, {"/bin/sleep", "777"});
  INFO(output.err);
  REQUIRE(output.ok());
  const std::string pid = read_file(file);
  CHECK(wait_until([&] {
    return read_file("/proc/" + pid + "/cmdline") == std::string(
                                                         "/bin/sleep\0"
                                                         "777\0",
                                                         15);
  }));
  CHECK(read_link("/proc/" + pid + "/ns/pid") ==
        read_link("/proc/" + std::to_string(sleeper.container.pid()) + "/ns/pid"));
  ::kill(std::stoi(pid), SIGKILL);
}

TEST_CASE("exec'ed processes end with the container", "[exec]") {
  Sleeper sleeper;
  const Leftovers leftovers(sleeper.bundle);
  REQUIRE(sleeper.container.exec({"-d"}, {"/bin/sleep", "1000"}).ok());
  Command foreground(sleeper.container.words("exec", {}, {"/bin/sleep", "1000"}));
  REQUIRE(wait_until([&] {
    const Json listed =
        parse_json(runtime(sleeper.bundle, {"ps", "-f", "json", sleeper.container.id()}).out);
    int asleep = 0;
    for (const auto& pid : listed.GetArray())
      asleep += read_file("/proc/" + std::to_string(pid.GetInt()) + "/comm") == "sleep\n";
    return asleep == 3;
  }));
  const Output removed = sleeper.container.remove({"--force"});
  INFO(removed.err);
  REQUIRE(removed.ok());
  CHECK(foreground.wait().status == 137);
}

TEST_CASE("exec in a user namespace is inside its mappings", "[exec]") {
  Bundle bundle;
  bundle.user_namespace(200000, 1000).sh("sleep 1000");
  Container container(bundle);
  container.launch();
  const Output output = container.sh(
      "cat /proc/self/uid_map; id -u; echo x > /tmp/file; "
      "for p in self 1; do readlink /proc/$p/ns/user; done | uniq | wc -l");
  INFO(output.err);
  CHECK(split(output.out, '\n').size() == 4);
  CHECK_THAT(output.out, Catch::Contains("200000") && Catch::Contains("1000\n0\n1\n"));
}

TEST_CASE("exec keeps the seccomp filter of the container", "[exec]") {
  Bundle bundle;
  bundle.set("/linux/seccomp", R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
      [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]})");
  bundle.sh("sleep 1000");
  for (const char* nnp : {"false", "true"}) {
    bundle.set("/process/noNewPrivileges", nnp);
    Container container(bundle);
    container.launch();
    const Output output = container.sh("grep Seccomp: /proc/self/status; mkdir /tmp/x");
    CHECK_THAT(output.out, Catch::Contains("2"));
    CHECK_THAT(output.err, Catch::Contains("Function not implemented"));
  }
}

TEST_CASE("exec inherits the container's rlimits", "[exec]") {
  DIFFERS(Crun, "does not");
  DIFFERS(Runc, "1.1.5 at times loses the soft limit of open files");
  Bundle bundle;
  bundle.set("/process/rlimits", R"([{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}])");
  bundle.sh("sleep 1000");
  Container container(bundle);
  container.launch();
  CHECK(container.sh("ulimit -n; ulimit -Hn").out == "77\n88\n");
}

TEST_CASE("exec starts from the configuration as it was at create", "[exec]") {
  DIFFERS(Runc, "reads the bundle again");
  Sleeper sleeper;
  write_file(sleeper.bundle.file("config.json"), "{}");
  CHECK(sleeper.container.sh("echo fine").out == "fine\n");
}

TEST_CASE("exec goes where init is if that has given the cgroup to those below", "[exec][cgroup]") {
  NEEDS(environment().layout == CgroupLayout::V2, "no controller of v2 to give on");
  Bundle bundle;
  bundle.ns("cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev");
  bundle.sh(
      "cd /sys/fs/cgroup; mkdir init.scope; echo 1 >init.scope/cgroup.procs; "
      "for c in $(cat cgroup.controllers); do echo +$c >cgroup.subtree_control; done; "
      "touch /ready; exec sleep 100");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/ready"); }));
  NEEDS(trim(read_file(container.v2_cgroup() + "/../cgroup.subtree_control")) != "",
        "no controller of v2 to give on");
  const Output output = container.sh("cat /proc/self/cgroup");
  INFO(output.err);
  CHECK(output.ok());
  CHECK_THAT(output.out, Catch::Contains("0::/init.scope\n"));
}

TEST_CASE("exec --cgroup places the process in a cgroup below the container's", "[exec]") {
  DIFFERS(Runc, "wants a controller's name on v1");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Sleeper sleeper;
  for (const std::string& directory : find_cgroups(sleeper.container.id())) {
    ::mkdir((directory + "/below").c_str(), 0755);
    // A cpuset of v1 takes nobody in before it has been told its processors.
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"})
      if (exists(directory + file) && !is_v2("cpuset"))
        write_file(directory + "/below" + file, trim(read_file(directory + file)));
  }
  const std::string file = sleeper.bundle.file("pid");
  const Output output = sleeper.container.exec({"--cgroup", "below", "-d", "--pid-file", file},
                                               {"/bin/sleep", "100"});
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK_THAT(read_file("/proc/" + read_file(file) + "/cgroup"),
             Catch::Contains("/" + sleeper.container.id()) && Catch::Contains("/below\n"));
}

TEST_CASE("exec --cgroup cannot leave the container's cgroup", "[exec][attack]") {
  DIFFERS(Runc, "1.1.5 takes .. for a controller's path");
  DIFFERS(Crun, "1.8.1 lets it");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Sleeper sleeper;
  for (const char* path : {"../..", "..", "x/../../y", "/../..", "nosuch"}) {
    INFO(path);
    CHECK(sleeper.container.exec({"--cgroup", path}, {"/bin/true"}).status != 0);
  }
}

TEST_CASE("a paused container refuses exec unless told to ignore that", "[exec]") {
  DIFFERS(Crun, "has no --ignore-paused");
  NEEDS(has_controller("freezer") || environment().layout == CgroupLayout::V2, "no freezer");
  Sleeper sleeper;
  REQUIRE(sleeper.container.call("pause").ok());
  const Output refused = sleeper.container.exec({}, {"/bin/true"});
  CHECK(refused.status == 255);
  CHECK_THAT(refused.err, Catch::Contains("paused"));
  Command waiting(
      sleeper.container.words("exec", {"--ignore-paused"}, {"/bin/sh", "-c", "exit 5"}));
  ::usleep(100'000);
  CHECK(waiting.running());
  REQUIRE(sleeper.container.call("resume").ok());
  CHECK(waiting.wait().status == 5);
}

}  // namespace
}  // namespace tests
