// Limits as properties: systemd.resource-control(5) has their names, its dbus-cgroup.c their types.
#include <algorithm>
#include <optional>

#include "src/base/text.h"
#include "src/linux/cgroup/resources.h"
#include "src/linux/cgroup/systemd_devices.h"
#include "src/linux/cgroup/systemd_unit.h"
#include "src/spec/number_list.h"

namespace skiff::cgroup {
namespace {

using systemd::kInfinity;
using systemd::Properties;
using systemd::unsigned64;
using systemd::Value;

constexpr uint64_t kSecond = 1000000;  // in microseconds
constexpr uint64_t kDefaultPeriod = 100000;
constexpr uint64_t kQuotaStep = 10000;  // what a unit's file can say: 1 % of a processor
constexpr unsigned kHasQuotaPeriod = 242;
constexpr unsigned kHasCpusets = 244;
constexpr unsigned kHasIdle = 252;
constexpr unsigned kHasZswapAndOomGroup = 253;

uint64_t or_infinity(int64_t value) { return value < 0 ? kInfinity : static_cast<uint64_t>(value); }

bool is_set(const std::optional<int64_t>& value) { return value.value_or(0) != 0; }
bool is_set(const std::optional<uint64_t>& value) { return value.value_or(0) != 0; }
bool is_set(const std::optional<uint16_t>& value) { return value.value_or(0) != 0; }

void put_memory(Properties& to, const spec::Memory& memory, const UnitFacts& facts) {
  if (is_set(memory.limit))
    set(to, facts.v2 ? "MemoryMax" : "MemoryLimit", unsigned64(or_infinity(*memory.limit)));
  if (!facts.v2) return;
  if (is_set(memory.reservation))
    set(to, "MemoryLow", unsigned64(or_infinity(*memory.reservation)));
  const int64_t swap = memory.swap.value_or(0);
  const int64_t limit = memory.limit.value_or(0);
  if (swap > 0) set(to, "MemorySwapMax", unsigned64(static_cast<uint64_t>(swap - limit)));
  if (swap < 0 || (swap == 0 && limit < 0)) set(to, "MemorySwapMax", unsigned64(kInfinity));
}

/// Rounded up, as a reload makes it whole hundredths of a processor.
void put_quota(Properties& to, uint64_t quota, uint64_t period, const UnitFacts& facts) {
  uint64_t per_second = kInfinity;
  if (quota != kInfinity) {
    per_second = quota > kInfinity / kSecond ? kInfinity - kQuotaStep : quota * kSecond / period;
    per_second = (per_second + kQuotaStep - 1) / kQuotaStep * kQuotaStep;
  }
  set(to, "CPUQuotaPerSecUSec", unsigned64(per_second));
  if (facts.version >= kHasQuotaPeriod) set(to, "CPUQuotaPeriodUSec", unsigned64(period));
}

/// Eight numbers a byte, the lowest first.
Value mask(const spec::NumberSet& numbers) {
  std::string content;
  for (const uint64_t word : numbers)
    for (unsigned shift = 0; shift < 64; shift += 8)
      content += static_cast<char>(word >> shift & 0xff);
  content.erase(content.find_last_not_of('\0') + 1);
  return systemd::bytes(std::move(content));
}

void put_set(Properties& to, const char* name, std::string_view list, const UnitFacts& facts) {
  if (list.empty() || !facts.v2 || facts.version < kHasCpusets) return;
  // A list that cannot be read is for the kernel to refuse.
  if (const auto numbers = spec::parse_number_list(list)) set(to, name, mask(*numbers));
}

void put_cpu(Properties& to, const spec::Cpu& cpu, const UnitFacts& facts) {
  const bool idle = cpu.idle.value_or(0) == 1;
  if (idle && facts.v2 && facts.version >= kHasIdle) set(to, "CPUWeight", unsigned64(0));
  if (is_set(cpu.shares) && !idle) {
    if (facts.v2)
      set(to, "CPUWeight", unsigned64(weight_from_shares(*cpu.shares)));
    else
      set(to, "CPUShares", unsigned64(*cpu.shares));
  }
  if (is_set(cpu.quota) || is_set(cpu.period)) {
    const uint64_t period = is_set(cpu.period) ? *cpu.period : kDefaultPeriod;
    const int64_t quota = cpu.quota.value_or(0);
    put_quota(to, quota > 0 ? static_cast<uint64_t>(quota) : kInfinity, period, facts);
  }
  put_set(to, "AllowedCPUs", cpu.cpus, facts);
  put_set(to, "AllowedMemoryNodes", cpu.mems, facts);
}

/// Adds to a list of pairs, a device and a number.
void add_pair(Properties& to, const char* name, std::string_view device, uint64_t number) {
  const Value pair = systemd::structure(
      {systemd::string("/dev/block/" + std::string(device)), unsigned64(number)});
  const Value* present = find(to, name);
  Value list = present ? *present : systemd::array("(st)", {});
  list.items.push_back(pair);
  set(to, name, std::move(list));
}

struct Rate {
  const char* key;  // in io.max
  const char* name;
  const char* name_v1;
};
constexpr Rate kRates[] = {
    {"rbps", "IOReadBandwidthMax", "BlockIOReadBandwidth"},
    {"wbps", "IOWriteBandwidthMax", "BlockIOWriteBandwidth"},
    {"riops", "IOReadIOPSMax", nullptr},
    {"wiops", "IOWriteIOPSMax", nullptr},
};

void put_block_io(Properties& to, const spec::BlockIo& io, const UnitFacts& facts) {
  const auto weight = [&](uint16_t value) {
    return facts.v2 ? io_weight_from_blkio(value) : uint64_t{value};
  };
  if (is_set(io.weight))
    set(to, facts.v2 ? "IOWeight" : "BlockIOWeight", unsigned64(weight(*io.weight)));
  for (const spec::WeightDevice& device : io.weight_device)
    if (is_set(device.weight))
      add_pair(to, facts.v2 ? "IODeviceWeight" : "BlockIODeviceWeight",
               fmt::format("{}:{}", device.major, device.minor), weight(*device.weight));
  const std::vector<spec::ThrottleDevice>* lists[] = {&io.throttle_read_bps, &io.throttle_write_bps,
                                                      &io.throttle_read_iops,
                                                      &io.throttle_write_iops};
  for (size_t i = 0; i < std::size(lists); ++i) {
    const char* name = facts.v2 ? kRates[i].name : kRates[i].name_v1;
    if (!name) continue;
    for (const spec::ThrottleDevice& device : *lists[i])
      add_pair(to, name, fmt::format("{}:{}", device.major, device.minor),
               device.rate == 0 ? kInfinity : device.rate);
  }
}

/// A number of bytes or tasks as the kernel reads it: "max", or digits and perhaps K, M or G.
std::optional<uint64_t> kernel_number(std::string_view word) {
  if (word == "max") return kInfinity;
  unsigned shift = 0;
  constexpr std::string_view kUnits = "KMGT";
  if (!word.empty()) {
    const auto unit = kUnits.find(text::upper(word.substr(word.size() - 1)));
    if (unit != std::string_view::npos) {
      shift = 10 * static_cast<unsigned>(unit + 1);
      word.remove_suffix(1);
    }
  }
  const auto number = text::parse_unsigned(word);
  if (!number || *number > kInfinity >> shift) return std::nullopt;
  return *number << shift;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view word : text::split(line, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

void put_unified_io(Properties& to, const std::string& file, std::string_view line) {
  const auto words = words_of(line);
  if (words.empty()) return;
  if (file == "io.weight") {
    const auto number = kernel_number(words.back());
    if (!number || words.size() > 2) return;
    if (words.size() == 1 || words[0] == "default")
      set(to, "IOWeight", unsigned64(*number));
    else
      add_pair(to, "IODeviceWeight", words[0], *number);
    return;
  }
  for (size_t i = 1; i < words.size(); ++i)
    for (const Rate& rate : kRates) {
      const size_t equals = words[i].find('=');
      if (equals == std::string_view::npos || words[i].substr(0, equals) != rate.key) continue;
      if (const auto number = kernel_number(words[i].substr(equals + 1)))
        add_pair(to, rate.name, words[0], *number);
    }
}

void put_unified_cpu_max(Properties& to, std::string_view line, const UnitFacts& facts) {
  const auto words = words_of(line);
  if (words.empty() || words.size() > 2) return;
  const auto quota = kernel_number(words[0]);
  const auto period = words.size() == 2 ? kernel_number(words[1]) : kDefaultPeriod;
  if (quota && period.value_or(0) != 0) put_quota(to, *quota, *period, facts);
}

struct NumberFile {
  const char* file;
  const char* name;
  unsigned since;
};
constexpr NumberFile kNumberFiles[] = {
    {"memory.max", "MemoryMax", 0},
    {"memory.high", "MemoryHigh", 0},
    {"memory.low", "MemoryLow", 0},
    {"memory.min", "MemoryMin", 240},
    {"memory.swap.max", "MemorySwapMax", 0},
    {"memory.zswap.max", "MemoryZSwapMax", kHasZswapAndOomGroup},
    {"pids.max", "TasksMax", 0},
    {"cpu.weight", "CPUWeight", 0},
};

/// What the kernel would refuse is left to it.
void put_unified(Properties& to, const std::string& file, std::string_view value,
                 const UnitFacts& facts) {
  const std::string_view line = text::trim(value);
  for (const NumberFile& known : kNumberFiles) {
    if (file != known.file || facts.version < known.since) continue;
    if (const auto number = kernel_number(line)) set(to, known.name, unsigned64(*number));
    return;
  }
  if (file == "cpu.max") return put_unified_cpu_max(to, line, facts);
  if (file == "cpu.idle" && line == "1" && facts.version >= kHasIdle)
    return set(to, "CPUWeight", unsigned64(0));
  if (file == "cpuset.cpus") return put_set(to, "AllowedCPUs", line, facts);
  if (file == "cpuset.mems") return put_set(to, "AllowedMemoryNodes", line, facts);
  if (file == "memory.oom.group" && facts.version >= kHasZswapAndOomGroup &&
      (line == "0" || line == "1"))
    return set(to, "OOMPolicy", systemd::string(line == "1" ? "kill" : "continue"));
  if (file == "io.max" || file == "io.weight")
    for (const std::string_view each : text::split(line, '\n')) put_unified_io(to, file, each);
}

}  // namespace

Result<Properties> limit_properties(const spec::Resources& resources, const UnitFacts& facts) {
  // What is wrong with them is told as it is without systemd.
  if (facts.v2) TRY(v2_files(resources));
  Properties properties;
  if (resources.memory) put_memory(properties, *resources.memory, facts);
  if (resources.cpu) put_cpu(properties, *resources.cpu, facts);
  if (resources.pids_limit)
    set(properties, "TasksMax",
        unsigned64(*resources.pids_limit == 0 ? 1 : or_infinity(*resources.pids_limit)));
  if (resources.block_io) put_block_io(properties, *resources.block_io, facts);
  if (facts.v2)
    for (const auto& [file, value] : resources.unified) put_unified(properties, file, value, facts);
  TRY(put_devices(properties, resources, facts));
  return properties;
}

}  // namespace skiff::cgroup
