#include "src/linux/cgroup/resources.h"

#include <algorithm>
#include <cmath>

#include "src/base/text.h"

namespace skiff::cgroup {
namespace {

using Files = std::vector<FileValue>;

constexpr uint64_t kDefaultPeriod = 100000;  // microseconds; sched-bwc.rst
constexpr uint64_t kMinSharesV1 = 2;
constexpr uint64_t kMaxSharesV1 = 262144;

std::string field(std::string_view name) { return std::string("linux.resources.").append(name); }

void put(Files& files, std::string_view file, std::string value, std::string_view name) {
  files.push_back({std::string(file), std::move(value), field(name)});
}

/// Bytes as v2 writes them; -1 is no limit. Zero means "leave alone" to every engine.
std::string bytes_or_max(int64_t bytes) { return bytes < 0 ? "max" : fmt::to_string(bytes); }

bool is_set(const std::optional<int64_t>& value) { return value.value_or(0) != 0; }
bool is_set(const std::optional<uint64_t>& value) { return value.value_or(0) != 0; }

Result<void> check_bytes(const std::optional<int64_t>& bytes, std::string_view name) {
  if (bytes.value_or(0) >= -1) return {};
  return Error::invalid("{}: {} is neither a number of bytes nor -1 for no limit", field(name),
                        *bytes);
}

/// What both versions demand of memory and swap, which is memory *plus* swap.
Result<void> check_memory(const spec::Memory& memory) {
  TRY(check_bytes(memory.limit, "memory.limit"));
  TRY(check_bytes(memory.reservation, "memory.reservation"));
  TRY(check_bytes(memory.swap, "memory.swap"));
  TRY(check_bytes(memory.kernel, "memory.kernel"));
  TRY(check_bytes(memory.kernel_tcp, "memory.kernelTCP"));
  if (memory.swappiness.value_or(0) > 100)
    return Error::invalid("linux.resources.memory.swappiness: {} is above the maximum, 100",
                          *memory.swappiness);
  const int64_t swap = memory.swap.value_or(0);
  if (swap <= 0) return {};
  const int64_t limit = memory.limit.value_or(0);
  if (limit <= 0)
    return Error::invalid(
        "linux.resources.memory.swap: {} is memory plus swap and needs memory.limit as well", swap);
  if (swap < limit)
    return Error::invalid(
        "linux.resources.memory.swap: {} is memory plus swap and cannot be below memory.limit, {}",
        swap, limit);
  return {};
}

/// Kernel: CFS bandwidth takes periods of 1 ms to 1 s and quotas of 1 ms and more.
Result<void> check_cpu(const spec::Cpu& cpu) {
  if (is_set(cpu.period) && (*cpu.period < 1000 || *cpu.period > 1000000))
    return Error::invalid("linux.resources.cpu.period: {} is not in 1000…1000000 microseconds",
                          *cpu.period);
  if (cpu.quota.value_or(0) > 0 && *cpu.quota < 1000)
    return Error::invalid("linux.resources.cpu.quota: {} is below the minimum, 1000 microseconds",
                          *cpu.quota);
  if (cpu.quota.value_or(0) > 0 && cpu.burst.value_or(0) > static_cast<uint64_t>(*cpu.quota))
    return Error::invalid("linux.resources.cpu.burst: {} is larger than cpu.quota, {}", *cpu.burst,
                          *cpu.quota);
  if (cpu.idle && *cpu.idle != 0 && *cpu.idle != 1)
    return Error::invalid("linux.resources.cpu.idle: {} is neither 0 nor 1", *cpu.idle);
  return {};
}

Result<void> check_list(const std::string& list, std::string_view name) {
  if (list.find_first_not_of("0123456789,-:/ ") == std::string::npos) return {};
  return Error::invalid("{}: expected a list such as \"0-3,7\", found {}", field(name),
                        text::quote(list));
}

Result<void> check(const spec::Resources& resources) {
  if (resources.memory) TRY(check_memory(*resources.memory));
  if (!resources.cpu) return {};
  TRY(check_cpu(*resources.cpu));
  TRY(check_list(resources.cpu->cpus, "cpu.cpus"));
  return check_list(resources.cpu->mems, "cpu.mems");
}

/// Zero tasks would leave no room for the container's own process; 1 says the same of
/// every further one, and is what runc writes.
std::string pids_value(int64_t limit) {
  if (limit < 0) return "max";
  return fmt::to_string(std::max<int64_t>(limit, 1));
}

/// A kernel that cannot account swap has no file to limit it. What asks for no swap
/// or for no limit is then as fulfilled as it can be; any other value is not.
bool swap_may_be_unlimited(const spec::Memory& memory) {
  return memory.swap.value_or(0) <= 0 || *memory.swap == memory.limit.value_or(0);
}

/// Setting memory unlimited and saying nothing of swap means both, as a finite swap
/// limit cannot outlive the memory limit it contains.
bool swap_follows_unlimited_memory(const spec::Memory& memory) {
  return memory.limit.value_or(0) == -1 && !is_set(memory.swap);
}

Result<void> put_memory_v2(Files& files, const spec::Memory& memory) {
  if (memory.swappiness)
    return Error::invalid("linux.resources.memory.swappiness: cgroup v2 has no swappiness");
  if (memory.disable_oom_killer.value_or(false))
    return Error::invalid(
        "linux.resources.memory.disableOOMKiller: cgroup v2 cannot disable the OOM killer");
  if (!memory.use_hierarchy.value_or(true))
    return Error::invalid("linux.resources.memory.useHierarchy: cgroup v2 is always hierarchical");
  if (memory.kernel.value_or(0) > 0)
    return Error::invalid(
        "linux.resources.memory.kernel: cgroup v2 has no limit of kernel memory alone");
  if (memory.kernel_tcp.value_or(0) > 0)
    return Error::invalid(
        "linux.resources.memory.kernelTCP: cgroup v2 has no limit of TCP memory alone");
  const int64_t limit = memory.limit.value_or(0);
  if (is_set(memory.swap) || swap_follows_unlimited_memory(memory)) {
    const int64_t swap = memory.swap.value_or(0);
    put(files, "memory.swap.max", swap > 0 ? fmt::to_string(swap - limit) : "max", "memory.swap");
    files.back().may_be_absent = swap_may_be_unlimited(memory);
  }
  if (limit != 0) put(files, "memory.max", bytes_or_max(limit), "memory.limit");
  if (is_set(memory.reservation))
    put(files, "memory.low", bytes_or_max(*memory.reservation), "memory.reservation");
  return {};
}

Result<void> put_memory_v1(Files& files, const spec::Memory& memory) {
  if (memory.use_hierarchy)
    put(files, "memory/memory.use_hierarchy", *memory.use_hierarchy ? "1" : "0",
        "memory.useHierarchy");
  // The order of a shrinking limit. A growing one is refused (EINVAL) until memsw has
  // grown, and is then written again after it.
  if (is_set(memory.limit))
    put(files, "memory/memory.limit_in_bytes", fmt::to_string(*memory.limit), "memory.limit");
  if (is_set(memory.swap) || swap_follows_unlimited_memory(memory)) {
    const int64_t swap = is_set(memory.swap) ? *memory.swap : -1;
    put(files, "memory/memory.memsw.limit_in_bytes", fmt::to_string(swap), "memory.swap");
    files.back().may_be_absent = swap_may_be_unlimited(memory);
  }
  if (is_set(memory.reservation))
    put(files, "memory/memory.soft_limit_in_bytes", fmt::to_string(*memory.reservation),
        "memory.reservation");
  // Not recommended by the specification and refused by Linux 5.16 and later, but never ignored.
  if (memory.kernel.value_or(0) > 0)
    put(files, "memory/memory.kmem.limit_in_bytes", fmt::to_string(*memory.kernel),
        "memory.kernel");
  if (memory.kernel_tcp.value_or(0) > 0)
    put(files, "memory/memory.kmem.tcp.limit_in_bytes", fmt::to_string(*memory.kernel_tcp),
        "memory.kernelTCP");
  if (memory.swappiness)
    put(files, "memory/memory.swappiness", fmt::to_string(*memory.swappiness), "memory.swappiness");
  if (memory.disable_oom_killer) {
    put(files, "memory/memory.oom_control", *memory.disable_oom_killer ? "1" : "0",
        "memory.disableOOMKiller");
    files.back().may_be_absent = !*memory.disable_oom_killer;
  }
  return {};
}

Result<void> put_cpu_v2(Files& files, const spec::Cpu& cpu) {
  if (is_set(cpu.realtime_runtime))
    return Error::invalid("linux.resources.cpu.realtimeRuntime: cgroup v2 has no real-time limits");
  if (is_set(cpu.realtime_period))
    return Error::invalid("linux.resources.cpu.realtimePeriod: cgroup v2 has no real-time limits");
  if (cpu.idle) put(files, "cpu.idle", fmt::to_string(*cpu.idle), "cpu.idle");
  // An idle group refuses any weight; leaving idle resets it.
  if (is_set(cpu.shares) && cpu.idle.value_or(0) == 0)
    put(files, "cpu.weight", fmt::to_string(weight_from_shares(*cpu.shares)), "cpu.shares");
  if (is_set(cpu.quota) || is_set(cpu.period)) {
    const uint64_t period = is_set(cpu.period) ? *cpu.period : kDefaultPeriod;
    const std::string quota =
        cpu.quota.value_or(0) > 0 ? fmt::to_string(*cpu.quota) : std::string("max");
    put(files, "cpu.max", fmt::format("{} {}", quota, period),
        is_set(cpu.quota) ? "cpu.quota" : "cpu.period");
  }
  if (cpu.burst) {
    put(files, "cpu.max.burst", fmt::to_string(*cpu.burst), "cpu.burst");
    files.back().may_be_absent = *cpu.burst == 0;
  }
  return {};
}

Result<void> put_shares_v1(Files& files, const spec::Cpu& cpu) {
  if (cpu.idle) put(files, "cpu/cpu.idle", fmt::to_string(*cpu.idle), "cpu.idle");
  if (!is_set(cpu.shares) || cpu.idle.value_or(0) == 1) return {};
  // The kernel would silently write another number.
  if (*cpu.shares < kMinSharesV1)
    return Error::invalid("linux.resources.cpu.shares: {} is below the minimum, {}", *cpu.shares,
                          kMinSharesV1);
  if (*cpu.shares > kMaxSharesV1)
    return Error::invalid("linux.resources.cpu.shares: {} is above the maximum, {}", *cpu.shares,
                          kMaxSharesV1);
  put(files, "cpu/cpu.shares", fmt::to_string(*cpu.shares), "cpu.shares");
  return {};
}

Result<void> put_cpu_v1(Files& files, const spec::Cpu& cpu) {
  TRY(put_shares_v1(files, cpu));
  if (is_set(cpu.period))
    put(files, "cpu/cpu.cfs_period_us", fmt::to_string(*cpu.period), "cpu.period");
  if (is_set(cpu.quota))
    put(files, "cpu/cpu.cfs_quota_us", fmt::to_string(std::max<int64_t>(*cpu.quota, -1)),
        "cpu.quota");
  if (cpu.burst) {
    put(files, "cpu/cpu.cfs_burst_us", fmt::to_string(*cpu.burst), "cpu.burst");
    files.back().may_be_absent = *cpu.burst == 0;
  }
  if (is_set(cpu.realtime_period))
    put(files, "cpu/cpu.rt_period_us", fmt::to_string(*cpu.realtime_period), "cpu.realtimePeriod");
  if (is_set(cpu.realtime_runtime))
    put(files, "cpu/cpu.rt_runtime_us", fmt::to_string(*cpu.realtime_runtime),
        "cpu.realtimeRuntime");
  return {};
}

void put_cpuset(Files& files, const spec::Cpu& cpu, std::string_view prefix) {
  const std::string at(prefix);
  if (!cpu.cpus.empty()) put(files, at + "cpuset.cpus", cpu.cpus, "cpu.cpus");
  if (!cpu.mems.empty()) put(files, at + "cpuset.mems", cpu.mems, "cpu.mems");
}

}  // namespace

Result<std::vector<FileValue>> v2_files(const spec::Resources& resources) {
  TRY(check(resources));
  Files files;
  if (resources.memory) TRY(put_memory_v2(files, *resources.memory));
  if (resources.cpu) TRY(put_cpu_v2(files, *resources.cpu));
  if (resources.cpu) put_cpuset(files, *resources.cpu, "");
  if (resources.pids_limit) put(files, "pids.max", pids_value(*resources.pids_limit), "pids.limit");
  return files;
}

Result<std::vector<FileValue>> v1_files(const spec::Resources& resources) {
  TRY(check(resources));
  Files files;
  if (resources.memory) TRY(put_memory_v1(files, *resources.memory));
  if (resources.cpu) TRY(put_cpu_v1(files, *resources.cpu));
  if (resources.cpu) put_cpuset(files, *resources.cpu, "cpuset/");
  if (resources.pids_limit)
    put(files, "pids/pids.max", pids_value(*resources.pids_limit), "pids.limit");
  return files;
}

std::string_view controller_of(const FileValue& file) {
  return std::string_view(file.file).substr(0, file.file.find_first_of("/."));
}

std::vector<std::string> controllers_needed(const std::vector<FileValue>& files) {
  std::vector<std::string> needed;
  for (const FileValue& file : files) {
    if (file.may_be_absent) continue;
    const std::string controller(controller_of(file));
    if (std::find(needed.begin(), needed.end(), controller) == needed.end())
      needed.push_back(controller);
  }
  return needed;
}

std::string field_of(std::string_view controller) {
  return field(controller == "cpuset" ? "cpu" : controller);
}

spec::Resources select(const spec::Resources& resources,
                       const std::vector<std::string>& controllers, bool inside) {
  const auto belongs = [&](std::string_view controller) {
    return (std::find(controllers.begin(), controllers.end(), controller) != controllers.end()) ==
           inside;
  };
  spec::Resources part = resources;
  if (!belongs("devices")) part.devices.clear();
  if (!belongs("memory")) part.memory.reset();
  if (!belongs("pids")) part.pids_limit.reset();
  if (part.cpu && !belongs("cpuset")) {
    part.cpu->cpus.clear();
    part.cpu->mems.clear();
  }
  if (part.cpu && !belongs("cpu")) {
    spec::Cpu cpuset;
    cpuset.cpus = part.cpu->cpus;
    cpuset.mems = part.cpu->mems;
    part.cpu = cpuset;
  }
  return part;
}

bool asks_for_limits(const spec::Resources& resources) {
  const auto files = v1_files(resources);
  return !files || !controllers_needed(*files).empty();
}

uint64_t weight_from_shares(uint64_t shares) {
  if (shares == 0) return 0;
  if (shares <= kMinSharesV1) return 1;
  if (shares >= kMaxSharesV1) return 10000;
  // A parabola in log2 through (2, 1), (1024, 100) and (262144, 10000): the minimum,
  // the default and the maximum of each side.
  const double l = std::log2(static_cast<double>(shares));
  const double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  return static_cast<uint64_t>(std::ceil(std::pow(10, exponent)));
}

}  // namespace skiff::cgroup
