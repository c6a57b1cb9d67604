#include <catch2/catch.hpp>

#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

Resources resources_of(const std::string& members) {
  return *decoded(with_linux("\"resources\": {" + members + "}")).linux.resources;
}

std::string refusal_of(const std::string& members) {
  return refusal(with_linux("\"resources\": {" + members + "}"));
}

}  // namespace

TEST_CASE("device rules decode as containerd writes them", "[spec]") {
  const auto rules = resources_of(R"("devices": [
    {"allow": false, "access": "rwm"},
    {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
    {"allow": true, "type": "c", "major": 136, "access": "rw"},
    {"allow": true, "type": "b", "major": -1, "minor": 0, "access": "m"},
    {"allow": true, "type": "", "access": "r"},
    {"allow": true, "type": "a", "access": "w"}])")
                         .devices;
  REQUIRE(rules.size() == 6);
  CHECK_FALSE(rules[0].allow);
  CHECK(rules[0].type == 'a');
  CHECK_FALSE(rules[0].major);
  CHECK((rules[0].read && rules[0].write && rules[0].mknod));
  CHECK(rules[1].allow);
  CHECK(rules[1].type == 'c');
  CHECK(rules[1].major == 1);
  CHECK(rules[1].minor == 3);
  CHECK(rules[2].major == 136);
  CHECK_FALSE(rules[2].minor);
  CHECK((rules[2].read && rules[2].write && !rules[2].mknod));
  CHECK(rules[3].type == 'b');
  CHECK_FALSE(rules[3].major);
  CHECK(rules[3].minor == 0);
  CHECK((!rules[3].read && !rules[3].write && rules[3].mknod));
  CHECK(rules[4].type == 'a');
  CHECK(rules[5].type == 'a');
}

TEST_CASE("limits decode, and what is absent is unset", "[spec]") {
  const Resources resources = resources_of(R"(
    "memory": {"limit": 67108864, "reservation": 1, "swap": -1, "kernel": 2, "kernelTCP": 3,
               "swappiness": 60, "disableOOMKiller": true, "useHierarchy": false,
               "checkBeforeUpdate": true},
    "cpu": {"shares": 1024, "quota": -1, "burst": 5, "period": 100000, "realtimeRuntime": 6,
            "realtimePeriod": 7, "idle": 1, "cpus": "0-1", "mems": "0"},
    "pids": {"limit": -1})");
  REQUIRE(resources.memory);
  CHECK(resources.memory->limit == 67108864);
  CHECK(resources.memory->reservation == 1);
  CHECK(resources.memory->swap == -1);
  CHECK(resources.memory->kernel == 2);
  CHECK(resources.memory->kernel_tcp == 3);
  CHECK(resources.memory->swappiness == 60u);
  CHECK(resources.memory->disable_oom_killer == true);
  CHECK(resources.memory->use_hierarchy == false);
  CHECK(resources.memory->check_before_update == true);
  REQUIRE(resources.cpu);
  CHECK(resources.cpu->shares == 1024u);
  CHECK(resources.cpu->quota == -1);
  CHECK(resources.cpu->burst == 5u);
  CHECK(resources.cpu->period == 100000u);
  CHECK(resources.cpu->realtime_runtime == 6);
  CHECK(resources.cpu->realtime_period == 7u);
  CHECK(resources.cpu->idle == 1);
  CHECK(resources.cpu->cpus == "0-1");
  CHECK(resources.cpu->mems == "0");
  CHECK(resources.pids_limit == -1);

  const Resources empty = resources_of(R"("memory": {}, "cpu": {}, "pids": {})");
  CHECK_FALSE(empty.memory->limit);
  CHECK_FALSE(empty.memory->use_hierarchy);
  CHECK_FALSE(empty.cpu->shares);
  CHECK(empty.cpu->cpus.empty());
  CHECK_FALSE(empty.pids_limit);
  CHECK_FALSE(resources_of("").memory);
}

TEST_CASE("every member of resources has its type and range", "[spec]") {
  const BadMembers table[] = {
      {R"("devices": {})", "devices: expected array, found object"},
      {R"("devices": [{"access": "r"}])", "devices[0].allow: missing"},
      {R"("devices": [{"allow": 1, "access": "r"}])",
       "devices[0].allow: expected boolean, found unsigned integer"},
      {R"("devices": [{"allow": true, "type": "p", "access": "r"}])",
       "devices[0].type: unknown \"p\""},
      {R"("devices": [{"allow": true, "type": "cb", "access": "r"}])",
       "devices[0].type: unknown \"cb\""},
      {R"("devices": [{"allow": true, "type": 1, "access": "r"}])",
       "devices[0].type: expected string, found unsigned integer"},
      {R"("devices": [{"allow": true, "major": "1", "access": "r"}])",
       "devices[0].major: expected integer, found string"},
      {R"("devices": [{"allow": true, "major": -2, "access": "r"}])",
       "devices[0].major: -2 is out of range, -1 to 4294967295"},
      {R"("devices": [{"allow": true, "minor": 4294967296, "access": "r"}])",
       "devices[0].minor: 4294967296 is out of range, -1 to 4294967295"},
      {R"("devices": [{"allow": true}])",
       "devices[0].access: \"\" is not made of \"r\", \"w\" and \"m\""},
      {R"("devices": [{"allow": true, "access": "rx"}])",
       "devices[0].access: \"rx\" is not made of \"r\", \"w\" and \"m\""},
      {R"("devices": [{"allow": true, "access": 7}])",
       "devices[0].access: expected string, found unsigned integer"},
      {R"("memory": 1)", "memory: expected object, found unsigned integer"},
      {R"("memory": {"limit": "64m"})", "memory.limit: expected integer, found string"},
      {R"("memory": {"limit": -2})", "memory.limit: -2 is out of range, at least -1"},
      {R"("memory": {"limit": 9223372036854775808})",
       "memory.limit: 9223372036854775808 is out of range, at most 9223372036854775807"},
      {R"("memory": {"limit": 1.5})", "memory.limit: expected integer, found fractional number"},
      {R"("memory": {"reservation": true})", "memory.reservation: expected integer, found boolean"},
      {R"("memory": {"swap": []})", "memory.swap: expected integer, found array"},
      {R"("memory": {"kernel": {}})", "memory.kernel: expected integer, found object"},
      {R"("memory": {"kernelTCP": ""})", "memory.kernelTCP: expected integer, found string"},
      {R"("memory": {"swappiness": -1})",
       "memory.swappiness: expected unsigned integer, found negative integer"},
      {R"("memory": {"swappiness": 101})", "memory.swappiness: 101 is out of range, at most 100"},
      {R"("memory": {"disableOOMKiller": 0})",
       "memory.disableOOMKiller: expected boolean, found unsigned integer"},
      {R"("memory": {"useHierarchy": ""})", "memory.useHierarchy: expected boolean, found string"},
      {R"("memory": {"checkBeforeUpdate": []})",
       "memory.checkBeforeUpdate: expected boolean, found array"},
      {R"("cpu": [])", "cpu: expected object, found array"},
      {R"("cpu": {"shares": -1})", "cpu.shares: expected unsigned integer, found negative integer"},
      {R"("cpu": {"quota": "1"})", "cpu.quota: expected integer, found string"},
      {R"("cpu": {"burst": "1"})", "cpu.burst: expected unsigned integer, found string"},
      {R"("cpu": {"period": true})", "cpu.period: expected unsigned integer, found boolean"},
      {R"("cpu": {"realtimeRuntime": []})", "cpu.realtimeRuntime: expected integer, found array"},
      {R"("cpu": {"realtimePeriod": {}})",
       "cpu.realtimePeriod: expected unsigned integer, found object"},
      {R"("cpu": {"idle": 2})", "cpu.idle: 2 is out of range, 0 or 1"},
      {R"("cpu": {"idle": false})", "cpu.idle: expected integer, found boolean"},
      {R"("cpu": {"cpus": 0})", "cpu.cpus: expected string, found unsigned integer"},
      {R"("cpu": {"mems": [0]})", "cpu.mems: expected string, found array"},
      {R"("pids": 5)", "pids: expected object, found unsigned integer"},
      {R"("pids": {"limit": "5"})", "pids.limit: expected integer, found string"},
  };
  for (const BadMembers& row : table)
    CHECK(refusal_of(row.members) == "linux.resources." + row.error);
}

TEST_CASE("resources that are not honoured are refused unless blank", "[spec]") {
  const std::pair<const char*, const char*> table[] = {
      {"blockIO", R"({"weight": 10})"},
      {"hugepageLimits", R"([{"pageSize": "2MB", "limit": 0}])"},
      {"network", R"({"classID": 1})"},
      {"rdma", R"({"mlx5_1": {"hcaHandles": 3}})"},
      {"unified", R"({"memory.high": "1"})"},
  };
  for (const auto& [name, value] : table) {
    const std::string member = "\"" + std::string(name) + "\": ";
    CHECK(refusal_of(member + value) ==
          "linux.resources." + std::string(name) + ": not supported yet");
    resources_of(member + "null");
  }
  resources_of(R"("blockIO": {}, "hugepageLimits": [], "unified": {})");
}
