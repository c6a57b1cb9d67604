// How processes are scheduled: process.scheduler, ioPriority and execCPUAffinity.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "src/spec/ioprio.h"
#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

namespace ioprio = skiff::ioprio;

/// The first 48 bytes of the kernel's struct sched_attr.
struct Scheduling {
  uint32_t size = sizeof(Scheduling);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;
  uint64_t deadline = 0;
  uint64_t period = 0;
};

Scheduling scheduling_of(pid_t pid) {
  Scheduling found;
  REQUIRE(::syscall(SYS_sched_getattr, pid, &found, sizeof found, 0) == 0);
  return found;
}

/// Whether this process may have what the kernel refuses in most places (CAP_SYS_NICE, room in the
/// real-time budget of its cgroup).
bool may_schedule(const Scheduling& wanted) {
  return in_child([&] {
           Scheduling attributes = wanted;
           return ::syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 ? 0 : 1;
         }) == 0;
}

TEST_CASE("a policy of the fair scheduler with a nice value", "[scheduling]") {
  DIFFERS(Runc, "1.1.5 knows no scheduler");
  DIFFERS(Crun, "1.8.1 knows no scheduler");
  const std::pair<const char*, uint32_t> policies[] = {{"SCHED_OTHER", SCHED_NORMAL},
                                                       {"SCHED_BATCH", SCHED_BATCH}};
  for (const auto& [name, policy] : policies) {
    INFO(name);
    Bundle bundle;
    bundle.sh("sleep 100")
        .set("/process/scheduler", R"({"policy": ")" + std::string(name) + R"(", "nice": 7})");
    Container container(bundle);
    container.launch();
    const Scheduling found = scheduling_of(container.pid());
    CHECK(found.policy == policy);
    CHECK(found.nice == 7);
    // An exec'ed process is one of the container's: the configuration holds for it, too.
    const Output inside = container.sh("cut -d' ' -f19,41 /proc/self/stat");
    CHECK(inside.out == "7 " + std::to_string(policy) + "\n");
  }
}

TEST_CASE("SCHED_IDLE, and flags", "[scheduling]") {
  DIFFERS(Runc, "1.1.5 knows no scheduler");
  DIFFERS(Crun, "1.8.1 knows no scheduler");
  Bundle bundle;
  bundle.sh("sleep 100")
      .set("/process/scheduler",
           R"({"policy": "SCHED_IDLE", "flags": ["SCHED_FLAG_RESET_ON_FORK"]})");
  Container container(bundle);
  container.launch();
  CHECK(scheduling_of(container.pid()).policy == SCHED_IDLE);
  CHECK(scheduling_of(container.pid()).flags == SCHED_FLAG_RESET_ON_FORK);
}

TEST_CASE("a scheduler in a process of exec --process", "[scheduling][exec]") {
  SKIFF_ONLY("and newer rivals know it");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  write_file(bundle.file("process.json"),
             R"({"args": ["/bin/cut", "-d ", "-f19,41", "/proc/self/stat"], "cwd": "/",
                 "scheduler": {"policy": "SCHED_BATCH", "nice": 3}})");
  CHECK(container.exec({"--process", bundle.file("process.json")}, {}).out == "3 3\n");
}

TEST_CASE("a scheduler that takes more privilege than root of a user namespace has",
          "[scheduling][userns]") {
  SKIFF_ONLY("and newer cruns set it from outside");
  NEEDS(may_schedule({.nice = -5}), "this machine does not let us lower a nice value");
  Bundle bundle;
  bundle.user_namespace().sh("sleep 100");
  bundle.set("/process/scheduler", R"({"policy": "SCHED_OTHER", "nice": -5})");
  Container container(bundle);
  container.launch();
  CHECK(scheduling_of(container.pid()).nice == -5);
}

TEST_CASE("a real-time policy with its priority", "[scheduling]") {
  DIFFERS(Runc, "1.1.5 knows no scheduler");
  DIFFERS(Crun, "1.8.1 knows no scheduler");
  Bundle bundle;
  bundle.sh("sleep 100").set("/process/scheduler", R"({"policy": "SCHED_FIFO", "priority": 5})");
  Container container(bundle);
  const Output created = container.create();
  if (!created.ok()) {
    // With CONFIG_RT_GROUP_SCHED a cgroup v1 of the container's own has no real-time budget.
    CHECK_THAT(created.err, Catch::Contains("process.scheduler: Operation not permitted (hint:"));
    CHECK_THAT(created.err, Catch::Contains("CAP_SYS_NICE"));
    SKIP("this machine does not let the container have SCHED_FIFO");
  }
  CHECK(scheduling_of(container.pid()).policy == SCHED_FIFO);
  CHECK(scheduling_of(container.pid()).priority == 5);
}

TEST_CASE("a real-time policy outside of any cgroup of its own", "[scheduling]") {
  SKIFF_ONLY("and crun have a manager that is disabled");
  NEEDS(may_schedule({.policy = SCHED_RR, .priority = 9}), "this machine lets us have no SCHED_RR");
  Bundle bundle;
  bundle.sh("sleep 100").set("/process/scheduler", R"({"policy": "SCHED_RR", "priority": 9})");
  bundle.without_cgroups_path().remove("/linux/resources");
  Container container(bundle);
  const Output created = runtime(bundle, {"--cgroup-manager", "disabled", "create", "-b",
                                          bundle.path(container.id()), container.id()});
  INFO(created.err);
  REQUIRE(created.ok());
  REQUIRE(container.start().ok());
  CHECK(scheduling_of(container.pid()).policy == SCHED_RR);
  CHECK(scheduling_of(container.pid()).priority == 9);
}

TEST_CASE("SCHED_DEADLINE with its times", "[scheduling]") {
  DIFFERS(Runc, "1.1.5 knows no scheduler");
  DIFFERS(Crun, "1.8.1 knows no scheduler");
  NEEDS(may_schedule({.policy = SCHED_DEADLINE,
                      .flags = SCHED_FLAG_RESET_ON_FORK,
                      .runtime = 1'000'000,
                      .deadline = 50'000'000,
                      .period = 100'000'000}),
        "this machine lets us have no SCHED_DEADLINE");
  Bundle bundle;
  bundle.args({"/bin/sleep", "100"})
      .set("/process/scheduler", R"({"policy": "SCHED_DEADLINE", "runtime": 1000000,
           "deadline": 50000000, "period": 100000000, "flags": ["SCHED_FLAG_RESET_ON_FORK"]})");
  Container container(bundle);
  container.launch();
  const Scheduling found = scheduling_of(container.pid());
  CHECK(found.policy == SCHED_DEADLINE);
  CHECK(found.runtime == 1'000'000);
  CHECK(found.deadline == 50'000'000);
  CHECK(found.period == 100'000'000);
}

TEST_CASE("SCHED_DEADLINE for more time than there is says so", "[scheduling]") {
  SKIFF_ONLY("explains it");
  NEEDS(may_schedule({.policy = SCHED_DEADLINE,
                      .runtime = 1'000'000,
                      .deadline = 50'000'000,
                      .period = 100'000'000}),
        "this machine lets us have no SCHED_DEADLINE");
  Bundle bundle;
  bundle.args({"/bin/sleep", "100"})
      .set("/process/scheduler", R"({"policy": "SCHED_DEADLINE", "runtime": 1000000000,
           "deadline": 1000000000, "period": 1000000000})");
  const Leftovers leftovers(bundle);
  const Output full = Container(bundle).create();
  // All the time of one processor: more than kernel.sched_rt_runtime_us leaves, unless it is -1 or
  // there are many processors.
  if (!full.ok()) {
    CHECK_THAT(full.err, Catch::Contains("process.scheduler: Device or resource busy (hint:"));
    CHECK(leftovers.found() == "");
  }
  bundle.set("/process/scheduler/period", "10000000000000")
      .set("/process/scheduler/runtime", "1000000000");
  const Output long_period = Container(bundle).create();
  CHECK(long_period.status == 1);
  CHECK_THAT(long_period.err, Catch::Contains("process.scheduler: Invalid argument (hint:") &&
                                  Catch::Contains("sched_deadline_period_max_us"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("SCHED_DEADLINE on some of the CPUs is refused with the reason", "[scheduling]") {
  SKIFF_ONLY("explains it");
  NEEDS(::sysconf(_SC_NPROCESSORS_ONLN) > 1, "there is one CPU only");
  NEEDS(has_controller("cpuset"), "there is no cpuset controller");
  NEEDS(may_schedule({.policy = SCHED_DEADLINE,
                      .runtime = 1'000'000,
                      .deadline = 50'000'000,
                      .period = 100'000'000}),
        "this machine lets us have no SCHED_DEADLINE");
  Bundle bundle;
  bundle.args({"/bin/sleep", "100"}).set("/linux/resources/cpu", R"({"cpus": "0"})");
  bundle.set("/process/scheduler", R"({"policy": "SCHED_DEADLINE", "runtime": 1000000,
           "deadline": 50000000, "period": 100000000})");
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("process.scheduler: Operation not permitted") &&
                             Catch::Contains("together with resources.cpu.cpus"));
}

TEST_CASE("the I/O priority is that of the process group", "[scheduling]") {
  DIFFERS(Runc, "1.1.5 knows no ioPriority");
  DIFFERS(Crun, "1.8.1 knows no ioPriority");
  const std::pair<const char*, int> classes[] = {
      {R"({"class": "IOPRIO_CLASS_BE", "priority": 6})", ioprio::value(ioprio::kBestEffort, 6)},
      {R"({"class": "IOPRIO_CLASS_IDLE"})", ioprio::value(ioprio::kIdle, 0)},
      {R"({"class": "IOPRIO_CLASS_RT", "priority": 4})", ioprio::value(ioprio::kRealTime, 4)}};
  for (const auto& [json, value] : classes) {
    INFO(json);
    Bundle bundle;
    bundle.user_namespace().sh("sleep 100; true").set("/process/ioPriority", json);
    Container container(bundle);
    container.launch();
    CHECK(::syscall(SYS_ioprio_get, ioprio::kProcess, container.pid()) == value);
    CHECK(::syscall(SYS_ioprio_get, ioprio::kProcessGroup, container.pid()) == value);
    Command exec(container.words("exec", {}, {"/bin/sleep", "100"}));
    CHECK(wait_until([&] {
      const Words pids = lines(container.call("ps", {"--format", "table"}).out);
      for (const std::string& line : pids) {
        if (!contains(line, "/bin/sleep 100")) continue;
        const pid_t pid = std::stoi(split(trim(line.substr(line.find(' '))), ' ')[0]);
        return ::syscall(SYS_ioprio_get, ioprio::kProcess, pid) == value;
      }
      return false;
    }));
  }
}

/// Cpus_allowed_list of an exec'ed process whose configuration has this execCPUAffinity.
Output affinity_of_exec(Container& container, const std::string& affinity) {
  const std::string file = container.bundle().file("process.json");
  write_file(file, R"({"args": ["/bin/grep", "Cpus_allowed_list", "/proc/self/status"],
                       "cwd": "/", "execCPUAffinity": )" +
                       affinity + "}");
  return container.exec({"--process", file}, {});
}

TEST_CASE("execCPUAffinity: the final CPUs are those of the process, the initial ones before",
          "[scheduling][exec]") {
  SKIFF_ONLY("and newer rivals know it");
  NEEDS(::sysconf(_SC_NPROCESSORS_ONLN) > 1, "there is one CPU only");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  CHECK(field(affinity_of_exec(container, R"({"final": "1"})").out, "Cpus_allowed_list") == "1");
  CHECK(field(affinity_of_exec(container, R"({"initial": "1", "final": "0"})").out,
              "Cpus_allowed_list") == "0");
  CHECK(field(affinity_of_exec(container, R"({"initial": " 0 , 1"})").out, "Cpus_allowed_list") ==
        "0-1");
  const Output beyond = affinity_of_exec(container, R"({"final": "1,5000"})");
  INFO(beyond.err);
  CHECK(field(beyond.out, "Cpus_allowed_list") == "1");  // as sched_setaffinity(2) has it
  const Output nowhere = affinity_of_exec(container, R"({"final": "5000-5001"})");
  CHECK(nowhere.status == 255);
  CHECK_THAT(nowhere.err, Catch::Contains("process.execCPUAffinity.final: set the CPU affinity to "
                                          "5000-5001: Invalid argument (hint:"));
}

TEST_CASE("execCPUAffinity of the configuration holds for exec and not for init",
          "[scheduling][exec]") {
  SKIFF_ONLY("and newer rivals know it");
  NEEDS(::sysconf(_SC_NPROCESSORS_ONLN) > 1, "there is one CPU only");
  Bundle bundle;
  bundle.sh("sleep 100").set("/process/execCPUAffinity", R"({"initial": "0", "final": "1"})");
  Container container(bundle);
  container.launch();
  const std::string ours = field(read_file("/proc/self/status"), "Cpus_allowed_list");
  CHECK(field(read_file("/proc/" + std::to_string(container.pid()) + "/status"),
              "Cpus_allowed_list") == ours);
  CHECK(field(container.sh("cat /proc/self/status").out, "Cpus_allowed_list") == "1");
}

}  // namespace
}  // namespace tests
