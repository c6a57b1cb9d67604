#include <algorithm>
#include <cmath>

#include "src/base/text.h"
#include "src/linux/cgroup/resource_files.h"

namespace skiff::cgroup {
namespace {

constexpr uint64_t kDefaultPeriod = 100000;  // microseconds; sched-bwc.rst
constexpr uint64_t kMinSharesV1 = 2;
constexpr uint64_t kMaxSharesV1 = 262144;

Result<void> check_list(const std::string& list, std::string_view name) {
  if (list.find_first_not_of("0123456789,-:/ ") == std::string::npos) return {};
  return Error::invalid("{}: expected a list such as \"0-3,7\", found {}", field(name),
                        text::quote(list));
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

}  // namespace

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
  TRY(check_list(cpu.cpus, "cpu.cpus"));
  return check_list(cpu.mems, "cpu.mems");
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
