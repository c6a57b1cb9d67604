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

/// "memory.max=1" for each file, "?" after those that may be absent; or the error.
std::string told(const Result<std::vector<FileValue>>& files) {
  if (!files) return files.error().text();
  std::string text;
  for (const FileValue& file : *files)
    text += fmt::format("{}{}={}{}", text.empty() ? "" : ", ", file.file, file.value,
                        file.may_be_absent ? "?" : "");
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
  const std::vector<std::string> expected = {"memory", "cpuset", "pids"};
  CHECK(controllers_needed(*v1_files(resources)) == expected);
  CHECK(controllers_needed(*v2_files(resources)) == expected);
  CHECK(field_of("cpuset") == "linux.resources.cpu");
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
