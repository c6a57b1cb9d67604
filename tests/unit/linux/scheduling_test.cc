#include "src/linux/scheduling.h"

#include <catch2/catch.hpp>

#include "src/spec/number_list.h"

using namespace skiff;

TEST_CASE("this process's CPUs are read and set as they are", "[linux]") {
  const auto cpus = scheduling::affinity(0);
  REQUIRE(cpus);
  CHECK_FALSE(spec::number_list(*cpus).empty());
  CHECK(scheduling::set_affinity(0, *cpus));
}

TEST_CASE("CPUs that no machine has are refused with the list", "[linux]") {
  CHECK(scheduling::set_affinity(0, *spec::parse_number_list("60000-60001")).error().text() ==
        "set the CPU affinity to 60000-60001: Invalid argument (hint: none of these CPUs is there "
        "and in the process's cpuset)");
}

TEST_CASE("a policy that no kernel has is explained", "[linux]") {
  spec::Scheduler scheduler;
  scheduler.policy = 4;  // SCHED_ISO
  CHECK(scheduling::set_scheduler(0, scheduler).error().text() ==
        "process.scheduler: Invalid argument (hint: this kernel has no such policy)");
}
