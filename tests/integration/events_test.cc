// What `events` tells: numbers that are the kernel's, and what happens as it happens.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

constexpr const char* kHungry = "(x=x; while :; do x=$x$x; done) 2>/dev/null";

/// Events of one type, parsed, of those printed so far.
std::vector<Json> events_of(const std::string& out, std::string_view type) {
  std::vector<Json> found;
  for (const std::string& line : lines(out)) {
    Json json = parse_json(line);
    if (string_at(json, "/type") == type) found.push_back(std::move(json));
  }
  return found;
}

size_t count_of(const std::string& out, std::string_view type) {
  return events_of(out, type).size();
}

uint64_t number_at(const Json& json, const char* pointer) {
  return std::strtoull(json_at(json, pointer).c_str(), nullptr, 10);
}

/// The number behind `name` in a flat-keyed file.
uint64_t number_in(const std::string& text, const std::string& name) {
  for (const std::string& line : lines(text))
    if (line.starts_with(name + " ")) return std::stoull(line.substr(name.size() + 1));
  return 0;
}

/// The container's directory in the v2 hierarchy, "/none" without one.
std::string v2_directory(Container& container) {
  for (const std::string& line :
       lines(read_file("/proc/" + std::to_string(container.pid()) + "/cgroup")))
    for (const std::string& root : cgroup_roots())
      if (line.starts_with("0::") && exists(root + line.substr(3) + "/cgroup.events"))
        return root + line.substr(3);
  return "/none";
}

/// What ends the stream: runc 1.1 goes on as long as there is a cgroup.
void end(Container& container) {
  REQUIRE(container.kill({"KILL"}).ok());
  if (!testing(Program::Skiff)) REQUIRE(container.remove({"--force"}).ok());
}

Json stats_of(Container& container) {
  const Output output = container.call("events", {"--stats"});
  INFO(output.err);
  REQUIRE(output.ok());
  REQUIRE(lines(output.out).size() == 1);
  return parse_json(output.out);
}

}  // namespace

TEST_CASE("events --stats prints the kernel's numbers once", "[events]") {
  Bundle bundle;
  bundle.sh("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; sleep 100");
  if (has_controller("memory")) bundle.set("/linux/resources/memory", R"({"limit": 67108864})");
  if (has_controller("pids")) bundle.set("/linux/resources/pids", R"({"limit": 33})");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return contains(container.call("ps").out, "sleep 100"); }));
  const Json stats = stats_of(container);
  CHECK(string_at(stats, "/type") == "stats");
  CHECK(string_at(stats, "/id") == container.id());
  CHECK(number_at(stats, "/data/cpu/usage/total") > 0);
  if (has_controller("memory")) {
    const std::string directory = container.cgroup("memory");
    CHECK(number_at(stats, "/data/memory/usage/limit") == 67108864);
    const bool v2 = is_v2("memory");
    const uint64_t usage =
        std::stoull(read_file(directory + (v2 ? "/memory.current" : "/memory.usage_in_bytes")));
    const uint64_t told = number_at(stats, "/data/memory/usage/usage");
    constexpr uint64_t kBatches = 1u << 20;  // charged to processors in advance
    CHECK(told + kBatches > usage);
    CHECK(told < usage + kBatches);
    // The kernel brings the file up to date every two seconds.
    const std::string key = v2 ? "anon" : "total_rss";
    CHECK(wait_until([&] {
      return number_at(stats_of(container), ("/data/memory/raw/" + key).c_str()) ==
             number_in(read_file(directory + "/memory.stat"), key);
    }));
  }
  if (has_controller("pids")) {
    CHECK(number_at(stats, "/data/pids/current") == 1);
    CHECK(number_at(stats, "/data/pids/limit") == 33);
  }
  for (const char* member :
       {"/data/cpu/throttling", "/data/cpuset/sched_load_balance", "/data/memory/raw",
        "/data/memory/swap/limit", "/data/memory/kernel/failcnt", "/data/memory/kernelTCP/failcnt",
        "/data/blkio", "/data/hugetlb", "/data/intel_rdt", "/data/network_interfaces"}) {
    INFO(member);
    const bool of_memory = std::string_view(member).starts_with("/data/memory/raw");
    CHECK((!json_at(stats, member).empty() || (of_memory && !has_controller("memory"))));
  }
}

TEST_CASE("stats tell what other runtimes leave out", "[events]") {
  SKIFF_ONLY("tells it");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const Json stats = stats_of(container);
  CHECK(string_at(stats, "/data/network_interfaces/0/Name") == "lo");
  CHECK(json_at(stats, "/data/network_interfaces/0/RxBytes") == "0");
  CHECK(!json_at(stats, "/data/cpu/burst/periods").empty());
  if (has_controller("pids")) CHECK(json_at(stats, "/data/pids/failcnt") == "0");
  if (has_controller("memory")) {
    CHECK(json_at(stats, "/data/memory/events/oom_kill") == "0");
    if (!is_v2("memory") || exists(container.cgroup("memory") + "/memory.peak"))
      CHECK(number_at(stats, "/data/memory/peak") > 0);
  }
  for (const auto& [file, member] : {std::pair("cpu.pressure", "/data/cpu/psi/some/total"),
                                     std::pair("memory.pressure", "/data/memory/psi/full/avg300"),
                                     std::pair("io.pressure", "/data/blkio/psi/full/avg10")}) {
    INFO(file);
    if (exists(v2_directory(container) + "/" + file)) CHECK(!json_at(stats, member).empty());
  }
}

TEST_CASE("a network that is the host's has no counters here", "[events]") {
  SKIFF_ONLY("counts interfaces");
  Bundle bundle;
  bundle.ns("network", "-").sh("sleep 100");
  Container container(bundle);
  container.launch();
  CHECK(json_at(stats_of(container), "/data/network_interfaces") == "[]");
}

TEST_CASE("the stream has stats at every interval and ends with the container", "[events]") {
  Bundle bundle;
  bundle.sh("trap 'exit 7' TERM; while :; do sleep 0.1; done");
  Container container(bundle);
  container.launch();
  Command events(container.words("events", {"--interval", "200ms"}));
  REQUIRE(wait_until([&] { return count_of(events.out(), "stats") >= 3; }));
  REQUIRE(container.kill({"TERM"}).ok());
  REQUIRE(container.becomes("stopped"));
  if (!testing(Program::Skiff)) REQUIRE(container.remove().ok());
  REQUIRE(wait_until([&] { return !events.running(); }));
  const Output output = events.wait();
  CHECK(output.status == 0);
  CHECK(output.err.empty());
  for (const std::string& line : lines(output.out))
    CHECK(string_at(parse_json(line), "/id") == container.id());
  if (!testing(Program::Skiff)) return;
  const auto exits = events_of(output.out, "exit");
  REQUIRE(exits.size() == 1);
  CHECK(contains(lines(output.out).back(), R"("type":"exit")"));
  const std::string status = json_at(exits[0], "/data/status");
  CHECK(status == "7");
}

TEST_CASE("exit tells the signal that ended the container", "[events]") {
  SKIFF_ONLY("tells the end");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  Command events(container.words("events", {}));
  REQUIRE(wait_until([&] { return count_of(events.out(), "stats") == 1; }));
  REQUIRE(container.kill({"KILL"}).ok());
  const Output output = events.wait();
  CHECK(output.ok());
  const auto exits = events_of(output.out, "exit");
  REQUIRE(exits.size() == 1);
  CHECK(json_at(exits[0], "/data") == R"({"status":137,"signal":9})");
}

TEST_CASE("exit tells the status of what was reaped before events looked", "[events]") {
  SKIFF_ONLY("tells the end");
  Bundle bundle;
  bundle.sh("trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done");
  Container container(bundle);
  Command run(container.words("run", {}));
  REQUIRE(wait_until([&] { return contains(run.out(), "ready"); }));
  // The tests are in a network namespace of their own, where not all kernels tell of ends.
  Command events(container.words("events", {}));
  REQUIRE(wait_until([&] { return count_of(events.out(), "stats") == 1; }));
  events.signal(SIGSTOP);
  REQUIRE(container.kill({"TERM"}).ok());
  CHECK(run.wait().status == 7);
  events.signal(SIGCONT);
  const Output output = events.wait();
  CHECK(output.ok());
  const auto exits = events_of(output.out, "exit");
  REQUIRE(exits.size() == 1);
  CHECK(json_at(exits[0], "/data/status") == "7");
}

TEST_CASE("OOM is told once, with the victim's cgroup", "[events]") {
  NEEDS(has_controller("memory"), "no memory controller in this layout");
  Bundle bundle;
  bundle.set("/linux/resources/memory", R"({"limit": 20971520, "swap": 20971520})");
  bundle.sh(std::string("while [ ! -e /tmp/go ]; do sleep 0.1; done; ") + kHungry + "; sleep 100");
  bundle.mount("/tmp", "tmpfs", "tmpfs", "nosuid,nodev,mode=1777");
  Container container(bundle);
  container.launch();
  Command events(container.words("events", {"--interval", "60s"}));
  REQUIRE(wait_until([&] {
    return testing(Program::Skiff) ? count_of(events.out(), "stats") == 1 : events.running();
  }));
  if (!testing(Program::Skiff)) ::usleep(500'000);
  REQUIRE(container.sh("touch /tmp/go").ok());
  CHECK(wait_until([&] { return count_of(events.out(), "oom") == 1; }, 20));
  CHECK(events.running());  // init lives
  if (testing(Program::Skiff)) {
    ::usleep(300'000);
    const auto ooms = events_of(events.out(), "oom");
    REQUIRE(ooms.size() == 1);
    const std::string cgroup = container.cgroup("memory");
    const std::string told = string_at(ooms[0], "/data/cgroup");
    CHECK(told.size() > 1);
    CHECK(cgroup.ends_with(told));
    CHECK(string_at(ooms[0], "/data/limitCgroup") == told);
    CHECK(json_at(ooms[0], "/data/kills") == "1");
    CHECK(json_at(ooms[0], "/data/groupKill") == "false");
  }
  end(container);
  CHECK(events.wait().ok());
}

TEST_CASE("a limit below the container's own has its victim there", "[events]") {
  SKIFF_ONLY("tells the cgroup");
  NEEDS(has_controller("memory"), "no memory controller in this layout");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const std::string top = container.cgroup("memory");
  const bool v2 = is_v2("memory");
  // On v2 only a cgroup without processes of its own has controllers for those below it.
  make_directories(top + "/rest");
  make_directories(top + "/worker");
  if (v2) {
    write_file(top + "/rest/cgroup.procs", std::to_string(container.pid()));
    write_file(top + "/cgroup.subtree_control", "+memory");
    write_file(top + "/worker/memory.swap.max", "0");
  }
  write_file(top + "/worker/memory." + (v2 ? "max" : "limit_in_bytes"), "8388608");
  if (!v2 && exists(top + "/worker/memory.memsw.limit_in_bytes"))
    write_file(top + "/worker/memory.memsw.limit_in_bytes", "8388608");
  Command events(container.words("events", {"--interval", "500ms"}));
  REQUIRE(wait_until([&] { return count_of(events.out(), "stats") == 1; }));
  Command victim({"/bin/sh", "-c", "echo $$ > " + top + "/worker/cgroup.procs; " + kHungry});
  victim.wait();
  REQUIRE(wait_until([&] { return count_of(events.out(), "oom") >= 1; }, 20));
  const auto ooms = events_of(events.out(), "oom");
  CHECK(contains(string_at(ooms[0], "/data/cgroup"), container.id()));
  CHECK(string_at(ooms[0], "/data/cgroup").ends_with("/worker"));
  CHECK(string_at(ooms[0], "/data/limitCgroup") == string_at(ooms[0], "/data/cgroup"));
  container.kill({"KILL"});
  events.wait();
}

TEST_CASE("pressure is told at the thresholds that were asked for", "[events]") {
  SKIFF_ONLY("tells it");
  NEEDS(has_controller("memory"), "no memory controller in this layout");
  Bundle bundle;
  bundle.set("/linux/resources/memory", R"({"limit": 20971520, "swap": 20971520})");
  bundle.mount("/tmp", "tmpfs", "tmpfs", "nosuid,nodev,mode=1777");
  bundle.sh("while :; do cat /bin/busybox > /var/f; " + std::string(kHungry) + "; done");
  make_directories(bundle.rootfs() + "/var");
  bundle.set("/root/readonly", "false");
  Container container(bundle);
  container.launch();
  const bool v2 = is_v2("memory");
  const Words options = v2 ? Words{"--pressure", "memory:some:1ms/2s"}
                           : Words{"--memory-pressure", "low", "--memory-pressure", "critical"};
  Command events(container.words("events", options));
  REQUIRE(wait_until([&] { return count_of(events.out(), "pressure") >= 1; }, 20));
  const auto pressure = events_of(events.out(), "pressure");
  CHECK(string_at(pressure[0], "/data/resource") == "memory");
  if (v2) {
    CHECK(string_at(pressure[0], "/data/kind") == "some");
    CHECK(json_at(pressure[0], "/data/stallUsec") == "1000");
    CHECK(json_at(pressure[0], "/data/windowUsec") == "2000000");
  } else {
    REQUIRE(wait_until([&] { return contains(events.out(), R"("level":"low")"); }));
  }
  container.kill({"KILL"});
  CHECK(events.wait().ok());
}

TEST_CASE("processor pressure is told by a trigger", "[events]") {
  SKIFF_ONLY("tells it");
  Bundle bundle;
  bundle.sh("for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait");
  Container container(bundle);
  container.launch();
  NEEDS(exists(v2_directory(container) + "/cpu.pressure"), "no cgroup of v2 with pressure files");
  Command events(container.words("events", {"--pressure", "cpu:some:50ms/2s"}));
  CHECK(wait_until([&] { return count_of(events.out(), "pressure") >= 1; }, 20));
  container.kill({"KILL"});
  CHECK(events.wait().ok());
}

TEST_CASE("thresholds that the container's cgroups know nothing of are errors", "[events]") {
  SKIFF_ONLY("has thresholds");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  if (is_v2("memory") || !has_controller("memory")) {
    const Output output = container.call("events", {"--memory-pressure", "low"});
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains("events " + container.id() +
                                           ": --memory-pressure: the container has no memory "
                                           "cgroup of v1"));
    CHECK(output.out.empty());
  }
  for (const auto& [option, argument] :
       {std::pair("--memory-pressure", "high"), std::pair("--pressure", "memory:most:1s/2s"),
        std::pair("--interval", "0"), std::pair("--interval", "-5s"),
        std::pair("--interval", "soon")}) {
    INFO(option << " " << argument);
    const Output output = container.call("events", {std::string(option) + "=" + argument});
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains(std::string("skiff: events: ") + option + ": expected"));
  }
}

TEST_CASE("there are no events of what has stopped or does not exist", "[events]") {
  Bundle bundle;
  Container container(bundle);
  const Output unknown = container.call("events");
  CHECK(unknown.status == 1);
  CHECK_THAT(unknown.err, Catch::Contains("does not exist"));
  container.launch();
  REQUIRE(container.becomes("stopped"));
  for (const Words& flags : {Words{}, Words{"--stats"}}) {
    const Output stopped = container.call("events", flags);
    CHECK(stopped.status == 1);
    CHECK_THAT(stopped.err, Catch::Contains("not running"));
    CHECK(stopped.out.empty());
  }
}

TEST_CASE("events end quietly when nobody reads them any more", "[events]") {
  SKIFF_ONLY("watches its reader");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CommandOptions options;
  options.stdout_fd = ends[1];
  Command events(container.words("events", {"--interval", "60s"}), options);
  ::close(ends[1]);
  char piece[8];
  REQUIRE(::read(ends[0], piece, sizeof piece) > 0);
  ::close(ends[0]);
  const Output output = events.wait();
  CHECK(output.status == 0);
  CHECK(output.err.empty());
}

TEST_CASE("events --all sees containers that are there, come and go", "[events]") {
  SKIFF_ONLY("has --all");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container first(bundle);
  first.launch();
  Command events(first.words("events", {"--all", "--interval", "60s"}));
  // `words` ends in the id, which --all does without.
  CHECK(events.wait().status == 1);
  Command all({environment().runtime, "--root", bundle.state_root(), "events", "--all",
               "--interval", "60s"});
  const auto told = [&](std::string_view type, const Container& container) {
    for (const Json& event : events_of(all.out(), type))
      if (string_at(event, "/id") == container.id()) return true;
    return false;
  };
  REQUIRE(wait_until([&] { return told("stats", first); }));
  {
    Container second(bundle);
    second.launch();
    CHECK(wait_until([&] { return told("stats", second); }));
    REQUIRE(second.kill({"KILL"}).ok());
    CHECK(wait_until([&] { return told("exit", second); }));
    REQUIRE(second.becomes("stopped"));
    REQUIRE(second.remove().ok());
  }
  Container third(bundle);
  REQUIRE(third.create().ok());
  CHECK(wait_until([&] { return told("stats", third); }));
  CHECK(all.running());
  CHECK_FALSE(told("exit", first));
  all.signal(SIGTERM);
  const Output once = runtime(bundle, {"events", "--all", "--stats"});
  CHECK(once.ok());
  CHECK(lines(once.out).size() == 2);
}

TEST_CASE("events --all begins before there is any container", "[events]") {
  SKIFF_ONLY("has --all");
  Bundle bundle;
  bundle.sh("sleep 100");
  const std::string root = bundle.file("later");
  Command all({environment().runtime, "--root", root, "events", "--all"});
  REQUIRE(wait_until([&] { return exists(root); }));
  CHECK(all.running());
  all.signal(SIGTERM);
}

}  // namespace tests
