// create, start, state, kill and delete: the road of a container and the ways off it.
#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

TEST_CASE("a container is created, running, stopped and gone", "[lifecycle]") {
  Bundle bundle;
  bundle.sh("echo started > /tmp/mark; sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);

  REQUIRE(container.create().ok());
  CHECK(container.status() == "created");
  CHECK_FALSE(exists(bundle.rootfs() + "/tmp/mark"));
  const pid_t pid = container.pid();
  CHECK(exists("/proc/" + std::to_string(pid)));

  REQUIRE(container.start().ok());
  CHECK(container.status() == "running");
  CHECK(container.pid() == pid);
  CHECK(wait_until([&] { return read_file(bundle.rootfs() + "/tmp/mark") == "started\n"; }));

  REQUIRE(container.kill({"KILL"}).ok());
  CHECK(container.becomes("stopped"));
  CHECK(container.pid() == 0);

  CHECK(container.remove().ok());
  CHECK(container.status() == "");
  CHECK(leftovers.found() == "");
}

TEST_CASE("a container whose process ends by itself is stopped until it is deleted",
          "[lifecycle]") {
  Bundle bundle;
  Container container(bundle);
  container.launch();
  CHECK(container.becomes("stopped"));
  CHECK(exists(bundle.state_root() + "/" + container.id()));
  CHECK(container.remove().ok());
  CHECK(list_directory(bundle.state_root()).empty());
}

TEST_CASE("state of a created container is the specification's", "[lifecycle]") {
  Bundle bundle;
  bundle.set("/annotations", R"({"org.example.key": "a value", "empty": ""})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  const Output output = container.call("state");
  REQUIRE(output.ok());
  const Json state = parse_json(output.out);
  CHECK(string_at(state, "/id") == container.id());
  CHECK(string_at(state, "/status") == "created");
  CHECK(string_at(state, "/bundle") == bundle.directory());
  if (!testing(Program::Crun)) CHECK(string_at(state, "/rootfs") == bundle.rootfs());
  CHECK(string_at(state, "/annotations/org.example.key") == "a value");
  CHECK(json_at(state, "/annotations/empty") == "\"\"");
  CHECK_FALSE(string_at(state, "/ociVersion").empty());
  CHECK(json_at(state, "/pid") == std::to_string(container.pid()));
  // RFC 3339, UTC: 2026-01-02T03:04:05.123456789Z
  CHECK_THAT(string_at(state, "/created"),
             Catch::Matches("20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z"));
}

TEST_CASE("commands on an unknown container say that it does not exist", "[lifecycle]") {
  Bundle bundle;
  bundle.path("none");
  make_directories(bundle.state_root());
  for (const Words& words :
       {Words{"state", "nosuch"}, Words{"start", "nosuch"}, Words{"kill", "nosuch", "KILL"},
        Words{"delete", "nosuch"}, Words{"pause", "nosuch"}, Words{"resume", "nosuch"},
        Words{"exec", "nosuch", "true"}, Words{"ps", "nosuch"}}) {
    INFO(words[0]);
    const Output output = runtime(bundle, words);
    CHECK(output.status != 0);
    if (!testing(Program::Crun))
      CHECK_THAT(output.err, Catch::Contains("container does not exist"));
    CHECK(output.out == "");
    if (testing(Program::Skiff)) CHECK(count(output.err, "\n") == 1);
  }
  CHECK(runtime(bundle, {"delete", "--force", "nosuch"}).ok());
}

TEST_CASE("a second container of the same id is refused and the first untouched", "[lifecycle]") {
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const pid_t pid = container.pid();
  for (const char* command : {"create", "run"}) {
    const Output output =
        runtime(bundle, {command, "--bundle", bundle.directory(), container.id()});
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains("exist"));
    if (testing(Program::Skiff)) CHECK_THAT(output.err, Catch::Contains("already exists"));
  }
  CHECK(container.status() == "running");
  CHECK(container.pid() == pid);
}

TEST_CASE("start is refused in every state but created", "[lifecycle]") {
  Bundle bundle;
  bundle.sh("echo run >> /tmp/runs; sleep 100");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/runs"); }));

  const Output again = container.start();
  CHECK(again.status == 1);
  if (testing(Program::Skiff)) CHECK_THAT(again.err, Catch::Contains("already running"));

  REQUIRE(container.kill({"KILL"}).ok());
  REQUIRE(container.becomes("stopped"));
  const Output stopped = container.start();
  CHECK(stopped.status == 1);
  if (testing(Program::Skiff)) CHECK_THAT(stopped.err, Catch::Contains("stopped"));
  CHECK(read_file(bundle.rootfs() + "/tmp/runs") == "run\n");
}

TEST_CASE("start of a created container whose init died is refused", "[lifecycle]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE(container.create().ok());
  ::kill(container.pid(), SIGKILL);
  REQUIRE(container.becomes("stopped"));
  CHECK(container.start().status == 1);
  CHECK(container.remove().ok());
}

TEST_CASE("delete refuses a running container and --force kills it", "[lifecycle]") {
  Bundle bundle;
  bundle.sh("sleep 100 & sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  container.launch();

  const Output refused = container.remove();
  CHECK(refused.status == 1);
  if (!testing(Program::Crun)) CHECK_THAT(refused.err, Catch::Contains("not stopped"));
  CHECK(container.status() == "running");

  CHECK(container.remove({"--force"}).ok());
  CHECK(container.status() == "");
  CHECK(leftovers.found() == "");
}

TEST_CASE("delete of a created container is refused: it is not stopped", "[lifecycle]") {
  DIFFERS(Runc, "kills its init, against the specification");
  DIFFERS(Crun, "kills its init, against the specification");
  Bundle bundle;
  const Leftovers leftovers(bundle);
  Container container(bundle);
  REQUIRE(container.create().ok());
  const Output refused = container.remove();
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("that is not stopped: created"));
  CHECK(container.status() == "created");
  CHECK(container.remove({"--force"}).ok());
  CHECK(container.status() == "");
  CHECK(leftovers.found() == "");
}

TEST_CASE("delete --force of a container without its own pid namespace kills all its processes",
          "[lifecycle]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.ns("pid", "-").sh("sleep 100 & setsid sleep 100 & sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  container.launch();
  CHECK(container.remove({"--force"}).ok());
  CHECK(leftovers.found() == "");
}

TEST_CASE("delete also removes what survived the init of a container without a pid namespace",
          "[lifecycle]") {
  DIFFERS(Crun, "leaves them");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.ns("pid", "-").sh("sleep 100 & echo > /tmp/ready; sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/ready"); }));
  // Its children stay, and with them its session and process group of the same number: older
  // kernels' pidfd_open(2), that of 6.1 for one, answers EINVAL then and not ESRCH.
  ::kill(container.pid(), SIGKILL);
  REQUIRE(container.becomes("stopped"));
  const Output removed = container.remove();
  INFO(removed.err);
  CHECK(removed.ok());
  CHECK(leftovers.found() == "");
}

TEST_CASE("kill sends TERM unless told otherwise", "[lifecycle]") {
  Bundle bundle;
  bundle.sh(
      "trap 'echo TERM > /tmp/got; exit' TERM; echo > /tmp/ready; while :; do sleep 0.01; done");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/ready"); }));
  CHECK(container.kill().ok());
  CHECK(wait_until([&] { return read_file(bundle.rootfs() + "/tmp/got") == "TERM\n"; }));
}

TEST_CASE("kill takes a signal by name in any case, with and without SIG, and by number",
          "[lifecycle]") {
  Bundle bundle;
  bundle.sh("trap 'echo x >> /tmp/got' USR1; echo > /tmp/ready; while :; do sleep 0.01; done");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/ready"); }));
  size_t expected = 0;
  for (const char* name : {"USR1", "SIGUSR1", "usr1", "sigusr1", "10"}) {
    INFO(name);
    if (testing(Program::Crun) && name[0] != 'U' && name[0] != 'S' && name[0] != '1') continue;
    CHECK(container.kill({name}).ok());
    ++expected;
    CHECK(wait_until(
        [&] { return count(read_file(bundle.rootfs() + "/tmp/got"), "x") == expected; }));
  }
  for (const char* wrong : {"NOSUCH", "-1", "65", "1x", ""}) {
    INFO("wrong signal '" << wrong << "'");
    if (!testing(Program::Skiff)) continue;
    const Output output = container.kill({"--", wrong});
    CHECK(output.status == 1);
    CHECK(count(output.err, "\n") == 1);
  }
  CHECK(container.status() == "running");
}

TEST_CASE("kill of a created container ends it", "[lifecycle]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(container.kill({"KILL"}).ok());
  CHECK(container.becomes("stopped"));
}

TEST_CASE("kill of a stopped container says that it is not running", "[lifecycle]") {
  Bundle bundle;
  Container container(bundle);
  container.launch();
  REQUIRE(container.becomes("stopped"));
  const Output output = container.kill({"KILL"});
  CHECK(output.status == 1);
  if (!testing(Program::Crun)) CHECK_THAT(output.err, Catch::Contains("container not running"));
}

TEST_CASE("kill --all reaches every process of the container", "[lifecycle]") {
  DIFFERS(Runc, "--all is obsolete with a pid namespace");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  const std::string trap =
      "trap 'echo x >> /tmp/got' USR1; echo r >> /tmp/ready; while :; do sleep 0.01; done";
  bundle.sh("(" + trap + ") & (" + trap + ") & " + trap);
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return count(read_file(bundle.rootfs() + "/tmp/ready"), "r") == 3; }));
  // sleep(1) is reached too, and dies: the loops go on.
  CHECK(runtime(bundle, {"kill", "--all", container.id(), "USR1"}).ok());
  CHECK(wait_until([&] { return count(read_file(bundle.rootfs() + "/tmp/got"), "x") == 3; }));
}

TEST_CASE("kill and delete --regex choose containers by name", "[lifecycle]") {
  DIFFERS(Runc, "has no --regex");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container first(bundle, environment().prefix + "rx-one");
  Container second(bundle, environment().prefix + "rx-two");
  Container other(bundle, environment().prefix + "other");
  first.launch();
  second.launch();
  other.launch();
  const std::string pattern = "^" + environment().prefix + "rx-";
  CHECK(runtime(bundle, {"kill", "--regex", pattern, "KILL"}).ok());
  CHECK(first.becomes("stopped"));
  CHECK(second.becomes("stopped"));
  CHECK(other.status() == "running");
  CHECK(runtime(bundle, {"delete", "--regex", pattern}).ok());
  CHECK(list_directory(bundle.state_root()) == Words{other.id()});
}

TEST_CASE("container ids are 1 to 1024 safe characters", "[lifecycle]") {
  Bundle bundle;
  SKIFF_ONLY("has exactly these rules");
  const Leftovers leftovers(bundle);
  for (const std::string id : {"", ".", "..", "../x", "a/b", "a b", "a\nb", "ü", "a:b", "a*"}) {
    INFO("id '" << id << "'");
    const Output output = runtime(bundle, {"create", "--bundle", bundle.path("x"), "--", id});
    CHECK(output.status == 1);
    CHECK(count(output.err, "\n") == 1);
    CHECK_THAT(output.err, Catch::Contains("id", Catch::CaseSensitive::No));
  }
  const Output too_long =
      runtime(bundle, {"create", "--bundle", bundle.path("x"), std::string(1025, 'a')});
  CHECK(too_long.status == 1);
  CHECK(leftovers.found() == "");

  Container odd(bundle, environment().prefix + "A_z.0+9-");
  CHECK(odd.run().ok());
}

TEST_CASE("the state root is private to its owner", "[lifecycle]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE(container.create().ok());
  struct stat status {};
  REQUIRE(::stat(bundle.state_root().c_str(), &status) == 0);
  CHECK((status.st_mode & 0077) == 0);
}

TEST_CASE("a container can be created again once its predecessor is deleted", "[lifecycle]") {
  Bundle bundle;
  Container container(bundle);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(container.create().ok());
    REQUIRE(container.start().ok());
    REQUIRE(container.becomes("stopped"));
    REQUIRE(container.remove().ok());
  }
}

TEST_CASE("a pid that now belongs to another process is not taken for the container",
          "[lifecycle]") {
  SKIFF_ONLY("keeps state.json in this shape");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const pid_t old_pid = container.pid();
  // Start times are told in clock ticks; no pid comes round within one.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Command stranger({"sleep", "100"});

  // What the file would say had init died and its pid come round to `stranger`.
  const std::string path = bundle.state_root() + "/" + container.id() + "/state.json";
  std::string state = read_file(path);
  const std::string number = std::to_string(old_pid);
  const size_t at = state.find(number, state.find("pid"));
  REQUIRE(at != std::string::npos);
  state.replace(at, number.size(), std::to_string(stranger.pid()));
  write_file(path, state);

  CHECK(container.status() == "stopped");
  CHECK(container.kill({"KILL"}).status == 1);
  CHECK(container.sh("true").status != 0);
  CHECK(container.remove({"--force"}).ok());
  CHECK(stranger.running());
}

TEST_CASE("a damaged state.json is reported in one line", "[lifecycle]") {
  SKIFF_ONLY("keeps its state in state.json");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const std::string path = bundle.state_root() + "/" + container.id() + "/state.json";
  write_file(path, "{\"id\": ");
  const Output output = container.call("state");
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("state.json"));
  CHECK(count(output.err, "\n") == 1);
}

}  // namespace
}  // namespace tests
