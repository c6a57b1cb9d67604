#include <catch2/catch.hpp>

#include "src/linux/cgroup/directory.h"
#include "src/linux/cgroup/resources.h"

using namespace skiff;
using namespace skiff::cgroup;

namespace {

constexpr int64_t kMiB = 1 << 20;

spec::Resources with(const spec::Memory& memory) {
  spec::Resources resources;
  resources.memory = memory;
  return resources;
}

spec::Resources with(const spec::Cpu& cpu) {
  spec::Resources resources;
  resources.cpu = cpu;
  return resources;
}

/// "memory.max=1" for each file, "?" after those that may be absent, "|" before another file
/// for the same purpose; or the error.
std::string told(const Result<std::vector<FileValue>>& files) {
  if (!files) return files.error().text();
  std::string text;
  for (const FileValue& file : *files)
    text += fmt::format("{}{}={}{}", text.empty() ? "" : ", ", file.file, file.value,
                        file.may_be_absent ? "?" : "") +
            (file.also_file.empty() ? "" : "|" + file.also_file + "=" + file.also_value);
  return text;
}

std::string told(const std::vector<Need>& needs) {
  std::string text;
  for (const Need& need : needs)
    text += fmt::format("{}{} for {}", text.empty() ? "" : ", ", need.controller, need.field);
  return text;
}

spec::Memory memory(std::optional<int64_t> limit, std::optional<int64_t> swap) {
  spec::Memory memory;
  memory.limit = limit;
  memory.swap = swap;
  return memory;
}

spec::Cpu quota(std::optional<int64_t> quota, std::optional<uint64_t> period) {
  spec::Cpu cpu;
  cpu.quota = quota;
  cpu.period = period;
  return cpu;
}

}  // namespace

TEST_CASE("empty resources write nothing", "[linux]") {
  spec::Resources resources;
  resources.memory.emplace();
  resources.cpu.emplace();
  CHECK(told(v1_files(resources)).empty());
  CHECK(told(v2_files(resources)).empty());
  CHECK_FALSE(asks_for_limits(resources));
}

TEST_CASE("v2 swap is what the sum leaves above memory", "[linux]") {
  const auto v2 = [](std::optional<int64_t> limit, std::optional<int64_t> swap) {
    return told(v2_files(with(memory(limit, swap))));
  };
  CHECK(v2(512 * kMiB, {}) == "memory.max=536870912");
  CHECK(v2(512, 768) == "memory.swap.max=256, memory.max=512");
  CHECK(v2(512, 512) == "memory.swap.max=0?, memory.max=512");
  CHECK(v2(512, -1) == "memory.swap.max=max?, memory.max=512");
  CHECK(v2(512, 0) == "memory.max=512");
  CHECK(v2(-1, {}) == "memory.swap.max=max?, memory.max=max");
  CHECK(v2(-1, 0) == "memory.swap.max=max?, memory.max=max");
  CHECK(v2(0, {}).empty());
  CHECK(v2({}, -1) == "memory.swap.max=max?");
  CHECK(v2(512, 511) ==
        "linux.resources.memory.swap: 511 is memory plus swap and cannot be below memory.limit, "
        "512");
  CHECK(v2({}, 512) ==
        "linux.resources.memory.swap: 512 is memory plus swap and needs memory.limit as well");
  CHECK(v2(-2, {}) ==
        "linux.resources.memory.limit: -2 is neither a number of bytes nor -1 for no limit");
}

TEST_CASE("v1 memory goes before memory plus swap", "[linux]") {
  const auto v1 = [](std::optional<int64_t> limit, std::optional<int64_t> swap) {
    return told(v1_files(with(memory(limit, swap))));
  };
  CHECK(v1(512, 768) == "memory/memory.limit_in_bytes=512, memory/memory.memsw.limit_in_bytes=768");
  CHECK(v1(512, 512) ==
        "memory/memory.limit_in_bytes=512, memory/memory.memsw.limit_in_bytes=512?");
  CHECK(v1(-1, {}) == "memory/memory.limit_in_bytes=-1, memory/memory.memsw.limit_in_bytes=-1?");
  CHECK(v1(512, 511) ==
        "linux.resources.memory.swap: 511 is memory plus swap and cannot be below memory.limit, "
        "512");
}

TEST_CASE("all of memory has its v1 file", "[linux]") {
  spec::Memory all = memory(1000, 2000);
  all.reservation = 500;
  all.kernel = 600;
  all.kernel_tcp = 700;
  all.swappiness = 100;
  all.disable_oom_killer = true;
  all.use_hierarchy = true;
  CHECK(told(v1_files(with(all))) ==
        "memory/memory.use_hierarchy=1, memory/memory.limit_in_bytes=1000, "
        "memory/memory.memsw.limit_in_bytes=2000, memory/memory.soft_limit_in_bytes=500, "
        "memory/memory.kmem.limit_in_bytes=600, memory/memory.kmem.tcp.limit_in_bytes=700, "
        "memory/memory.swappiness=100, memory/memory.oom_control=1");
  all.swappiness = 101;
  CHECK(told(v1_files(with(all))) ==
        "linux.resources.memory.swappiness: 101 is above the maximum, 100");
}

TEST_CASE("what cgroup v2 lacks is refused, what says nothing there is not", "[linux]") {
  const auto v2 = [](auto change) {
    spec::Memory memory;
    change(memory);
    return told(v2_files(with(memory)));
  };
  CHECK(v2([](auto& m) { m.swappiness = 0; }) ==
        "linux.resources.memory.swappiness: cgroup v2 has no swappiness");
  CHECK(v2([](auto& m) { m.disable_oom_killer = true; }) ==
        "linux.resources.memory.disableOOMKiller: cgroup v2 cannot disable the OOM killer");
  CHECK(v2([](auto& m) { m.disable_oom_killer = false; }).empty());
  CHECK(v2([](auto& m) { m.use_hierarchy = false; }) ==
        "linux.resources.memory.useHierarchy: cgroup v2 is always hierarchical");
  CHECK(v2([](auto& m) { m.use_hierarchy = true; }).empty());
  CHECK(v2([](auto& m) { m.kernel = 4096; }) ==
        "linux.resources.memory.kernel: cgroup v2 has no limit of kernel memory alone");
  CHECK(v2([](auto& m) { m.kernel_tcp = 4096; }) ==
        "linux.resources.memory.kernelTCP: cgroup v2 has no limit of TCP memory alone");
  CHECK(v2([](auto& m) { m.kernel = m.kernel_tcp = -1; }).empty());
  CHECK(v2([](auto& m) { m.reservation = -1; }) == "memory.low=max");
  spec::Cpu realtime;
  realtime.realtime_runtime = 950000;
  CHECK(told(v2_files(with(realtime))) ==
        "linux.resources.cpu.realtimeRuntime: cgroup v2 has no real-time limits");
  CHECK(told(v1_files(with(realtime))) == "cpu/cpu.rt_runtime_us=950000");
}

TEST_CASE("an enabled OOM killer needs no memory controller", "[linux]") {
  spec::Memory memory;
  memory.disable_oom_killer = false;
  CHECK(told(v1_files(with(memory))) == "memory/memory.oom_control=0?");
  CHECK(controllers_needed(*v1_files(with(memory))).empty());
}

TEST_CASE("quota and period make one v2 file and two v1 files", "[linux]") {
  const auto v2 = [](auto q, auto p) { return told(v2_files(with(quota(q, p)))); };
  const auto v1 = [](auto q, auto p) { return told(v1_files(with(quota(q, p)))); };
  CHECK(v2(50000, 200000) == "cpu.max=50000 200000");
  CHECK(v2(50000, std::nullopt) == "cpu.max=50000 100000");
  CHECK(v2(-1, std::nullopt) == "cpu.max=max 100000");
  CHECK(v2(std::nullopt, 200000) == "cpu.max=max 200000");
  CHECK(v2(0, 0).empty());
  CHECK(v1(50000, 200000) == "cpu/cpu.cfs_period_us=200000, cpu/cpu.cfs_quota_us=50000");
  CHECK(v1(-5, std::nullopt) == "cpu/cpu.cfs_quota_us=-1");
  CHECK(v1(999, std::nullopt) ==
        "linux.resources.cpu.quota: 999 is below the minimum, 1000 microseconds");
  CHECK(v2(std::nullopt, 1000001) ==
        "linux.resources.cpu.period: 1000001 is not in 1000…1000000 microseconds");
  spec::Cpu burst = quota(50000, {});
  burst.burst = 20000;
  CHECK(told(v2_files(with(burst))) == "cpu.max=50000 100000, cpu.max.burst=20000");
  burst.burst = 50001;
  CHECK(told(v1_files(with(burst))) ==
        "linux.resources.cpu.burst: 50001 is larger than cpu.quota, 50000");
}

TEST_CASE("shares become a weight on v2 and are checked on v1", "[linux]") {
  spec::Cpu cpu;
  cpu.shares = 512;
  CHECK(told(v2_files(with(cpu))) == "cpu.weight=59");
  CHECK(told(v1_files(with(cpu))) == "cpu/cpu.shares=512");
  cpu.shares = 1;
  CHECK(told(v1_files(with(cpu))) == "linux.resources.cpu.shares: 1 is below the minimum, 2");
  cpu.shares = 262145;
  CHECK(told(v1_files(with(cpu))) ==
        "linux.resources.cpu.shares: 262145 is above the maximum, 262144");
  cpu.shares = 0;
  CHECK(told(v1_files(with(cpu))).empty());
}

TEST_CASE("the weight keeps minimum, default and maximum, and the order", "[linux]") {
  CHECK(weight_from_shares(0) == 0);
  CHECK(weight_from_shares(1) == 1);
  CHECK(weight_from_shares(2) == 1);
  CHECK(weight_from_shares(1024) == 100);
  CHECK(weight_from_shares(262144) == 10000);
  CHECK(weight_from_shares(UINT64_MAX) == 10000);
  for (uint64_t shares = 1; shares <= 262144; ++shares)
    if (weight_from_shares(shares) > weight_from_shares(shares + 1))
      FAIL("the weight of " << shares << " is above that of the next");
}

TEST_CASE("an idle group takes no weight", "[linux]") {
  spec::Cpu cpu;
  cpu.idle = 1;
  cpu.shares = 512;
  CHECK(told(v2_files(with(cpu))) == "cpu.idle=1");
  CHECK(told(v1_files(with(cpu))) == "cpu/cpu.idle=1");
  cpu.idle = 0;
  CHECK(told(v2_files(with(cpu))) == "cpu.idle=0, cpu.weight=59");
  cpu.idle = 2;
  CHECK(told(v2_files(with(cpu))) == "linux.resources.cpu.idle: 2 is neither 0 nor 1");
}

TEST_CASE("cpusets are lists", "[linux]") {
  spec::Cpu cpu;
  cpu.cpus = "0-3,7";
  cpu.mems = "0";
  CHECK(told(v2_files(with(cpu))) == "cpuset.cpus=0-3,7, cpuset.mems=0");
  CHECK(told(v1_files(with(cpu))) == "cpuset/cpuset.cpus=0-3,7, cpuset/cpuset.mems=0");
  cpu.mems = "0\n1";
  CHECK(told(v1_files(with(cpu))) ==
        "linux.resources.cpu.mems: expected a list such as \"0-3,7\", found \"0\\n1\"");
}

TEST_CASE("a task limit leaves room for the container's process", "[linux]") {
  const auto v2 = [](int64_t limit) {
    spec::Resources resources;
    resources.pids_limit = limit;
    return told(v2_files(resources));
  };
  CHECK(v2(100) == "pids.max=100");
  CHECK(v2(0) == "pids.max=1");
  CHECK(v2(-1) == "pids.max=max");
}

TEST_CASE("the needed controllers are those of the files", "[linux]") {
  spec::Resources resources = with(memory(512, {}));
  resources.pids_limit = 5;
  resources.cpu.emplace();
  resources.cpu->cpus = "0";
  resources.cpu->mems = "0";
  const std::string expected =
      "memory for linux.resources.memory.limit, cpuset for linux.resources.cpu.cpus, pids for "
      "linux.resources.pids.limit";
  CHECK(told(controllers_needed(*v1_files(resources))) == expected);
  CHECK(told(controllers_needed(*v2_files(resources))) == expected);
  CHECK(told(controllers_needed(unified_files({{"misc.max", "a 1"}, {"cgroup.max.depth", "1"}}))) ==
        "misc for linux.resources.unified.misc.max");
}

TEST_CASE("resources divide between hierarchies by controller", "[linux]") {
  spec::Resources resources = with(memory(512, {}));
  resources.pids_limit = 5;
  resources.cpu.emplace();
  resources.cpu->cpus = "0";
  resources.cpu->shares = 512;
  resources.devices.resize(1);
  const std::vector<std::string> on_v1 = {"memory", "cpu", "devices"};
  CHECK(told(v1_files(select(resources, on_v1, true))) ==
        "memory/memory.limit_in_bytes=512, cpu/cpu.shares=512");
  CHECK(told(v2_files(select(resources, on_v1, false))) == "cpuset.cpus=0, pids.max=5");
  CHECK(select(resources, on_v1, true).devices.size() == 1);
  CHECK(select(resources, on_v1, false).devices.empty());
}

TEST_CASE("a refused value is written again after the others", "[linux]") {
  int64_t limit = 10;
  int64_t memsw = 10;
  // As v1 memory: neither may pass the other.
  const auto write = [&](const FileValue& file) -> Result<void> {
    const int64_t value = std::stoll(file.value);
    int64_t& target = file.file == "limit" ? limit : memsw;
    const int64_t old = std::exchange(target, value);
    if (limit <= memsw) return {};
    target = old;
    return Error::from_code(EINVAL, "write {} to {}", file.value, file.file);
  };
  CHECK(write_in_workable_order({{"limit", "20", "f.limit"}, {"memsw", "30", "f.swap"}}, write));
  CHECK(limit == 20);
  CHECK(write_in_workable_order({{"limit", "5", "f.limit"}, {"memsw", "6", "f.swap"}}, write));
  CHECK(memsw == 6);
  CHECK(write_in_workable_order({{"limit", "9", "f.limit"}, {"memsw", "8", "f.swap"}}, write)
            .error()
            .text() == "f.limit: write 9 to limit: Invalid argument");
}

TEST_CASE("any other refusal ends the writing", "[linux]") {
  std::vector<std::string> written;
  const auto write = [&](const FileValue& file) -> Result<void> {
    written.push_back(file.file);
    return Error::from_code(EBUSY, "write {} to {}", file.value, file.file);
  };
  CHECK(write_in_workable_order({{"memory.max", "512", "linux.resources.memory.limit"},
                                 {"pids.max", "5", "linux.resources.pids.limit"}},
                                write)
            .error()
            .text() ==
        "linux.resources.memory.limit: write 512 to memory.max: Device or resource busy");
  CHECK(written == std::vector<std::string>{"memory.max"});
}

TEST_CASE("block weights go to BFQ and to the weight of all schedulers", "[linux]") {
  spec::Resources resources;
  resources.block_io.emplace();
  CHECK(told(v1_files(resources)).empty());
  CHECK(told(v2_files(resources)).empty());
  resources.block_io->weight = 10;
  resources.block_io->weight_device = {{8, 0, 1000, {}}, {8, 16, 100, {}}};
  CHECK(told(v2_files(resources)) ==
        "io.bfq.weight=10|io.weight=1, io.bfq.weight=8:0 1000|io.weight=8:0 10000, "
        "io.bfq.weight=8:16 100|io.weight=8:16 910");
  CHECK(told(v1_files(resources)) ==
        "blkio/blkio.bfq.weight=10|blkio/blkio.weight=10, "
        "blkio/blkio.bfq.weight_device=8:0 1000|blkio/blkio.weight_device=8:0 1000, "
        "blkio/blkio.bfq.weight_device=8:16 100|blkio/blkio.weight_device=8:16 100");
}

TEST_CASE("leaf weights are v1's", "[linux]") {
  spec::Resources resources;
  resources.block_io.emplace();
  resources.block_io->leaf_weight = 20;
  CHECK(told(v1_files(resources)) == "blkio/blkio.leaf_weight=20");
  CHECK(told(v2_files(resources)) ==
        "linux.resources.blockIO.leafWeight: cgroup v2 has no weight of a cgroup's own processes");
  resources.block_io->leaf_weight.reset();
  resources.block_io->weight_device = {{8, 0, {}, 30}};
  CHECK(told(v1_files(resources)) == "blkio/blkio.leaf_weight_device=8:0 30");
  CHECK(told(v2_files(resources)) ==
        "linux.resources.blockIO.weightDevice[0].leafWeight: cgroup v2 has no weight of a cgroup's "
        "own processes");
}

TEST_CASE("the linear conversion of block weights", "[linux]") {
  const std::pair<uint16_t, uint64_t> table[] = {{0, 0},      {10, 1},     {11, 11},     {100, 910},
                                                 {500, 4950}, {999, 9989}, {1000, 10000}};
  for (const auto& [weight, converted] : table) CHECK(io_weight_from_blkio(weight) == converted);
}

TEST_CASE("throttles are written device by device", "[linux]") {
  spec::Resources resources;
  spec::BlockIo& io = resources.block_io.emplace();
  io.throttle_read_bps = {{8, 0, 1048576}};
  io.throttle_write_bps = {{8, 0, 2097152}, {8, 16, 0}};
  io.throttle_read_iops = {{8, 0, 100}};
  io.throttle_write_iops = {{8, 0, 200}};
  CHECK(told(v2_files(resources)) ==
        "io.max=8:0 rbps=1048576, io.max=8:0 wbps=2097152, io.max=8:16 wbps=max, "
        "io.max=8:0 riops=100, io.max=8:0 wiops=200");
  CHECK(told(v1_files(resources)) ==
        "blkio/blkio.throttle.read_bps_device=8:0 1048576, "
        "blkio/blkio.throttle.write_bps_device=8:0 2097152, "
        "blkio/blkio.throttle.write_bps_device=8:16 0, "
        "blkio/blkio.throttle.read_iops_device=8:0 100, "
        "blkio/blkio.throttle.write_iops_device=8:0 200");
  CHECK(v2_files(resources)->at(2).field == "linux.resources.blockIO.throttleWriteBpsDevice[1]");
}

TEST_CASE("huge pages are limited in use and in reservation", "[linux]") {
  spec::Resources resources;
  resources.hugepage_limits = {{"2MB", 4194304}, {"1GB", 0}};
  CHECK(told(v2_files(resources)) ==
        "hugetlb.2MB.max=4194304, hugetlb.2MB.rsvd.max=4194304?, hugetlb.1GB.max=0, "
        "hugetlb.1GB.rsvd.max=0?");
  CHECK(told(v1_files(resources)) ==
        "hugetlb/hugetlb.2MB.limit_in_bytes=4194304, "
        "hugetlb/hugetlb.2MB.rsvd.limit_in_bytes=4194304?, hugetlb/hugetlb.1GB.limit_in_bytes=0, "
        "hugetlb/hugetlb.1GB.rsvd.limit_in_bytes=0?");
}

TEST_CASE("network classes and priorities are v1's", "[linux]") {
  spec::Resources resources;
  resources.network.emplace();
  resources.network->class_id = 0;
  CHECK(told(v2_files(resources)).empty());
  resources.network->class_id = 0x100001;
  resources.network->priorities = {{"eth0", 5}, {"lo", 0}};
  CHECK(told(v1_files(resources)) ==
        "net_cls/net_cls.classid=1048577, net_prio/net_prio.ifpriomap=eth0 5, "
        "net_prio/net_prio.ifpriomap=lo 0");
  CHECK(told(v2_files(resources)) ==
        "linux.resources.network.classID: needs the cgroup v1 controller \"net_cls\", which is not "
        "mounted; cgroup v2 has none");
  resources.network->class_id.reset();
  CHECK(told(v2_files(resources)) ==
        "linux.resources.network.priorities: needs the cgroup v1 controller \"net_prio\", which is "
        "not mounted; cgroup v2 has none");
}

TEST_CASE("RDMA limits name what they limit", "[linux]") {
  spec::Resources resources;
  resources.rdma = {{"mlx5_0", 2, 2000}, {"ocrdma1", {}, 3}};
  CHECK(told(v2_files(resources)) ==
        "rdma.max=mlx5_0 hca_handle=2 hca_object=2000, rdma.max=ocrdma1 hca_object=3");
  CHECK(told(v1_files(resources)) ==
        "rdma/rdma.max=mlx5_0 hca_handle=2 hca_object=2000, rdma/rdma.max=ocrdma1 hca_object=3");
}

TEST_CASE("unified files are written line by line", "[linux]") {
  CHECK(told(unified_files({{"io.max", "8:0 rbps=1\n8:16 wbps=2\n"}, {"memory.high", "512"}})) ==
        "io.max=8:0 rbps=1, io.max=8:16 wbps=2, memory.high=512");
  CHECK(unified_files({{"cpuset.cpus", ""}}).at(0).value == "\n");
  spec::Resources resources;
  resources.unified = {{"memory.high", "512"}};
  CHECK(told(v1_files(resources)) ==
        "linux.resources.unified.memory.high: is of cgroup v2, which is not mounted");
  CHECK(asks_for_limits(resources));
}

TEST_CASE("every resource goes to the hierarchy that has its controller", "[linux]") {
  spec::Resources resources;
  resources.block_io.emplace();
  resources.block_io->weight = 10;
  resources.hugepage_limits = {{"2MB", 1}};
  resources.network.emplace();
  resources.network->class_id = 1;
  resources.network->priorities = {{"lo", 1}};
  resources.rdma = {{"a", 1, {}}};
  resources.unified = {{"misc.max", "x 1"}};
  const std::vector<std::string> all = {"blkio", "hugetlb", "net_cls", "net_prio", "rdma"};
  CHECK(v1_files(select(resources, all, true))->size() == 6);
  CHECK(told(v2_files(select(resources, all, false))).empty());
  CHECK(select(resources, all, false).unified.size() == 1);
  CHECK(told(v2_files(select(resources, {"net_cls", "net_prio", "hugetlb"}, false))) ==
        "io.bfq.weight=10|io.weight=1, rdma.max=a hca_handle=1");
}

TEST_CASE("what was in a file can be written back", "[linux]") {
  struct Row {
    const char* file;
    const char* written;
    const char* before;
    const char* restoring;
  };
  const Row table[] = {
      {"memory.max", "512", "max\n", "max"},
      {"cpu.max", "5000 10000", "max 100000\n", "max 100000"},
      {"cpuset.cpus", "0", "\n", "\n"},
      {"cpuset.cpus.partition", "root", "root invalid (no cpus)\n", "root"},
      {"memory.oom_control", "1", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "0"},
      {"io.max", "8:0 rbps=1", "8:0 rbps=7 wbps=max riops=max wiops=max\n",
       "8:0 rbps=7 wbps=max riops=max wiops=max"},
      {"io.max", "8:0 rbps=1", "8:16 rbps=7 wbps=max riops=max wiops=max\n",
       "8:0 rbps=max wbps=max riops=max wiops=max"},
      {"io.weight", "50", "default 100\n8:0 20\n", "default 100"},
      {"io.weight", "8:0 50", "default 100\n8:0 20\n", "8:0 20"},
      {"io.bfq.weight", "8:0 50", "default 100\n", "8:0 default"},
      {"blkio.throttle.read_bps_device", "8:0 50", "", "8:0 0"},
      {"net_prio.ifpriomap", "eth0 5", "lo 0\neth0 3\n", "eth0 3"},
      {"rdma.max", "a hca_handle=1", "a hca_handle=max hca_object=max\n",
       "a hca_handle=max hca_object=max"},
      {"misc.max", "sev 1", "sev max\n", "sev max"},
  };
  for (const Row& row : table) {
    INFO(row.file << " " << row.written);
    CHECK(restoring_values(row.file, row.written, row.before) ==
          std::vector<std::string>{row.restoring});
  }
}

TEST_CASE("a file says what is one of its lines", "[linux]") {
  CHECK(says("512\n", "512"));
  CHECK(says("a 1\nb 2\n", "b 2"));
  CHECK_FALSE(says("5120\n", "512"));
  CHECK(is_keyed("io.max"));
  CHECK(is_keyed("blkio/blkio.throttle.read_bps_device"));
  CHECK_FALSE(is_keyed("memory.max"));
}

TEST_CASE("a limit below the usage is told with both numbers", "[linux]") {
  CHECK(check_memory_usage(memory(100, 200), {100, 200}));
  CHECK(check_memory_usage(memory(-1, -1), {100, 200}));
  CHECK(check_memory_usage(memory(99, {}), {100, 200}).error().text() ==
        "linux.resources.memory.limit: rejecting memory limit 99, below the usage of 100 bytes");
  CHECK(check_memory_usage(memory(100, 199), {100, 200}).error().text() ==
        "linux.resources.memory.swap: rejecting memory+swap limit 199, below the usage of 200 "
        "bytes");
}
