#include <catch2/catch.hpp>

#include "src/spec/merge_resources.h"
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

TEST_CASE("block devices, huge pages, networks, RDMA and unified decode", "[spec]") {
  const Resources resources = resources_of(R"(
    "blockIO": {"weight": 10, "leafWeight": 1000,
      "weightDevice": [{"major": 8, "minor": 0, "weight": 500, "leafWeight": 300}],
      "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
      "throttleWriteBpsDevice": [{"major": 8, "minor": 1, "rate": 0}],
      "throttleReadIOPSDevice": [{"major": 8, "minor": 2, "rate": 700}],
      "throttleWriteIOPSDevice": [{"major": 8, "minor": 3, "rate": 800}]},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 209715200}, {"pageSize": "64KB", "limit": 1}],
    "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]},
    "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "rxe3": {"hcaObjects": 1}},
    "unified": {"memory.high": "1", "io.max": "8:0 rbps=1\n8:16 rbps=2"})");
  REQUIRE(resources.block_io);
  const BlockIo& io = *resources.block_io;
  CHECK(io.weight == 10);
  CHECK(io.leaf_weight == 1000);
  CHECK(io.weight_device.at(0).weight == 500);
  CHECK(io.weight_device.at(0).leaf_weight == 300);
  CHECK(io.throttle_read_bps.at(0).rate == 600);
  CHECK(io.throttle_write_bps.at(0).minor == 1);
  CHECK(io.throttle_read_iops.at(0).rate == 700);
  CHECK(io.throttle_write_iops.at(0).rate == 800);
  CHECK(resources.hugepage_limits.at(1).page_size == "64KB");
  CHECK(resources.network->class_id == 1048577u);
  CHECK(resources.network->priorities.at(0).name == "eth0");
  REQUIRE(resources.rdma.size() == 2);
  CHECK(resources.rdma[0].hca_handles == 3u);
  CHECK_FALSE(resources.rdma[1].hca_handles);
  CHECK(resources.unified.at(1).second == "8:0 rbps=1\n8:16 rbps=2");
  resources_of(R"("blockIO": null, "hugepageLimits": [], "network": {}, "rdma": null)");
}

TEST_CASE("the rest of resources has its types and ranges, too", "[spec]") {
  const BadMembers table[] = {
      {R"("blockIO": [])", "blockIO: expected object, found array"},
      {R"("blockIO": {"weight": 9})", "blockIO.weight: 9 is out of range, 10 to 1000"},
      {R"("blockIO": {"weight": 1001})", "blockIO.weight: 1001 is out of range, 10 to 1000"},
      {R"("blockIO": {"leafWeight": "10"})",
       "blockIO.leafWeight: expected unsigned integer, found string"},
      {R"("blockIO": {"weightDevice": [{"minor": 0, "weight": 10}]})",
       "blockIO.weightDevice[0].major: missing"},
      {R"("blockIO": {"weightDevice": [{"major": 8, "minor": 0}]})",
       "blockIO.weightDevice[0]: neither weight nor leafWeight"},
      {R"("blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 5}]})",
       "blockIO.weightDevice[0].weight: 5 is out of range, 10 to 1000"},
      {R"("blockIO": {"throttleReadBpsDevice": [{"major": -1, "minor": 0, "rate": 1}]})",
       "blockIO.throttleReadBpsDevice[0].major: -1 is out of range, at least 0"},
      {R"("blockIO": {"throttleWriteBpsDevice": [{"major": 8, "minor": 0}]})",
       "blockIO.throttleWriteBpsDevice[0].rate: missing"},
      {R"("blockIO": {"throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": -1}]})",
       "blockIO.throttleReadIOPSDevice[0].rate: expected unsigned integer, found negative integer"},
      {R"("blockIO": {"throttleWriteIOPSDevice": {}})",
       "blockIO.throttleWriteIOPSDevice: expected array, found object"},
      {R"("hugepageLimits": [{"limit": 1}])", "hugepageLimits[0].pageSize: missing"},
      {R"("hugepageLimits": [{"pageSize": "2MB"}])", "hugepageLimits[0].limit: missing"},
      {R"("hugepageLimits": [{"pageSize": "2M", "limit": 1}])",
       "hugepageLimits[0].pageSize: \"2M\" is not a size such as \"2MB\""},
      {R"("hugepageLimits": [{"pageSize": "../2MB", "limit": 1}])",
       "hugepageLimits[0].pageSize: \"../2MB\" is not a size such as \"2MB\""},
      {R"("network": {"classID": "1"})",
       "network.classID: expected unsigned integer, found string"},
      {R"("network": {"priorities": [{"name": "a b", "priority": 1}]})",
       "network.priorities[0].name: \"a b\" is not a name"},
      {R"("network": {"priorities": [{"name": "lo"}]})", "network.priorities[0].priority: missing"},
      {R"("rdma": {"a": {}})", "rdma.a: neither hcaHandles nor hcaObjects"},
      {R"("rdma": {"a": 1})", "rdma.a: expected object, found unsigned integer"},
      {R"("rdma": {"a b": {"hcaObjects": 1}})", "rdma.\"a b\": not the name of an RDMA device"},
      {R"("unified": {"memory.high": 1})",
       "unified.memory.high: expected string, found unsigned integer"},
      {R"("unified": {"../x.y": "1"})",
       "unified.../x.y: not the name of a file in the container's cgroup"},
      {R"("unified": {"a/memory.high": "1"})",
       "unified.a/memory.high: not the name of a file in the container's cgroup"},
      {R"("unified": {"..": "1"})", "unified...: not the name of a file in the container's cgroup"},
      {R"("unified": {"memory": "1"})",
       "unified.memory: a file of cgroup v2 is named CONTROLLER.PARAMETER"},
      {R"("unified": {"cgroup.procs": "1"})", "unified.cgroup.procs: belongs to the runtime"},
  };
  for (const BadMembers& row : table)
    CHECK(refusal_of(row.members) == "linux.resources." + row.error);
}

TEST_CASE("resources written as JSON decode to the same", "[spec]") {
  const std::string all = R"("devices":[{"allow":false,"type":"a","access":"rwm"},)"
                          R"({"allow":true,"type":"c","major":1,"minor":3,"access":"rw"}],)"
                          R"("memory":{"limit":1,"swap":-1,"checkBeforeUpdate":true},)"
                          R"("cpu":{"shares":2,"burst":0,"idle":1,"cpus":"0"},)"
                          R"("pids":{"limit":-1},)"
                          R"("blockIO":{"weight":10,)"
                          R"("weightDevice":[{"major":8,"minor":0,"weight":10}],)"
                          R"("throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1}]},)"
                          R"("hugepageLimits":[{"pageSize":"2MB","limit":1}],)"
                          R"("network":{"classID":1,"priorities":[{"name":"lo","priority":2}]},)"
                          R"("rdma":{"a":{"hcaHandles":3}},)"
                          R"("unified":{"memory.high":"1"})";
  CHECK(encode_resources(resources_of(all)) == "{" + all + "}");
  CHECK(encode_resources(Resources()) == "{}");
}

TEST_CASE("an update keeps what it does not mention", "[spec]") {
  const auto updated = [](const std::string& present, const std::string& change) {
    return encode_resources(merged(resources_of(present), resources_of(change)));
  };
  CHECK(updated(R"("memory":{"limit":5,"swap":9})", R"("memory":{"limit":6})") ==
        R"({"memory":{"limit":6,"swap":9}})");
  CHECK(updated(R"("memory":{"limit":5,"swap":9})", R"("memory":{"limit":-1})") ==
        R"({"memory":{"limit":-1,"swap":-1}})");
  CHECK(updated(R"("memory":{"limit":5})", R"("memory":{"limit":0,"reservation":0})") ==
        R"({"memory":{"limit":5}})");
  CHECK(updated(R"("cpu":{"quota":5000,"period":9000})", R"("cpu":{"quota":-1})") ==
        R"({"cpu":{"quota":-1,"period":9000}})");
  CHECK(updated(R"("cpu":{"burst":5,"idle":1})", R"("cpu":{"burst":0,"idle":0})") ==
        R"({"cpu":{"burst":0,"idle":0}})");
  CHECK(updated("", R"("pids":{"limit":0})") == R"({"pids":{"limit":0}})");
  CHECK(updated(R"("blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1}]})",
                R"("blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":16,"rate":2},)"
                R"({"major":8,"minor":0,"rate":3}]})") ==
        R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":3},)"
        R"({"major":8,"minor":16,"rate":2}]}})");
  CHECK(updated(R"("devices":[{"allow":true,"access":"rwm"}])", "") ==
        R"({"devices":[{"allow":true,"type":"a","access":"rwm"}]})");
  CHECK(updated(R"("devices":[{"allow":true,"access":"rwm"}])",
                R"("devices":[{"allow":false,"access":"rwm"}])") ==
        R"({"devices":[{"allow":false,"type":"a","access":"rwm"}]})");
  CHECK(updated(R"("unified":{"a.b":"1"},"rdma":{"x":{"hcaHandles":1}})",
                R"("unified":{"a.b":"2","c.d":"3"},"rdma":{"y":{"hcaHandles":1}})") ==
        R"({"rdma":{"x":{"hcaHandles":1},"y":{"hcaHandles":1}},"unified":{"a.b":"2","c.d":"3"}})");
}
