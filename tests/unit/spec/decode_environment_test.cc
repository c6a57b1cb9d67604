#include <linux/mempolicy.h>
#include <sys/personality.h>
#include <time.h>

#include <catch2/catch.hpp>

#include "src/spec/number_list.h"
#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

const std::string kTime = R"("namespaces": [{"type": "mount"}, {"type": "time"}], )";

void check_refusals(const std::string& before, std::initializer_list<BadMembers> table) {
  for (const BadMembers& row : table) {
    INFO(row.members);
    CHECK(refusal(with_linux(before + row.members)) == "linux." + row.error);
  }
}

}  // namespace

TEST_CASE("time offsets are those of two clocks", "[spec]") {
  const auto offsets = decoded(with_linux(kTime + R"("timeOffsets": {
      "boottime": {"secs": -5, "nanosecs": 999999999}, "monotonic": {}})"))
                           .linux.time_offsets;
  REQUIRE(offsets.size() == 2);
  CHECK(offsets[0].clock == CLOCK_BOOTTIME);
  CHECK(offsets[0].seconds == -5);
  CHECK(offsets[0].nanoseconds == 999999999);
  CHECK(offsets[1].clock == CLOCK_MONOTONIC);
  CHECK(offsets[1].seconds == 0);
  check_refusals(
      kTime,
      {
          {R"("timeOffsets": [])", "timeOffsets: expected object, found array"},
          {R"("timeOffsets": {"realtime": {"secs": 1}})",
           "timeOffsets.realtime: unknown clock, there are monotonic and boottime"},
          {R"("timeOffsets": {"boottime": 5})",
           "timeOffsets.boottime: expected object, found unsigned integer"},
          {R"("timeOffsets": {"boottime": {"secs": "1"}})",
           "timeOffsets.boottime.secs: expected integer, found string"},
          {R"("timeOffsets": {"boottime": {"nanosecs": 1000000000}})",
           "timeOffsets.boottime.nanosecs: 1000000000 is out of range, at most 999999999"},
          {R"("timeOffsets": {"monotonic": {"nanosecs": -1}})",
           "timeOffsets.monotonic.nanosecs: expected unsigned integer, found negative integer"},
      });
}

TEST_CASE("time offsets need a time namespace that is new", "[spec]") {
  const std::string error = R"(timeOffsets: needs a "time" entry without path in linux.namespaces)";
  const std::string offsets = R"("timeOffsets": {"boottime": {"secs": 1}})";
  check_refusals("", {{offsets, error}});
  check_refusals(R"("namespaces": [{"type": "mount"}, {"type": "time", "path": "/x"}], )",
                 {{offsets, error}});
}

TEST_CASE("a personality is a domain and flags", "[spec]") {
  CHECK(decoded(with_linux(R"("personality": {"domain": "LINUX"})")).linux.personality ==
        PER_LINUX);
  CHECK(decoded(with_linux(R"("personality": {"domain": "LINUX32",
            "flags": ["ADDR_NO_RANDOMIZE", "UNAME26"]})"))
            .linux.personality ==
        (static_cast<uint64_t>(PER_LINUX32) | ADDR_NO_RANDOMIZE | UNAME26));
  check_refusals("",
                 {
                     {R"("personality": "LINUX")", "personality: expected object, found string"},
                     {R"("personality": {"flags": []})", "personality.domain: missing"},
                     {R"("personality": {"domain": "BSD"})", "personality.domain: unknown \"BSD\""},
                     {R"("personality": {"domain": "LINUX", "flags": ["X"]})",
                      "personality.flags[0]: unknown \"X\""},
                     {R"("personality": {"domain": "LINUX", "flags": "UNAME26"})",
                      "personality.flags: expected array, found string"},
                 });
}

TEST_CASE("a memory policy has the kernel's mode, flags and nodes", "[spec]") {
  const auto policy = decoded(with_linux(R"("memoryPolicy": {"mode": "MPOL_BIND",
      "nodes": "0-1,3", "flags": ["MPOL_F_STATIC_NODES", "MPOL_F_NUMA_BALANCING"]})"))
                          .linux.memory_policy;
  CHECK(policy->mode == (MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_NUMA_BALANCING));
  CHECK(number_list(policy->nodes) == "0-1,3");
  const std::pair<const char*, int> modes[] = {{R"("MPOL_DEFAULT")", 0},
                                               {R"("MPOL_PREFERRED")", 1},
                                               {R"("MPOL_LOCAL")", 4},
                                               {R"("MPOL_INTERLEAVE", "nodes": "0")", 3},
                                               {R"("MPOL_PREFERRED_MANY", "nodes": "0")", 5},
                                               {R"("MPOL_WEIGHTED_INTERLEAVE", "nodes": "0")", 6}};
  for (const auto& [members, mode] : modes)
    CHECK(decoded(with_linux(R"("memoryPolicy": {"mode": )" + std::string(members) + "}"))
              .linux.memory_policy->mode == mode);
  check_refusals(
      "",
      {
          {R"("memoryPolicy": [])", "memoryPolicy: expected object, found array"},
          {R"("memoryPolicy": {"nodes": "0"})", "memoryPolicy.mode: missing"},
          {R"("memoryPolicy": {"mode": "BIND"})", "memoryPolicy.mode: unknown \"BIND\""},
          {R"("memoryPolicy": {"mode": "MPOL_BIND"})", "memoryPolicy.nodes: missing"},
          {R"("memoryPolicy": {"mode": "MPOL_BIND", "nodes": "x"})",
           "memoryPolicy.nodes: \"x\" is not a list of numbers like 0-3,7"},
          {R"("memoryPolicy": {"mode": "MPOL_BIND", "nodes": 0})",
           "memoryPolicy.nodes: expected string, found unsigned integer"},
          {R"("memoryPolicy": {"mode": "MPOL_LOCAL", "nodes": "0"})",
           "memoryPolicy.nodes: MPOL_DEFAULT and MPOL_LOCAL take none"},
          {R"("memoryPolicy": {"mode": "MPOL_DEFAULT", "nodes": "0"})",
           "memoryPolicy.nodes: MPOL_DEFAULT and MPOL_LOCAL take none"},
          {R"("memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["X"]})",
           "memoryPolicy.flags[0]: unknown \"X\""},
          {R"("memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0",
          "flags": ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]})",
           "memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other"},
          {R"("memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": "0",
          "flags": ["MPOL_F_NUMA_BALANCING"]})",
           "memoryPolicy.flags: MPOL_F_NUMA_BALANCING goes with MPOL_BIND and MPOL_PREFERRED_MANY "
           "only"},
          {R"("memoryPolicy": {"mode": "MPOL_PREFERRED", "flags": ["MPOL_F_STATIC_NODES"]})",
           "memoryPolicy.flags: without nodes there is nothing to renumber"},
      });
}
