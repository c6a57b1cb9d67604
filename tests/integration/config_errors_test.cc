// Configurations that are wrong: each is refused in one clear line, and leaves nothing behind.
#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

struct Mistake {
  const char* pointer;
  std::string json;  // "" removes the value
  const char* message;
};

void check_mistakes(const std::vector<Mistake>& mistakes) {
  for (const Mistake& mistake : mistakes) {
    INFO(mistake.pointer << " = " << mistake.json.substr(0, 200));
    Bundle bundle;
    if (mistake.json.empty())
      bundle.remove(mistake.pointer);
    else
      bundle.set(mistake.pointer, mistake.json);
    CHECK_THAT(refusal(bundle), Catch::Contains(mistake.message));
  }
}

TEST_CASE("a value of the wrong type is named by its path", "[config]") {
  SKIFF_ONLY("has these messages");
  check_mistakes({
      {"/process/user/uid", "\"root\"",
       "process.user.uid: expected unsigned integer, found string"},
      {"/process/user/gid", "-1", "process.user.gid"},
      {"/process/user/uid", "4294967296", "process.user.uid"},
      {"/process/user/uid", "1.5", "process.user.uid"},
      {"/process/user/additionalGids", "[1, \"x\"]", "process.user.additionalGids[1]"},
      {"/process/args", "\"sh\"", "process.args"},
      {"/process/args", "[\"sh\", 1]", "process.args[1]"},
      {"/process/env", "[\"A=1\", null]", "process.env[1]"},
      {"/process/cwd", "7", "process.cwd"},
      {"/process/terminal", "\"yes\"", "process.terminal"},
      {"/process/rlimits", R"([{"type": "RLIMIT_NOFILE", "soft": "x", "hard": 1}])",
       "process.rlimits[0].soft"},
      {"/process/scheduler", "\"SCHED_OTHER\"", "process.scheduler: expected object, found string"},
      {"/process/scheduler", R"({"policy": "SCHED_OTHER", "nice": "low"})",
       "process.scheduler.nice: expected integer, found string"},
      {"/process/ioPriority", R"({"class": 2})", "process.ioPriority.class: expected string"},
      {"/process/execCPUAffinity", R"({"final": [0]})",
       "process.execCPUAffinity.final: expected string, found array"},
      {"/process/apparmorProfile", "1", "process.apparmorProfile: expected string"},
      {"/process/selinuxLabel", "{}", "process.selinuxLabel: expected string"},
      {"/process", "[]", "process"},
      {"/root", "\"rootfs\"", "root"},
      {"/root/path", "null", "root.path"},
      {"/root/readonly", "1", "root.readonly"},
      {"/mounts", "{}", "mounts"},
      {"/mounts/2/options", "\"ro\"", "mounts[2].options"},
      {"/mounts/1/destination", "1", "mounts[1].destination"},
      {"/hostname", "1", "hostname"},
      {"/ociVersion", "1", "ociVersion"},
      {"/annotations", R"({"a": 1})", "annotations"},
      {"/hooks/createRuntime", "{}", "hooks.createRuntime"},
      {"/hooks/createRuntime", R"([{"path": 1}])", "hooks.createRuntime[0].path"},
      {"/linux", "\"\"", "linux"},
      {"/linux/namespaces", R"([{"type": 1}])", "linux.namespaces[0].type"},
      {"/linux/sysctl", R"({"net.ipv4.ip_forward": 1})", "linux.sysctl"},
      {"/linux/maskedPaths", "[1]", "linux.maskedPaths[0]"},
      {"/linux/timeOffsets", R"({"boottime": {"secs": "1"}})",
       "linux.timeOffsets.boottime.secs: expected integer, found string"},
      {"/linux/personality", R"({"domain": 1})", "linux.personality.domain: expected string"},
      {"/linux/memoryPolicy", R"({"mode": "MPOL_BIND", "nodes": 0})",
       "linux.memoryPolicy.nodes: expected string, found unsigned integer"},
      {"/linux/netDevices", R"({"eth0": {"name": 1}})", "linux.netDevices.eth0.name: expected"},
      {"/linux/intelRdt", R"({"schemata": "L3:0=f"})",
       "linux.intelRdt.schemata: expected array, found string"},
      {"/linux/resources/memory", R"({"limit": "1g"})", "linux.resources.memory.limit"},
      {"/linux/resources/cpu", R"({"shares": -1})", "linux.resources.cpu.shares"},
      {"/linux/resources/pids", R"({"limit": "many"})", "linux.resources.pids.limit"},
      {"/linux/resources/devices", R"([{"allow": "no"}])", "linux.resources.devices[0].allow"},
      {"/linux/uidMappings", R"([{"containerID": 0, "hostID": 0, "size": -1}])",
       "linux.uidMappings[0].size"},
  });
}

TEST_CASE("a missing or impossible value is named by its path", "[config]") {
  SKIFF_ONLY("has these messages");
  check_mistakes({
      {"/root", "", "root"},
      {"/root/path", "", "root.path"},
      {"/root/path", "\"\"", "root.path"},
      {"/ociVersion", "", "ociVersion"},
      {"/ociVersion", "\"banana\"", "ociVersion"},
      {"/ociVersion", "\"2.0.0\"", "ociVersion"},
      {"/process/args", "", "process.args"},
      {"/process/args", "[]", "process.args"},
      {"/process/args", "[\"\"]", "process.args"},
      {"/process/cwd", "", "process.cwd"},
      {"/process/cwd", "\"tmp\"", "process.cwd"},
      {"/process/cwd", "\"\"", "process.cwd"},
      {"/process/env", "[\"NOEQUALS\"]", "process.env[0]"},
      {"/process/rlimits", R"([{"type": "RLIMIT_NOSUCH", "soft": 1, "hard": 1}])",
       "process.rlimits[0].type"},
      {"/process/rlimits", R"([{"type": "RLIMIT_NOFILE", "soft": 5, "hard": 1}])",
       "process.rlimits[0]"},
      {"/process/rlimits", R"([{"type": "RLIMIT_CORE", "soft": 1, "hard": 1},
                               {"type": "RLIMIT_CORE", "soft": 2, "hard": 2}])",
       "process.rlimits[1]"},
      {"/process/oomScoreAdj", "1001", "process.oomScoreAdj"},
      {"/process/user/umask", "4096", "process.user.umask"},
      {"/mounts/-", R"({"source": "tmpfs", "type": "tmpfs"})", "mounts[6].destination"},
      {"/mounts/-", R"({"destination": "relative", "source": "tmpfs", "type": "nosuchfs"})",
       "mounts[6]"},
      {"/linux/namespaces/-", R"({"type": "pid"})", "linux.namespaces[5]"},
      {"/linux/namespaces/-", R"({"type": "gravity"})", "linux.namespaces[5].type"},
      {"/linux/namespaces/-", R"({"type": "user", "path": "relative/path"})",
       "linux.namespaces[5].path"},
      {"/linux/maskedPaths", "[\"relative\"]", "linux.maskedPaths[0]"},
      {"/linux/readonlyPaths", "[\"relative\"]", "linux.readonlyPaths[0]"},
      {"/hooks/prestart", R"([{"path": "relative"}])", "hooks.prestart[0].path"},
      {"/hooks/prestart", R"([{"path": "/bin/true", "timeout": 0}])", "hooks.prestart[0].timeout"},
      {"/hooks/prestart", R"([{"path": "/bin/true", "timeout": -5}])", "hooks.prestart[0].timeout"},
      {"/hooks/prestart", R"([{"args": ["x"]}])", "hooks.prestart[0].path"},
      {"/linux/resources/devices", R"([{"allow": true, "type": "x", "access": "r"}])",
       "linux.resources.devices[0].type"},
      {"/linux/resources/devices", R"([{"allow": true, "type": "c", "access": "rx"}])",
       "linux.resources.devices[0].access"},
      {"/linux/resources/memory", R"({"limit": 1000000, "swappiness": 101})",
       "linux.resources.memory.swappiness"},
      {"/process/scheduler", R"({"policy": "SCHED_FIFO", "priority": 100})",
       "process.scheduler.priority: 100 is out of range, 1 to 99"},
      {"/process/scheduler", R"({"policy": "SCHED_IDLE", "nice": 3})",
       "process.scheduler.nice: only SCHED_OTHER and SCHED_BATCH have one"},
      {"/process/ioPriority", R"({"class": "IOPRIO_CLASS_BE", "priority": 8})",
       "process.ioPriority.priority: 8 is out of range, 0 to 7"},
      {"/process/execCPUAffinity", R"({"initial": "3-1"})",
       "process.execCPUAffinity.initial: \"3-1\" is not a list of numbers like 0-3,7"},
      {"/linux/timeOffsets", R"({"boottime": {"secs": 1}})",
       "linux.timeOffsets: needs a \"time\" entry without path in linux.namespaces"},
      {"/linux/timeOffsets", R"({"realtime": {}})",
       "linux.timeOffsets.realtime: unknown clock, there are monotonic and boottime"},
      {"/linux/personality", R"({"domain": "LINUX", "flags": ["FAST"]})",
       "linux.personality.flags[0]: unknown \"FAST\""},
      {"/linux/memoryPolicy", R"({"mode": "MPOL_LOCAL", "nodes": "0"})",
       "linux.memoryPolicy.nodes: MPOL_DEFAULT and MPOL_LOCAL take none"},
      {"/linux/netDevices", R"({"eth0": {"name": "a/b"}})",
       "linux.netDevices.eth0.name: \"a/b\" is not the name of a network device"},
      {"/linux/intelRdt", R"({"memBwSchema": "L3:0=f"})",
       "linux.intelRdt.memBwSchema: \"L3:0=f\" does not begin with MB:"},
      {"/annotations", R"({"": "x"})", "annotations"},
  });
}

TEST_CASE("what is for runtimes of another kind is refused", "[config]") {
  SKIFF_ONLY("has these messages");
  check_mistakes({
      {"/vm", R"({"kernel": {"path": "/k"}})", "vm: this runtime starts no virtual machines"},
  });
}

TEST_CASE("unknown fields are ignored, as the specification demands", "[config]") {
  Bundle bundle;
  bundle.set("/org.example.extension", R"({"x": [1, {"y": null}]})");
  bundle.set("/process/futureField", "true").set("/linux/futureField", "[]");
  bundle.set("/linux/resources/futureField", "{}").set("/root/futureField", "1");
  bundle.set("/mounts/0/futureField", "\"x\"").set("/process/user/username", "\"windows\"");
  bundle.sh("exit 4");
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(output.status == 4);
}

TEST_CASE("null for an optional field is as if it were absent", "[config]") {
  Bundle bundle;
  bundle.set("/linux/seccomp", "null").set("/hooks", "null").set("/annotations", "null");
  bundle.set("/linux/sysctl", "null").set("/process/rlimits", "null");
  CHECK(Container(bundle).run().ok());
}

TEST_CASE("malformed JSON gives line and column", "[config]") {
  const std::pair<std::string, const char*> cases[] = {
      {"", "line 1"},
      {"{\n  \"ociVersion\": \"1.0.2\",\n  \"root\": }\n", "line 3"},
      {"{\"ociVersion\": \"1.0.2\"", "line 1"},
      {"{} trailing", "line 1"},
      {"not json at all", "line 1"},
      {"{\"a\": 1,}", "line 1"},
      {"{\"a\": \"\xff\xfe\"}", "line 1"},
  };
  for (const auto& [text, place] : cases) {
    INFO(text);
    Bundle bundle;
    bundle.raw(text.empty() ? " " : text);
    const std::string error = refusal(bundle);
    if (testing(Program::Skiff)) {
      CHECK_THAT(error, Catch::Contains(place) && Catch::Contains("column"));
      CHECK_THAT(error, Catch::Contains("config.json"));
    }
  }
}

TEST_CASE("a configuration that is no object, empty or nested beyond reason", "[config]") {
  DIFFERS(Runc, "1.1.5 panics");
  for (const std::string& text :
       {std::string("[]"), std::string("null"), std::string("\"x\""), std::string("{}"),
        std::string(200000, '['), "{\"a\":" + std::string(100000, '{'),
        std::string(1000, '[') + std::string(1000, ']')}) {
    INFO(text.substr(0, 60));
    Bundle bundle;
    bundle.raw(text);
    CHECK(refusal(bundle) != "");
  }
}

TEST_CASE("NUL characters are refused wherever the kernel would cut a string short", "[config]") {
  SKIFF_ONLY("checks every string");
  for (const char* pointer :
       {"/process/args/0", "/process/env/0", "/process/cwd", "/root/path", "/mounts/0/destination",
        "/mounts/0/source", "/hostname", "/linux/cgroupsPath"}) {
    INFO(pointer);
    Bundle bundle;
    bundle.set(pointer, "\"/x=\\u0000y\"");
    CHECK_THAT(refusal(bundle), Catch::Contains("NUL"));
  }
  Bundle raw;
  raw.raw(std::string("{\"ociVersion\"\0: 1}", 18));
  CHECK(refusal(raw) != "");
}

TEST_CASE("a configuration of 100 MiB is refused or read, but not endured", "[config]") {
  SKIFF_ONLY("limits it");
  Bundle bundle;
  const Leftovers leftovers(bundle);
  bundle.raw("{\"ociVersion\": \"1.0.2\", \"x\": \"" + std::string(100 << 20, 'a') + "\"}");
  const auto begin = std::chrono::steady_clock::now();
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK(count(output.err, "\n") == 1);
  CHECK(output.err.size() < 1000);
  CHECK(std::chrono::steady_clock::now() - begin < patience(5));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a config.json that is a directory, a fifo or a device is refused", "[config]") {
  SKIFF_ONLY("looks before it reads");
  Bundle bundle;
  const Leftovers leftovers(bundle);
  make_directories(bundle.file("directory.json"));
  REQUIRE(run_command({"mkfifo", bundle.file("fifo.json")}).ok());
  CommandOptions options;
  options.seconds = 5;
  for (const char* name : {"directory.json", "fifo.json", "/dev/zero"}) {
    INFO(name);
    const Output output =
        Container(bundle).create({"--config", name[0] == '/' ? name : bundle.file(name)}, options);
    CHECK(output.status == 1);
    CHECK(count(output.err, "\n") == 1);
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("very long strings do not break the channel to init: CVE-2021-43784",
          "[config][attack]") {
  Bundle bundle;
  const std::string lengthy(70000, 'n');
  const Leftovers leftovers(bundle);
  bundle.ns("network", "/" + lengthy);
  CHECK(Container(bundle).create().status == 1);
  bundle.ns("network").set("/hostname", quote(lengthy));
  CHECK(Container(bundle).create().status == 1);
  bundle.set("/hostname", "\"h\"").set("/process/cwd", quote("/" + lengthy));
  CHECK(Container(bundle).create().status == 1);
  // More than MAX_ARG_STRLEN: only execve can refuse it.
  bundle.set("/process/cwd", "\"/\"").args({"/bin/true", std::string(140000, 'a')});
  CHECK(Container(bundle).run().status == 1);
  CHECK(leftovers.found() == "");

  // Large, but allowed: 100,000 bytes in a thousand variables.
  std::vector<std::string> env{"PATH=/bin"};
  for (int number = 0; number < 1000; ++number)
    env.push_back("V" + std::to_string(number) + "=" + std::string(100, 'v'));
  bundle.set("/process/env", json_list(env)).sh("env | wc -l");
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(std::atoi(output.out.c_str()) >= 1001);
}

TEST_CASE("untrusted text cannot break out of its line in an error", "[config]") {
  SKIFF_ONLY("quotes it");
  Bundle bundle;
  bundle.args({"/bin/no\nsuch\x1b[31m"});
  const std::string error = refusal(bundle);
  CHECK_THAT(error, !Catch::Contains("\x1b"));
}

}  // namespace
}  // namespace tests
