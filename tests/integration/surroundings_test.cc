// What a container sees of the machine: clocks, execution domain, memory nodes, caches.
#include <sys/personality.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

TEST_CASE("the clocks of a time namespace have their offsets", "[timens]") {
  SKIFF_ONLY("among the tested rivals knows time namespaces");
  NEEDS(exists("/proc/self/ns/time"), "the kernel has no time namespaces");
  Bundle bundle;
  bundle.ns("time").set("/linux/timeOffsets", R"({"boottime": {"secs": 1000000, "nanosecs": 7},
                                                  "monotonic": {"secs": 86400}})");
  bundle.sh("cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime");
  const auto check = [](const Output& output) {
    INFO(output.err);
    const Words found = lines(output.out);
    REQUIRE(found.size() == 3);
    CHECK_THAT(found[0], Catch::Matches("monotonic +86400 +0"));
    CHECK_THAT(found[1], Catch::Matches("boottime +1000000 +7"));
    CHECK(std::stoll(found[2]) >= 1000000);
  };
  check(Container(bundle).run());
  bundle.user_namespace();
  check(Container(bundle).run());
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  check(container.sh("cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime"));
}

TEST_CASE("a clock below zero is an error with its name", "[timens]") {
  SKIFF_ONLY("among the tested rivals knows time namespaces");
  NEEDS(exists("/proc/self/ns/time"), "the kernel has no time namespaces");
  Bundle bundle;
  bundle.ns("time").set("/linux/timeOffsets", R"({"monotonic": {"secs": -100000000}})");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err,
             Catch::Contains("linux.timeOffsets.monotonic: Numerical result out of range (hint:"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("personality shows another machine, to exec as well", "[personality]") {
  DIFFERS(Runc, "1.1.5 knows no personality");
  NEEDS(sizeof(long) == 8, "this machine has 32 bits anyway");
  Bundle bundle;
  bundle.set("/linux/personality", R"({"domain": "LINUX32"})").sh("sleep 100");
  Container container(bundle);
  container.launch();
  const std::string machine = trim(container.sh("uname -m").out);
  CHECK_THAT(machine, Catch::Matches("i686|armv8l|ppc|s390"));
  const std::string domain = read_file("/proc/" + std::to_string(container.pid()) + "/personality");
  CHECK(std::stoul(domain, nullptr, 16) == PER_LINUX32);
}

TEST_CASE("the flags of a personality are applied", "[personality]") {
  SKIFF_ONLY("applies them");
  Bundle bundle;
  bundle.set("/linux/personality", R"({"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]})");
  bundle.args({"/bin/cat", "/proc/self/personality"});
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(std::stoul(output.out, nullptr, 16) == ADDR_NO_RANDOMIZE);
}

TEST_CASE("memory comes from the nodes of the policy", "[memorypolicy]") {
  SKIFF_ONLY("and newer rivals know it");
  NEEDS(exists("/proc/self/numa_maps"), "the kernel has no NUMA");
  const std::pair<const char*, const char*> table[] = {
      {R"({"mode": "MPOL_BIND", "nodes": "0"})", " bind:0 "},
      {R"({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]})",
       " bind=static:0 "},
      {R"({"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]})",
       " interleave=relative:0 "},
      {R"({"mode": "MPOL_PREFERRED", "nodes": "0"})", " prefer:0 "},
      {R"({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"})", " prefer (many):0 "},
      {R"({"mode": "MPOL_LOCAL"})", " local "},
      {R"({"mode": "MPOL_DEFAULT"})", " default "}};
  for (const auto& [json, shown] : table) {
    INFO(json);
    Bundle bundle;
    bundle.set("/linux/memoryPolicy", json).sh("sleep 100");
    Container container(bundle);
    container.launch();
    const std::string maps = read_file("/proc/" + std::to_string(container.pid()) + "/numa_maps");
    CHECK_THAT(maps, Catch::Contains(shown));
    CHECK_THAT(container.sh("cat /proc/self/numa_maps").out, Catch::Contains(shown));
  }
}

TEST_CASE("a memory node that is not there is an error", "[memorypolicy]") {
  SKIFF_ONLY("and newer rivals know it");
  NEEDS(exists("/proc/self/numa_maps"), "the kernel has no NUMA");
  for (const char* nodes : {"63", "5000"}) {
    Bundle bundle;
    bundle.set("/linux/memoryPolicy",
               R"({"mode": "MPOL_BIND", "nodes": ")" + std::string(nodes) + "\"}");
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    CHECK_THAT(output.err,
               Catch::Contains("linux.memoryPolicy: set_mempolicy: Invalid argument (hint:"));
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("intelRdt is an error where no resctrl is mounted", "[intelrdt]") {
  NEEDS(!contains(read_file("/proc/self/mountinfo"), " - resctrl "), "resctrl is mounted");
  Bundle bundle;
  bundle.set("/linux/intelRdt", R"({"closID": "gold", "schemata": ["L3:0=f"]})");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  if (testing(Program::Crun) && output.ok()) SKIP("Crun: this version ignores intelRdt");
  CHECK(output.status == 1);
  if (testing(Program::Skiff))
    CHECK_THAT(output.err, Catch::Contains("linux.intelRdt: no resctrl file system is mounted"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a container with CPUs of its own is not bound to those of its caller",
          "[scheduling][cgroups]") {
  SKIFF_ONLY("and newer runcs let go of them");
  NEEDS(has_controller("cpuset"), "there is no cpuset controller");
  NEEDS(::sysconf(_SC_NPROCESSORS_ONLN) > 1, "there is one CPU only");
  Bundle bundle;
  bundle.set("/linux/resources/cpu", R"({"cpus": "0-1"})").sh("sleep 100");
  Container container(bundle);
  const auto bound = [&](const std::string& command, const Words& rest) {
    Words words{"taskset", "-c", "1"};
    for (const std::string& word : container.words(command, {}, rest)) words.push_back(word);
    return run_command(words);
  };
  REQUIRE(bound("create", {}).ok());
  REQUIRE(container.start().ok());
  const std::string status = read_file("/proc/" + std::to_string(container.pid()) + "/status");
  CHECK(field(status, "Cpus_allowed_list") == "0-1");
  const Output exec = bound("exec", {"/bin/cat", "/proc/self/status"});
  CHECK(field(exec.out, "Cpus_allowed_list") == "0-1");
}

TEST_CASE("startContainer hooks of a process that cannot be forked", "[scheduling][hooks]") {
  SKIFF_ONLY("sees it in time");
  Bundle bundle;
  bundle.set("/hooks/startContainer", R"([{"path": "/bin/true"}])");
  bundle.set("/process/scheduler", R"({"policy": "SCHED_DEADLINE", "runtime": 1000000,
                                       "deadline": 50000000, "period": 100000000})");
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("process.scheduler") &&
                             Catch::Contains("add SCHED_FLAG_RESET_ON_FORK"));
}

}  // namespace
}  // namespace tests
