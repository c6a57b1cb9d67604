// Several runtimes at once, and runtimes that die half-way.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <random>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

constexpr int kRivals = 4;

/// Starts the same command several times at once; returns what came of each.
std::vector<Output> race(const Words& words) {
  std::vector<Command> rivals;
  rivals.reserve(kRivals);
  for (int index = 0; index < kRivals; ++index) rivals.emplace_back(words);
  std::vector<Output> outputs;
  for (Command& rival : rivals) outputs.push_back(rival.wait());
  return outputs;
}

/// Exactly one has succeeded; every other one says why in one line.
void check_single_winner(const std::vector<Output>& outputs) {
  int winners = 0;
  for (const Output& output : outputs) {
    INFO(output.err);
    winners += output.ok() ? 1 : 0;
    CHECK((output.status == 0 || output.status == 1));
    if (!output.ok() && testing(Program::Skiff)) CHECK(count(output.err, "\n") == 1);
  }
  CHECK(winners == 1);
}

TEST_CASE("of several creates of one id exactly one wins", "[concurrency]") {
  DIFFERS(Runc, "1.1.5 races");
  Bundle bundle;
  bundle.sh("sleep 100");
  const Leftovers leftovers(bundle);
  for (int round = 0; round < 5; ++round) {
    Container container(bundle);
    check_single_winner(race(container.words("create", {})));
    CHECK(container.status() == "created");
    CHECK(container.start().ok());
    CHECK(container.sh("exit 3").status == 3);
    CHECK(container.remove({"--force"}).ok());
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("of several starts exactly one wins", "[concurrency]") {
  DIFFERS(Crun, "all succeed");
  DIFFERS(Runc, "1.1.5 leaves some waiting at the fifo");
  Bundle bundle;
  bundle.sh("echo run >> /tmp/runs; sleep 100");
  for (int round = 0; round < 5; ++round) {
    write_file(bundle.rootfs() + "/tmp/runs", "");
    Container container(bundle);
    REQUIRE(container.create().ok());
    check_single_winner(race(container.words("start", {})));
    CHECK(wait_until([&] { return read_file(bundle.rootfs() + "/tmp/runs") == "run\n"; }));
    CHECK(container.status() == "running");
  }
}

TEST_CASE("of several deletes exactly one wins", "[concurrency]") {
  DIFFERS(Crun, "several succeed");
  DIFFERS(Runc, "several succeed");
  Bundle bundle;
  const Leftovers leftovers(bundle);
  for (int round = 0; round < 5; ++round) {
    Container container(bundle);
    container.launch();
    REQUIRE(container.becomes("stopped"));
    const std::vector<Output> outputs = race(container.words("delete", {}));
    check_single_winner(outputs);
    for (const Output& output : outputs)
      if (!output.ok()) CHECK_THAT(output.err, Catch::Contains("container does not exist"));
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("several forced deletes of a running container all end well", "[concurrency]") {
  DIFFERS(Crun, "some fail");
  DIFFERS(Runc, "some fail");
  Bundle bundle;
  bundle.sh("sleep 100");
  const Leftovers leftovers(bundle);
  for (int round = 0; round < 5; ++round) {
    Container container(bundle);
    container.launch();
    for (const Output& output : race(container.words("delete", {"--force"}))) {
      INFO(output.err);
      CHECK(output.ok());
    }
    CHECK(container.status() == "");
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("several execs at once all get their own status", "[concurrency]") {
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  std::vector<Command> rivals;
  rivals.reserve(8);
  for (int index = 0; index < 8; ++index)
    rivals.emplace_back(container.words(
        "exec", {},
        {"/bin/sh", "-c", "echo " + std::to_string(index) + "; exit " + std::to_string(index)}));
  for (int index = 0; index < 8; ++index) {
    const Output output = rivals[static_cast<size_t>(index)].wait();
    CHECK(output.status == index);
    CHECK(output.out == std::to_string(index) + "\n");
  }
}

TEST_CASE("many containers of one root run at once and leave nothing", "[concurrency]") {
  Bundle bundle;
  bundle.without_cgroups_path().sh("exit 5").set("/root/path", quote(bundle.rootfs()));
  const Leftovers leftovers(bundle);
  std::vector<std::unique_ptr<Container>> containers;
  std::vector<Command> runs;
  runs.reserve(12);
  for (int index = 0; index < 12; ++index) {
    containers.push_back(std::make_unique<Container>(bundle));
    // A configuration of its own for each, with a cgroup of its own.
    const std::string& id = containers.back()->id();
    write_file(bundle.file(id + "/config.json"), read_file(bundle.path(id) + "/config.json"));
    runs.emplace_back(Words{environment().runtime, "--root", bundle.state_root(), "run", "--bundle",
                            bundle.file(id), id});
  }
  for (Command& run : runs) {
    const Output output = run.wait();
    INFO(output.err);
    CHECK(output.status == 5);
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("200 containers made and deleted at once leave no cgroup", "[concurrency][cgroup]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  constexpr int kContainers = 200;
  constexpr int kAtOnce = 20;
  Bundle bundle;
  bundle.sh("exit 0").set("/root/path", quote(bundle.rootfs()));
  bundle.set("/linux/cgroupsPath", quote("/" + environment().prefix + "swarm/ID"));
  if (has_controller("pids")) bundle.set("/linux/resources/pids", R"({"limit": 20})");
  const std::string config = read_file(bundle.path("ID") + "/config.json");
  const Leftovers leftovers(bundle);
  // Each of the shells makes and deletes its share, one after the other.
  std::vector<Command> shells;
  shells.reserve(kAtOnce);
  CommandOptions options;
  options.seconds = 300;
  for (int shell = 0; shell < kAtOnce; ++shell) {
    std::string script = "set -e; ";
    for (int index = 0; index < kContainers / kAtOnce; ++index) {
      const std::string id =
          environment().prefix + "s" + std::to_string(shell) + "-" + std::to_string(index);
      std::string own = config;
      own.replace(own.find("swarm/ID") + 6, 2, id);
      write_file(bundle.file(id + "/config.json"), own);
      const std::string skiff = environment().runtime + " --root " + bundle.state_root();
      script += skiff + " create --bundle " + bundle.file(id) + " " + id + " </dev/null; " + skiff +
                " delete --force " + id + "; ";
    }
    shells.emplace_back(Words{"/bin/sh", "-c", script}, options);
  }
  for (Command& shell : shells) {
    const Output output = shell.wait();
    INFO(output.err);
    CHECK(output.ok());
  }
  CHECK(find_cgroups(environment().prefix + "s").size() <= cgroup_roots().size());
  remove_cgroups(environment().prefix + "swarm");
  CHECK(leftovers.found() == "");
}

TEST_CASE("state and list are never confused by a create or delete under way", "[concurrency]") {
  SKIFF_ONLY("promises this");
  Bundle bundle;
  bundle.sh("sleep 100");
  make_directories(bundle.state_root());
  for (int round = 0; round < 8; ++round) {
    Container container(bundle);
    Command create(container.words("create", {}));
    bool known = false;
    while (create.running()) {
      const Output list = runtime(bundle, {"list", "-f", "json"});
      INFO(list.err);
      CHECK(list.ok());
      const Output state = container.call("state");
      if (!state.ok()) {
        CHECK_THAT(state.err, Catch::Contains("container does not exist"));
        CHECK_FALSE(known);
        continue;
      }
      known = true;
      const std::string status = string_at(parse_json(state.out), "/status");
      INFO("status: " << state.out);
      CHECK((status == "creating" || status == "created"));
    }
    REQUIRE(create.wait().ok());
    Command remove(container.words("delete", {"--force"}));
    while (remove.running()) {
      const Output list = runtime(bundle, {"list", "-q"});
      INFO(list.err);
      CHECK(list.ok());
    }
    CHECK(remove.wait().ok());
  }
}

TEST_CASE("a container whose creator has not locked it yet is being created", "[concurrency]") {
  SKIFF_ONLY("promises this");
  Bundle bundle;
  Container container(bundle);
  const std::string directory = bundle.state_root() + "/" + container.id();
  make_directories(directory);
  Command creator({"/bin/sh", "-c", "sleep 0.05; exec flock --no-fork " + directory + " sleep 2"});
  CHECK(container.status() == "creating");
  creator.signal(SIGKILL);
  creator.wait();
  ::rmdir(directory.c_str());
}

/// Kills the runtime after a random part of its usual time, then expects `delete --force` to
/// clean up whatever there is.
void kill_at_random(const char* command, int rounds) {
  Bundle bundle;
  bundle.user_namespace();  // the longer road, with a bootstrap process
  bundle.ns("cgroup").sh("sleep 100");
  std::mt19937 random(20260714);
  const Leftovers leftovers(bundle);

  std::chrono::microseconds usual{0};
  {
    Container container(bundle);
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(container.create().ok());
    usual = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                  begin);
    REQUIRE(container.remove({"--force"}).ok());
  }
  for (int round = 0; round < rounds; ++round) {
    if (round == rounds / 2)
      bundle.ns("user", "-").remove("/linux/uidMappings").remove("/linux/gidMappings");
    Container container(bundle);
    const auto delay =
        static_cast<unsigned>(random()) % static_cast<unsigned>(usual.count() + 1000);
    INFO("round " << round << ", killed after " << delay << " us of " << usual.count());
    Command doomed(container.words(command, {}));
    ::usleep(delay);
    doomed.signal(SIGKILL);
    doomed.wait();
    const Output removed = container.remove({"--force"});
    INFO("delete: " << removed.err);
    CHECK(removed.ok());
    CHECK(leftovers.found() == "");
    CHECK(container.create().ok());  // the id is free again
    const Output again = container.remove({"--force"});
    INFO("again: " << again.err);
    CHECK(again.ok());
  }
}

TEST_CASE("a create that is killed at any moment is cleaned up by delete --force",
          "[concurrency][crash]") {
  DIFFERS(Runc, "leaves debris");
  DIFFERS(Crun, "leaves debris");
  kill_at_random("create", 30);
}

TEST_CASE("a run that is killed at any moment is cleaned up by delete --force",
          "[concurrency][crash]") {
  DIFFERS(Runc, "leaves debris");
  DIFFERS(Crun, "leaves debris");
  kill_at_random("run", 20);
}

TEST_CASE("an interrupted delete can be repeated", "[concurrency][crash]") {
  DIFFERS(Runc, "leaves debris");
  DIFFERS(Crun, "leaves debris");
  Bundle bundle;
  bundle.sh("sleep 100");
  const Leftovers leftovers(bundle);
  for (unsigned round = 0; round < 15; ++round) {
    Container container(bundle);
    container.launch();
    Command doomed(container.words("delete", {"--force"}));
    ::usleep(round * 300);
    doomed.signal(SIGKILL);
    doomed.wait();
    CHECK(container.remove({"--force"}).ok());
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("an init that dies during create is an error that undoes everything",
          "[concurrency][crash]") {
  SKIFF_ONLY("promises this");
  Bundle bundle;
  write_file(bundle.file("hook"),
             "#!/bin/sh\nkill -9 $(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p')\nsleep 0.05\n",
             0755);
  bundle.set("/hooks/createRuntime", "[{\"path\": " + quote(bundle.file("hook")) + "}]");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK(count(output.err, "\n") == 1);
  CHECK(leftovers.found() == "");
}

}  // namespace
}  // namespace tests
