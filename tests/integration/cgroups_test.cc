// Control groups: where the container is put and what it may use, read from outside, on every
// layout. A controller that this machine's layout lacks skips its test.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

#define NEEDS_CONTROLLER(name) NEEDS(has_controller(name), "no " name " controller in this layout")

std::string value_of(Container& container, const std::string& controller,
                     const std::string& v1_file, const std::string& v2_file) {
  return trim(
      read_file(container.cgroup(controller) + "/" + (is_v2(controller) ? v2_file : v1_file)));
}

TEST_CASE("the container's process is in the cgroup that cgroupsPath names", "[cgroup]") {
  NEEDS_CGROUPFS;
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.sh("sleep 100");
  const std::string path = "/" + environment().prefix + "top/inner";
  bundle.set("/linux/cgroupsPath", quote(path));
  {
    Container container(bundle);
    REQUIRE(container.create().ok());
    const std::string text = read_file("/proc/" + std::to_string(container.pid()) + "/cgroup");
    // The kernel also lists hierarchies that are mounted nowhere here.
    for (const char* controller : {"memory", "cpu", "pids", "devices", "freezer", "hugetlb"}) {
      if (!has_controller(controller)) continue;
      // A v2 tree beside v1 hierarchies need not be used.
      if (is_v2(controller) && environment().layout == CgroupLayout::Hybrid) continue;
      INFO(controller << " in " << text);
      CHECK_THAT(container.cgroup(controller), Catch::EndsWith(path));
    }
    REQUIRE(container.remove({"--force"}).ok());
  }
  CHECK(find_cgroups("inner").empty());
  remove_cgroups(environment().prefix + "top");
}

TEST_CASE("without cgroupsPath the cgroup is named after the container", "[cgroup]") {
  NEEDS_CGROUPFS;
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.without_cgroups_path().sh("sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  container.launch();
  const std::string text = read_file("/proc/" + std::to_string(container.pid()) + "/cgroup");
  CHECK_THAT(text, Catch::Contains("/" + container.id() + "\n"));
  CHECK(container.remove({"--force"}).ok());
  CHECK(leftovers.found() == "");
}

TEST_CASE("a cgroupsPath cannot climb out", "[cgroup][attack]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  bundle.set("/linux/cgroupsPath", quote("../../../" + container.id()));
  const Leftovers leftovers(bundle);
  if (container.create().ok()) {
    const std::string text = read_file("/proc/" + std::to_string(container.pid()) + "/cgroup");
    CHECK_THAT(text, !Catch::Contains(".."));
  }
  container.remove({"--force"});
  CHECK(leftovers.found() == "");
}

TEST_CASE("cgroups that appeared below the container's are removed with it", "[cgroup]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.sh("sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  container.launch();
  for (const std::string& directory : find_cgroups(container.id())) {
    ::mkdir((directory + "/sub").c_str(), 0755);
    ::mkdir((directory + "/sub/deeper").c_str(), 0755);
  }
  CHECK(container.remove({"--force"}).ok());
  CHECK(leftovers.found() == "");
}

TEST_CASE("create refuses a cgroup that others live in", "[cgroup]") {
  NEEDS_CGROUPFS;
  DIFFERS(Crun, "does not look");
  DIFFERS(Runc, "1.1.5 only warns");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container first(bundle);
  bundle.set("/linux/cgroupsPath", quote("/" + first.id()));
  first.launch();
  Container second(bundle);
  const Output output = second.create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("cgroup") && Catch::Contains("not empty"));
  CHECK(first.status() == "running");
  CHECK(first.sh("true").ok());
}

TEST_CASE("a memory limit", "[cgroup]") {
  NEEDS_CONTROLLER("memory");
  Bundle bundle;
  bundle.sh("sleep 100")
      .set("/linux/resources/memory", R"({"limit": 33554432, "reservation": 16777216})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(value_of(container, "memory", "memory.limit_in_bytes", "memory.max") == "33554432");
  CHECK(value_of(container, "memory", "memory.soft_limit_in_bytes", "memory.low") == "16777216");
}

TEST_CASE("memory without limit is -1", "[cgroup]") {
  NEEDS_CONTROLLER("memory");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/memory", R"({"limit": -1})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  const std::string value = value_of(container, "memory", "memory.limit_in_bytes", "memory.max");
  CHECK((value == "max" || value.size() > 18));
}

TEST_CASE("a swap limit", "[cgroup]") {
  NEEDS_CONTROLLER("memory");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/memory", R"({"limit": 33554432, "swap": 50331648})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  const std::string file = is_v2("memory") ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes";
  NEEDS(exists(container.cgroup("memory") + file), "the kernel does not account for swap");
  // OCI and v1: memory plus swap; v2: swap alone.
  CHECK(value_of(container, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max") ==
        (is_v2("memory") ? "16777216" : "50331648"));
}

TEST_CASE("a swap limit below the memory limit is refused", "[cgroup]") {
  NEEDS_CONTROLLER("memory");
  Bundle bundle;
  bundle.set("/linux/resources/memory", R"({"limit": 33554432, "swap": 16777216})");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  if (testing(Program::Skiff))
    CHECK_THAT(output.err, Catch::Contains("linux.resources.memory.swap"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("swappiness and the OOM killer's switch are v1's", "[cgroup]") {
  NEEDS_CONTROLLER("memory");
  NEEDS(!is_v2("memory"), "the memory controller is v2");
  Bundle bundle;
  bundle.sh("sleep 100");
  bundle.set("/linux/resources/memory", R"({"limit": 33554432, "disableOOMKiller": true})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK_THAT(read_file(container.cgroup("memory") + "/memory.oom_control"),
             Catch::StartsWith("oom_kill_disable 1"));
}

TEST_CASE("a process beyond its memory is killed", "[cgroup]") {
  NEEDS_CONTROLLER("memory");
  Bundle bundle;
  bundle.set("/linux/resources/memory", R"({"limit": 20971520, "swap": 20971520})");
  bundle.sh("x=x; while :; do x=$x$x; done");
  CHECK(Container(bundle).run().status == 137);
}

TEST_CASE("a container starts under a small memory limit", "[cgroup]") {
  SKIFF_ONLY("is that small");
  NEEDS_CONTROLLER("memory");
  NEEDS(is_v2("memory"), "v1 also counts what the kernel needs for a new cgroup");
  Bundle bundle;
  bundle.set("/linux/resources/memory", R"({"limit": 524288})").args({"/bin/true"});
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(output.ok());
}

TEST_CASE("cpu shares, quota and period", "[cgroup]") {
  NEEDS_CONTROLLER("cpu");
  Bundle bundle;
  bundle.sh("sleep 100");
  bundle.set("/linux/resources/cpu", R"({"shares": 512, "quota": 20000, "period": 50000})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  if (is_v2("cpu")) {
    CHECK(value_of(container, "cpu", "", "cpu.max") == "20000 50000");
    const double weight = std::stod(value_of(container, "cpu", "", "cpu.weight"));
    // Linear (1 + (512 - 2) * 9999 / 262142) or, since 2025, logarithmic.
    CHECK((weight == 20 || weight == 59));
    if (testing(Program::Skiff)) CHECK(weight == 59);
  } else {
    CHECK(value_of(container, "cpu", "cpu.shares", "") == "512");
    CHECK(value_of(container, "cpu", "cpu.cfs_quota_us", "") == "20000");
    CHECK(value_of(container, "cpu", "cpu.cfs_period_us", "") == "50000");
  }
}

TEST_CASE("a cpu quota alone has the default period", "[cgroup]") {
  NEEDS_CONTROLLER("cpu");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/cpu", R"({"quota": 30000})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(value_of(container, "cpu", "cpu.cfs_quota_us", "cpu.max") ==
        (is_v2("cpu") ? "30000 100000" : "30000"));
}

TEST_CASE("cpuset", "[cgroup]") {
  NEEDS_CONTROLLER("cpuset");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/cpu", R"({"cpus": "0", "mems": "0"})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(value_of(container, "cpuset", "cpuset.cpus", "cpuset.cpus") == "0");
  CHECK(value_of(container, "cpuset", "cpuset.mems", "cpuset.mems") == "0");
  REQUIRE(container.start().ok());
  CHECK(trim(container.sh("nproc").out) == "1");
}

TEST_CASE("a cpuset that this machine does not have is refused", "[cgroup]") {
  NEEDS_CONTROLLER("cpuset");
  Bundle bundle;
  bundle.set("/linux/resources/cpu", R"({"cpus": "4000"})");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("cpuset"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a pids limit refuses more processes", "[cgroup]") {
  NEEDS_CONTROLLER("pids");
  Bundle bundle;
  bundle.set("/linux/resources/pids", R"({"limit": 12})");
  bundle.sh("for i in $(seq 20); do sleep 10 & done; echo done");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(value_of(container, "pids", "pids.max", "pids.max") == "12");
  Container other(bundle);
  const Output output = other.run();
  CHECK_THAT(output.err, Catch::Contains("can't fork"));
}

TEST_CASE("a pids limit of -1 is none", "[cgroup]") {
  NEEDS_CONTROLLER("pids");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/pids", R"({"limit": -1})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(value_of(container, "pids", "pids.max", "pids.max") == "max");
}

// /dev/fuse may be opened by anyone whom the device rules let; where the kernel has none, the
// error is another one than theirs.
constexpr const char* kRefused = "Operation not permitted";

bool can_control_devices() {
  constexpr unsigned kSysResource = 24;  // crun 1.8 raises RLIMIT_MEMLOCK for it
  if (testing(Program::Crun) && !has_capability(kSysResource)) return false;
  return has_controller("devices") || environment().layout == CgroupLayout::V2;
}

#define NEEDS_DEVICE_CONTROL() NEEDS(can_control_devices(), "no device control here")

TEST_CASE("devices that no rule allows can be made but not opened", "[cgroup][devices]") {
  NEEDS_DEVICE_CONTROL();
  Bundle bundle;
  bundle.sh(
      "mknod /tmp/fuse c 10 229; (: < /tmp/fuse); echo x > /dev/null && cat /dev/null && "
      "head -c 1 /dev/zero | wc -c; : > /dev/full; : < /dev/urandom; : < /dev/random; "
      "test -c /dev/ptmx && : <> /dev/ptmx && echo ptmx");
  const Output output = Container(bundle).run();
  CHECK(output.out == "1\nptmx\n");
  CHECK(count(output.err, kRefused) == 1);
}

TEST_CASE("a device rule allows exactly its access", "[cgroup][devices]") {
  NEEDS_DEVICE_CONTROL();
  Bundle bundle;
  bundle.set("/linux/resources/devices", R"([{"allow": false, "access": "rwm"},
      {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "r"},
      {"allow": true, "type": "b", "major": 7, "access": "rw"}])");
  bundle.sh(
      "cd /tmp; mknod fuse c 10 229; mknod other c 10 228; mknod loop b 7 99; "
      "for f in fuse other loop; do (: < $f) 2>&1 | sed \"s/^/$f read /\"; "
      "(: >> $f) 2>&1 | sed \"s/^/$f write /\"; done");
  std::string refused;
  for (const std::string& line : lines(Container(bundle).run().out))
    if (contains(line, kRefused)) refused += line.substr(0, line.find(" /bin")) + ";";
  CHECK(refused == "fuse write;other read;other write;");
}

TEST_CASE("allow-all, then deny one", "[cgroup][devices]") {
  NEEDS_DEVICE_CONTROL();
  DIFFERS(Runc, "1.1.5 turns it around");
  Bundle bundle;
  bundle.set("/linux/resources/devices", R"([{"allow": true, "access": "rwm"},
      {"allow": false, "type": "c", "major": 10, "minor": 229, "access": "w"}])");
  bundle.sh("mknod /tmp/fuse c 10 229; (: < /tmp/fuse) 2>&1; echo; (: >> /tmp/fuse) 2>&1");
  const Words found = split(Container(bundle).run().out, '\n');
  REQUIRE(found.size() >= 2);
  CHECK_FALSE(contains(found.front(), kRefused));
  CHECK(contains(found[found.size() - 2], kRefused));
}

TEST_CASE("exec'ed processes are under the device rules, too", "[cgroup][devices]") {
  NEEDS_DEVICE_CONTROL();
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const Output output = container.sh("mknod /tmp/fuse c 10 229; : < /tmp/fuse");
  CHECK_THAT(output.err, Catch::Contains(kRefused));
}

TEST_CASE("an exec'ed process is in the container's cgroup in every hierarchy", "[cgroup]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  REQUIRE(container.exec({"-d", "--pid-file", bundle.file("pid")}, {"/bin/sleep", "100"}).ok());
  CHECK(read_file("/proc/" + read_file(bundle.file("pid")) + "/cgroup") ==
        read_file("/proc/" + std::to_string(container.pid()) + "/cgroup"));
}

TEST_CASE("a cgroup namespace hides where the container is", "[cgroup]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.ns("cgroup");
  CHECK(output_of(bundle, "cut -d: -f3 /proc/self/cgroup | sort -u") == "/\n");
}

}  // namespace
}  // namespace tests
