// update: limits, device rules and process values of a container that lives; kept, or taken back.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

#define NEEDS_CONTROLLER(name) NEEDS(has_controller(name), "no " name " controller in this layout")

std::string value_of(Container& container, const std::string& controller,
                     const std::string& v1_file, const std::string& v2_file) {
  return trim(
      read_file(container.cgroup(controller) + "/" + (is_v2(controller) ? v2_file : v1_file)));
}

std::string pids_max(Container& container) {
  return value_of(container, "pids", "pids.max", "pids.max");
}

std::string memory_max(Container& container) {
  return value_of(container, "memory", "memory.limit_in_bytes", "memory.max");
}

Output update(Container& container, const Words& flags) { return container.call("update", flags); }

/// The configuration as the runtime keeps it.
Json stored(Container& container) {
  return parse_json(
      read_file(container.bundle().state_root() + "/" + container.id() + "/config.json"));
}

/// The soft limit of `name` in /proc/PID/limits.
std::string limit_of(pid_t pid, const std::string& name) {
  for (const std::string& line : lines(read_file("/proc/" + std::to_string(pid) + "/limits")))
    if (line.starts_with(name)) return split(trim(line.substr(26)), ' ').front();
  return "";
}

TEST_CASE("update changes limits, in units that people write", "[update]") {
  DIFFERS(Crun, "takes no units");
  NEEDS_CONTROLLER("memory");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const Output first = update(container, {"--memory", "64M"});
  INFO(first.err);
  REQUIRE(first.ok());
  CHECK(memory_max(container) == "67108864");
  REQUIRE(update(container, {"--memory=0.5GiB", "--memory-reservation", "1048576k"}).ok());
  CHECK(memory_max(container) == "536870912");
  CHECK(value_of(container, "memory", "memory.soft_limit_in_bytes", "memory.low") == "1073741824");
  REQUIRE(update(container, {"--memory", "-1"}).ok());
  CHECK((memory_max(container) == "max" || memory_max(container).size() > 18));
}

TEST_CASE("every limit of the command line reaches its file", "[update]") {
  SKIFF_ONLY("has all of them");
  NEEDS_CONTROLLER("cpu");
  NEEDS_CONTROLLER("cpuset");
  NEEDS_CONTROLLER("pids");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/cpu", R"({"quota": 90000, "period": 100000})");
  Container container(bundle);
  container.launch();
  const Output output =
      update(container, {"--cpu-share", "512", "--cpu-quota", "50000", "--cpu-burst", "10000",
                         "--cpuset-cpus", "0", "--cpuset-mems", "0", "--pids-limit", "44"});
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK(value_of(container, "cpu", "cpu.shares", "cpu.weight") == (is_v2("cpu") ? "59" : "512"));
  CHECK(value_of(container, "cpu", "cpu.cfs_quota_us", "cpu.max") ==
        (is_v2("cpu") ? "50000 100000" : "50000"));
  CHECK(value_of(container, "cpu", "cpu.cfs_burst_us", "cpu.max.burst") == "10000");
  CHECK(value_of(container, "cpuset", "cpuset.cpus", "cpuset.cpus") == "0");
  CHECK(pids_max(container) == "44");
  REQUIRE(update(container, {"--cpu-period", "200000"}).ok());
  CHECK(value_of(container, "cpu", "cpu.cfs_period_us", "cpu.max") ==
        (is_v2("cpu") ? "50000 200000" : "200000"));
  REQUIRE(update(container, {"--cpu-idle", "1"}).ok());
  CHECK(value_of(container, "cpu", "cpu.idle", "cpu.idle") == "1");
  REQUIRE(update(container, {"--cpu-idle", "0", "--pids-limit", "-1"}).ok());
  CHECK(value_of(container, "cpu", "cpu.shares", "cpu.weight") == (is_v2("cpu") ? "59" : "512"));
  CHECK(pids_max(container) == "max");
}

TEST_CASE("real-time quotas change on v1", "[update]") {
  SKIFF_ONLY("prepares the cgroups above");
  NEEDS_CONTROLLER("cpu");
  NEEDS(!is_v2("cpu") && exists(cgroup_directory("cpu", "/").value_or("") + "/cpu.rt_runtime_us"),
        "no real-time limits here");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const Output output =
      update(container, {"--cpu-rt-period", "500000", "--cpu-rt-runtime", "2000"});
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK(value_of(container, "cpu", "cpu.rt_runtime_us", "") == "2000");
  CHECK(value_of(container, "cpu", "cpu.rt_period_us", "") == "500000");
}

TEST_CASE("update takes a resources object from a file or standard input", "[update]") {
  NEEDS_CONTROLLER("pids");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  write_file(bundle.file("change.json"), R"({"pids": {"limit": 55}})");
  REQUIRE(update(container, {"-r", bundle.file("change.json")}).ok());
  CHECK(pids_max(container) == "55");
  CommandOptions options;
  options.input = R"({"pids": {"limit": 66}})";
  REQUIRE(runtime(bundle, {"update", "--resources=-", container.id()}, options).ok());
  CHECK(pids_max(container) == "66");
}

TEST_CASE("what was changed is kept, and the rest with it", "[update]") {
  SKIFF_ONLY("keeps config.json");
  NEEDS_CONTROLLER("pids");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/pids", R"({"limit": 33})");
  bundle.set("/org.example.extension", R"({"kept": [1, "two"]})");
  Container container(bundle);
  container.launch();
  REQUIRE(update(container, {"--pids-limit", "34"}).ok());
  Json config = stored(container);
  CHECK(json_at(config, "/linux/resources/pids/limit") == "34");
  CHECK(json_at(config, "/linux/resources/devices/0/access") == "\"rwm\"");
  CHECK(json_at(config, "/org.example.extension") == R"({"kept":[1,"two"]})");
  CHECK(container.sh("true").ok());
}

TEST_CASE("an update that fails changes nothing", "[update]") {
  SKIFF_ONLY("takes it back");
  NEEDS_CONTROLLER("pids");
  NEEDS_CONTROLLER("cpuset");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/pids", R"({"limit": 33})");
  Container container(bundle);
  container.launch();
  const std::string config = bundle.state_root() + "/" + container.id() + "/config.json";
  const std::string before = read_file(config);
  const std::string cpus = value_of(container, "cpuset", "cpuset.cpus", "cpuset.cpus");
  // Refused by validation, by the kernel, and by the kernel after other limits were written.
  const std::pair<Words, const char*> table[] = {
      {{"--cpu-quota", "5", "--pids-limit", "40"}, "linux.resources.cpu.quota"},
      {{"--pids-limit", "40", "--cpuset-cpus", "4000"}, "linux.resources.cpu.cpus"},
      {{"--pids-limit", "40", "--scheduler", "fifo,priority=200"}, "process.scheduler.priority"},
      {{"--pids-limit", "40", "--cpu-affinity", "4000"}, "process.execCPUAffinity.final"},
      {{"--pids-limit", "40", "--l3-cache-schema", "L3:0=f"}, "linux.intelRdt"},
  };
  for (const auto& [flags, message] : table) {
    const Output output = update(container, flags);
    INFO(output.err);
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains(message));
    CHECK(pids_max(container) == "33");
    CHECK(value_of(container, "cpuset", "cpuset.cpus", "cpuset.cpus") == cpus);
    CHECK(read_file(config) == before);
  }
  CHECK(list_directory(bundle.state_root() + "/" + container.id()).front() != ".config.json");
}

TEST_CASE("a limit below what is used is refused when asked to check", "[update]") {
  SKIFF_ONLY("checks");
  NEEDS_CONTROLLER("memory");
  Bundle bundle;
  bundle.sh("head -c 8388608 /dev/zero > /dev/shm/f; echo ready > /tmp/ready; sleep 100");
  bundle.set("/linux/resources/memory", R"({"limit": 104857600})");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return container.sh("cat /tmp/ready").ok(); }, 20));
  CommandOptions options;
  options.input = R"({"memory": {"limit": 1048576, "checkBeforeUpdate": true}})";
  const Output output = runtime(bundle, {"update", "-r", "-", container.id()}, options);
  INFO(output.err);
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("linux.resources.memory.limit: "));
  CHECK(memory_max(container) == "104857600");
  CHECK(container.status() == "running");
}

bool can_control_devices() {
  return has_controller("devices") || environment().layout == CgroupLayout::V2;
}

TEST_CASE("device rules change while the container runs", "[update][devices]") {
  SKIFF_ONLY("changes them");
  NEEDS(can_control_devices(), "no device control here");
  Bundle bundle;
  bundle.sh("mknod /tmp/fuse c 10 229; echo > /tmp/ready; sleep 100");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return container.sh("cat /tmp/ready").ok(); }));
  const auto refused = [&](const std::string& device) {
    return contains(container.sh(": < " + device).err, "Operation not permitted");
  };
  CHECK(refused("/tmp/fuse"));
  const Output added = update(container, {"--device-add", "c 10:229 rw"});
  INFO(added.err);
  REQUIRE(added.ok());
  CHECK_FALSE(refused("/tmp/fuse"));
  CHECK_FALSE(refused("/dev/null"));
  REQUIRE(update(container, {"--device-rm", "c 10:229", "--device-rm", "/dev/zero"}).ok());
  CHECK(refused("/tmp/fuse"));
  CHECK(refused("/dev/zero"));
  CHECK_FALSE(refused("/dev/null"));
  CommandOptions options;
  options.input = R"({"devices": [{"allow": true, "access": "rwm"}]})";
  REQUIRE(runtime(bundle, {"update", "-r", "-", container.id()}, options).ok());
  CHECK_FALSE(refused("/tmp/fuse"));
  CHECK_FALSE(refused("/dev/zero"));
  REQUIRE(update(container, {"--device-rm", "c 10:229"}).ok());
  CHECK(refused("/tmp/fuse"));
  CHECK(json_at(stored(container), "/linux/resources/devices/1/minor") == "229");
}

TEST_CASE("an open default device is never refused while rules change", "[update][devices]") {
  SKIFF_ONLY("changes them");
  NEEDS(can_control_devices(), "no device control here");
  Bundle bundle;
  bundle.sh("while : < /dev/null; do :; done");
  Container container(bundle);
  container.launch();
  for (int i = 0; i < 20; ++i)
    REQUIRE(update(container, {i % 2 == 0 ? "--device-add" : "--device-rm", "c 10:229"}).ok());
  CHECK(container.status() == "running");
}

TEST_CASE("limits and priorities of processes change while they run", "[update]") {
  SKIFF_ONLY("changes them");
  Bundle bundle;
  bundle.sh("sleep 100 & sleep 101");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] {
    return count(container.call("ps", {"--format", "json"}).out, ",") > 0 ||
           environment().layout == CgroupLayout::None;
  }));
  const Output output =
      update(container,
             {"--rlimit", "nofile=100:200", "--rlimit", "RLIMIT_CORE=0", "--oom-score-adj", "500",
              "--scheduler", "batch,nice=3", "--io-priority", "be:6", "--cpu-affinity", "0"});
  INFO(output.err);
  REQUIRE(output.ok());
  const std::string pids = container.call("ps", {"--format", "json"}).out;
  for (const std::string& word : split(pids.substr(1, pids.find(']') - 1), ',')) {
    const pid_t pid = std::stoi(word);
    const std::string process = "/proc/" + word;
    CHECK(limit_of(pid, "Max open files") == "100");
    CHECK(trim(read_file(process + "/oom_score_adj")) == "500");
    CHECK(field(read_file(process + "/status"), "Cpus_allowed_list") == "0");
    const Words stat = split(read_file(process + "/stat"), ' ');
    CHECK(stat.at(18) == "3");  // nice
    CHECK(stat.at(40) == "3");  // SCHED_BATCH
  }
  const Json config = stored(container);
  CHECK(json_at(config, "/process/oomScoreAdj") == "500");
  CHECK(json_at(config, "/process/scheduler") == R"({"policy":"SCHED_BATCH","nice":3})");
  CHECK(json_at(config, "/process/ioPriority") == R"({"class":"IOPRIO_CLASS_BE","priority":6})");
  CHECK(trim(container.sh("ulimit -n").out) == "100");
  CHECK(trim(container.sh("nproc").out) == "1");
}

TEST_CASE("process values are taken back when one of them is refused", "[update]") {
  SKIFF_ONLY("takes them back");
  constexpr unsigned kSysResource = 24;
  NEEDS(!has_capability(kSysResource), "CAP_SYS_RESOURCE: hard limits can be raised");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const std::string process = "/proc/" + std::to_string(container.pid());
  const std::string score = read_file(process + "/oom_score_adj");
  const std::string cpus = field(read_file(process + "/status"), "Cpus_allowed_list");
  const Output output =
      update(container, {"--oom-score-adj", "900", "--cpu-affinity", "0", "--scheduler",
                         "batch,nice=4", "--rlimit", "nofile=unlimited"});
  INFO(output.err);
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("process.rlimits: RLIMIT_NOFILE"));
  CHECK(field(read_file(process + "/status"), "Cpus_allowed_list") == cpus);
  CHECK(split(read_file(process + "/stat"), ' ').at(40) == "0");
  CHECK(json_at(stored(container), "/process/oomScoreAdj").empty());
}

TEST_CASE("update needs a container that lives and something to change", "[update]") {
  DIFFERS(Crun, "updates a stopped one, too");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  REQUIRE(container.create().ok());
  if (testing(Program::Skiff)) {
    CHECK_THAT(update(container, {}).err, Catch::Contains("nothing to change"));
    CHECK_THAT(update(container, {"--rlimit", "nofile=5"}).err,
               Catch::Contains("cannot change before the container is started"));
    for (const Words& flags : std::vector<Words>{{"--memory", "5X"},
                                                 {"--pids-limit", "many"},
                                                 {"--rlimit", "x=1"},
                                                 {"--device-add", "c 1"},
                                                 {"--blkio-weight", "5"},
                                                 {"--io-priority", "be:9"},
                                                 {"--scheduler", "batch,speed=1"}}) {
      const Output output = update(container, flags);
      CHECK(output.status == 1);
      CHECK_THAT(output.err, Catch::Contains(flags.front() + ": "));
    }
  }
  REQUIRE(container.start().ok());
  REQUIRE(container.kill({"KILL"}).ok());
  REQUIRE(container.becomes("stopped"));
  const Output output = update(container, {"--pids-limit", "5"});
  CHECK(output.status == 1);
  if (testing(Program::Skiff)) CHECK_THAT(output.err, Catch::Contains("container not running"));
  CHECK_FALSE(runtime(bundle, {"update", "--pids-limit", "5", "nobody"}).ok());
}

TEST_CASE("a paused container takes an update and stays paused", "[update]") {
  NEEDS_CONTROLLER("pids");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  REQUIRE(container.call("pause").ok());
  CHECK(update(container, {"--pids-limit", "77"}).ok());
  CHECK(pids_max(container) == "77");
  CHECK(container.status() == "paused");
  CHECK(container.call("resume").ok());
}

}  // namespace
}  // namespace tests
