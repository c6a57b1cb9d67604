#include <catch2/catch.hpp>

#include "src/base/json.h"
#include "src/container/sample.h"

using namespace skiff;
using namespace skiff::container;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("stats of nothing have every object and no psi", "[container][events]") {
  CHECK(stats_event("web", Sample()) ==
        R"({"type":"stats","id":"web","data":{"cpu":{"usage":{"total":0,"kernel":0,"user":0},)"
        R"("throttling":{"periods":0,"throttledPeriods":0,"throttledTime":0},)"
        R"("burst":{"periods":0,"time":0}},"cpuset":{"cpu_exclusive":0,"mem_hardwall":0,)"
        R"("mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,)"
        R"("memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0},)"
        R"("memory":{"cache":0,"usage":{"limit":18446744073709551615,"usage":0,"failcnt":0},)"
        R"("swap":{"limit":18446744073709551615,"usage":0,"failcnt":0},)"
        R"("kernel":{"limit":18446744073709551615,"usage":0,"failcnt":0},)"
        R"("kernelTCP":{"limit":18446744073709551615,"usage":0,"failcnt":0}},)"
        R"("pids":{"current":0,"limit":0,"failcnt":0},"blkio":{},"hugetlb":{},)"
        R"("intel_rdt":{},"network_interfaces":[]}})"
        "\n");
}

TEST_CASE("stats are written with runc's names and with those that only we have",
          "[container][events]") {
  Sample sample;
  cgroup::Stats& stats = sample.cgroup;
  stats.cpu.percpu = {1, 2};
  stats.cpu.psi.some = cgroup::Psi::Line{5, 1234, 10000, 77};
  stats.cpuset.cpus = "0-2,64";
  stats.memory.usage = {1, 2, 3, 4};
  stats.memory.swap_only = cgroup::Usage{5, 6, 0, 0};
  stats.memory.raw = {{"anon", 9}};
  stats.pids = {1, 2, 3, 4};
  stats.block.serviced = {{8, 0, "Read", 7}, {8, 16, "", 8}};
  stats.block.devices = {{"8:0", {{"rbytes", 1}}}};
  stats.hugetlb = {{"2MB", {1, 2, 3, 4}, cgroup::Usage{5, 6, 7, 8}}};
  stats.rdma = {{"mlx4_0", {{"hca_handle", 2}}}};
  stats.misc = {{"sev", {1, 2, 0, 3}, {}}};
  stats.cgroup = {{"populated", 1}};
  sample.interfaces = {{"eth0", {1, 2, 3, 4}, {5, 6, 7, 8}}};
  sample.resctrl.cbm_mask = "7ff";
  sample.resctrl.l3_info = {{"num_closids", 16}};
  sample.resctrl.schemata = {"L3:0=f"};
  sample.resctrl.occupancy = {{{"llc_occupancy", 4096}}};
  const std::string json = stats_event("web", sample);
  REQUIRE(json::Document::parse(json));
  for (const char* part : {
           R"("percpu":[1,2])",
           R"("psi":{"some":{"avg10":0.05,"avg60":12.34,"avg300":100.00,"total":77}})",
           R"("cpus":[0,1,2,64])",
           R"("usage":{"limit":2,"usage":1,"max":3,"failcnt":4})",
           R"("swapOnly":{"limit":6,"usage":5,"failcnt":0})",
           R"("peak":3,"raw":{"anon":9})",
           R"("pids":{"current":1,"limit":2,"max":3,"failcnt":4})",
           R"("ioServicedRecursive":[{"major":8,"minor":0,"op":"Read","value":7},)"
           R"({"major":8,"minor":16,"value":8}])",
           R"("devices":[{"device":"8:0","rbytes":1}])",
           R"("hugetlb":{"2MB":{"usage":1,"max":3,"failcnt":4,"limit":2,)"
           R"("rsvd":{"limit":6,"usage":5,"max":7,"failcnt":8}}})",
           R"("rdma":{"current":[{"device":"mlx4_0","hca_handle":2}]})",
           R"("misc":{"sev":{"limit":2,"usage":1,"failcnt":3}})",
           R"("cgroup":{"populated":1})",
           R"("intel_rdt":{"l3_cache_info":{"cbm_mask":"7ff","num_closids":16},)"
           R"("l3_cache_schema":"L3:0=f","schemata":["L3:0=f"],)"
           R"("cmt_stats":[{"llc_occupancy":4096}]})",
           R"("network_interfaces":[{"Name":"eth0","RxBytes":1,"RxPackets":2,"RxErrors":3,)"
           R"("RxDropped":4,"TxBytes":5,"TxPackets":6,"TxErrors":7,"TxDropped":8}])",
       }) {
    INFO(part);
    INFO(json);
    CHECK(contains(json, part));
  }
}

TEST_CASE("the other events", "[container][events]") {
  CHECK(oom_event("web", {"/web/a", "/web", 2, true}) ==
        R"({"type":"oom","id":"web","data":{"cgroup":"/web/a","limitCgroup":"/web","kills":2,)"
        R"("groupKill":true}})"
        "\n");
  CHECK_FALSE(contains(oom_event("web", {"/web", "", 1, false}), "limitCgroup"));
  CHECK(pressure_event("web", *cgroup::parse_pressure_trigger("io:full:0.5s/2s")) ==
        R"({"type":"pressure","id":"web","data":{"resource":"io","kind":"full",)"
        R"("stallUsec":500000,"windowUsec":2000000}})"
        "\n");
  CHECK(pressure_event("web", *cgroup::parse_pressure_level("critical")) ==
        R"({"type":"pressure","id":"web","data":{"resource":"memory","level":"critical"}})"
        "\n");
  CHECK(exit_event("web", 7 << 8) == R"({"type":"exit","id":"web","data":{"status":7}})"
                                     "\n");
  CHECK(exit_event("web", 9) == R"({"type":"exit","id":"web","data":{"status":137,"signal":9}})"
                                "\n");
  CHECK(exit_event("web", std::nullopt) == R"({"type":"exit","id":"web","data":{}})"
                                           "\n");
}
