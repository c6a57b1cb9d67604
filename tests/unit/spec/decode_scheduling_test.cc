#include <linux/sched.h>

#include <catch2/catch.hpp>

#include "src/spec/ioprio.h"
#include "src/spec/number_list.h"
#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

Process process_of(const std::string& members) { return *decoded(with_process(members)).process; }

void check_refusals(std::initializer_list<BadMembers> table) {
  for (const BadMembers& row : table) {
    INFO(row.members);
    CHECK(refusal(with_process(row.members)) == "process." + row.error);
  }
}

}  // namespace

TEST_CASE("a scheduler has the kernel's numbers", "[spec]") {
  const Process process = process_of(R"("scheduler": {"policy": "SCHED_DEADLINE",
    "flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN"],
    "runtime": 1024, "deadline": 2048, "period": 4096})");
  CHECK(process.scheduler->policy == SCHED_DEADLINE);
  CHECK(process.scheduler->flags == 7);
  CHECK(process.scheduler->runtime == 1024);
  CHECK(process.scheduler->deadline == 2048);
  CHECK(process.scheduler->period == 4096);
  const std::pair<const char*, uint32_t> policies[] = {
      {"SCHED_OTHER", 0}, {"SCHED_BATCH", 3}, {"SCHED_ISO", 4}, {"SCHED_IDLE", 5}};
  for (const auto& [name, number] : policies)
    CHECK(
        process_of(R"("scheduler": {"policy": ")" + std::string(name) + "\"}").scheduler->policy ==
        number);
  CHECK(process_of(R"("scheduler": {"policy": "SCHED_OTHER", "nice": -20})").scheduler->nice ==
        -20);
  CHECK(
      process_of(R"("scheduler": {"policy": "SCHED_FIFO", "priority": 99})").scheduler->priority ==
      99);
  CHECK_FALSE(process_of("").scheduler);
}

TEST_CASE("a wrong scheduler is refused by name", "[spec]") {
  check_refusals({
      {R"("scheduler": "SCHED_OTHER")", "scheduler: expected object, found string"},
      {R"("scheduler": {})", "scheduler.policy: missing"},
      {R"("scheduler": {"policy": "OTHER"})", "scheduler.policy: unknown \"OTHER\""},
      {R"("scheduler": {"policy": 1})",
       "scheduler.policy: expected string, found unsigned integer"},
      {R"("scheduler": {"policy": "SCHED_OTHER", "nice": 20})",
       "scheduler.nice: 20 is out of range, -20 to 19"},
      {R"("scheduler": {"policy": "SCHED_OTHER", "nice": -21})",
       "scheduler.nice: -21 is out of range, -20 to 19"},
      {R"("scheduler": {"policy": "SCHED_FIFO", "priority": 1, "nice": 1})",
       "scheduler.nice: only SCHED_OTHER and SCHED_BATCH have one"},
      {R"("scheduler": {"policy": "SCHED_OTHER", "priority": 1})",
       "scheduler.priority: only SCHED_FIFO and SCHED_RR have one"},
      {R"("scheduler": {"policy": "SCHED_FIFO"})",
       "scheduler.priority: 0 is out of range, 1 to 99"},
      {R"("scheduler": {"policy": "SCHED_RR", "priority": 100})",
       "scheduler.priority: 100 is out of range, 1 to 99"},
      {R"("scheduler": {"policy": "SCHED_RR", "priority": -1})",
       "scheduler.priority: -1 is out of range, 1 to 99"},
      {R"("scheduler": {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_X"]})",
       "scheduler.flags[0]: unknown \"SCHED_FLAG_X\""},
      {R"("scheduler": {"policy": "SCHED_OTHER", "flags": "SCHED_FLAG_RECLAIM"})",
       "scheduler.flags: expected array, found string"},
      {R"("scheduler": {"policy": "SCHED_OTHER", "runtime": 5000})",
       "scheduler.runtime: only SCHED_DEADLINE has one"},
      {R"("scheduler": {"policy": "SCHED_RR", "priority": 1, "deadline": 1})",
       "scheduler.deadline: only SCHED_DEADLINE has one"},
      {R"("scheduler": {"policy": "SCHED_IDLE", "period": 1})",
       "scheduler.period: only SCHED_DEADLINE has one"},
      {R"("scheduler": {"policy": "SCHED_DEADLINE"})",
       "scheduler.runtime: 0 is out of range, at least 1024 ns"},
      {R"("scheduler": {"policy": "SCHED_DEADLINE", "runtime": 2000, "deadline": 1999})",
       "scheduler.deadline: 1999 ns is less than the runtime, 2000 ns"},
      {R"("scheduler": {"policy": "SCHED_DEADLINE", "runtime": 2000, "deadline": 2000,
          "period": 1999})",
       "scheduler.period: 1999 ns is less than the deadline, 2000 ns"},
      {R"("scheduler": {"policy": "SCHED_DEADLINE", "runtime": -1})",
       "scheduler.runtime: expected unsigned integer, found negative integer"},
  });
}

TEST_CASE("an I/O priority has a class and a level", "[spec]") {
  const auto priority =
      process_of(R"("ioPriority": {"class": "IOPRIO_CLASS_RT", "priority": 7})").io_priority;
  CHECK(priority->io_class == ioprio::kRealTime);
  CHECK(priority->level == 7);
  CHECK(process_of(R"("ioPriority": {"class": "IOPRIO_CLASS_IDLE"})").io_priority->level == 0);
  check_refusals({
      {R"("ioPriority": 1)", "ioPriority: expected object, found unsigned integer"},
      {R"("ioPriority": {"priority": 1})", "ioPriority.class: missing"},
      {R"("ioPriority": {"class": "BE"})", "ioPriority.class: unknown \"BE\""},
      {R"("ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 8})",
       "ioPriority.priority: 8 is out of range, 0 to 7"},
      {R"("ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": -1})",
       "ioPriority.priority: -1 is out of range, 0 to 7"},
      {R"("ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": "4"})",
       "ioPriority.priority: expected integer, found string"},
  });
}

TEST_CASE("execCPUAffinity has two lists of CPUs", "[spec]") {
  const Process process = process_of(R"("execCPUAffinity": {"initial": "0-3,7", "final": "2000"})");
  CHECK(number_list(process.exec_affinity.initial) == "0-3,7");
  CHECK(number_list(process.exec_affinity.final) == "2000");
  CHECK(process_of(R"("execCPUAffinity": {})").exec_affinity.initial.empty());
  check_refusals({
      {R"("execCPUAffinity": "0")", "execCPUAffinity: expected object, found string"},
      {R"("execCPUAffinity": {"initial": 0})",
       "execCPUAffinity.initial: expected string, found unsigned integer"},
      {R"("execCPUAffinity": {"initial": "all"})",
       "execCPUAffinity.initial: \"all\" is not a list of numbers like 0-3,7"},
      {R"("execCPUAffinity": {"final": "3-1"})",
       "execCPUAffinity.final: \"3-1\" is not a list of numbers like 0-3,7"},
  });
}

TEST_CASE("labels are one line", "[spec]") {
  const Process process =
      process_of(R"("apparmorProfile": "docker-default", "selinuxLabel": "a:b:c:s0:c1,c2")");
  CHECK(process.apparmor_profile == "docker-default");
  CHECK(process.selinux_label == "a:b:c:s0:c1,c2");
  check_refusals({
      {R"("apparmorProfile": 1)", "apparmorProfile: expected string, found unsigned integer"},
      {R"("apparmorProfile": "a\nb")", R"(apparmorProfile: a control character in "a\nb")"},
      {R"("selinuxLabel": ["a"])", "selinuxLabel: expected string, found array"},
      {R"("selinuxLabel": "a\n")", R"(selinuxLabel: a control character in "a\n")"},
  });
}
