// The numbers of cgroup v2 (Linux admin-guide/cgroup-v2.rst).
#include "src/base/text.h"
#include "src/linux/cgroup/stat_files.h"

namespace skiff::cgroup {
namespace {

constexpr uint64_t kMicrosecond = 1000;  // in nanoseconds

/// The files "….current", "….max", "….peak" and "….events"; false if there is no current one.
bool read_usage(StatReader& files, std::string_view prefix, Usage& usage) {
  files.set_prefix(prefix);
  const bool there = files.number(".current", usage.usage);
  Counters events;
  if (there) {
    files.number(".max", usage.limit);
    files.number(".peak", usage.max);
    files.counters(".events", events);
    usage.failcnt = value_of(events, "max");
  }
  files.set_prefix("");
  return there;
}

void read_cpu(StatReader& files, CpuStats& cpu) {
  Counters counters;
  files.counters("cpu.stat", counters);
  cpu.total = value_of(counters, "usage_usec") * kMicrosecond;
  cpu.user = value_of(counters, "user_usec") * kMicrosecond;
  cpu.kernel = value_of(counters, "system_usec") * kMicrosecond;
  cpu.periods = value_of(counters, "nr_periods");
  cpu.throttled_periods = value_of(counters, "nr_throttled");
  cpu.throttled_time = value_of(counters, "throttled_usec") * kMicrosecond;
  cpu.bursts = value_of(counters, "nr_bursts");
  cpu.burst_time = value_of(counters, "burst_usec") * kMicrosecond;
  files.psi("cpu.pressure", cpu.psi);
}

void read_cpuset(StatReader& files, CpusetStats& cpuset) {
  std::string text;
  if (files.read("cpuset.cpus.effective", text)) cpuset.cpus = text::trim(text);
  if (files.read("cpuset.mems.effective", text)) cpuset.mems = text::trim(text);
}

uint64_t sum_of_limits(uint64_t a, uint64_t b) {
  return a == kUnlimited || b == kUnlimited ? kUnlimited : a + b;
}

void read_memory(StatReader& files, MemoryStats& memory) {
  files.psi("memory.pressure", memory.psi);
  if (!read_usage(files, "memory", memory.usage)) return;
  files.counters("memory.stat", memory.raw);
  files.counters("memory.events", memory.events);
  files.counters("memory.events.local", memory.events_local);
  memory.cache = value_of(memory.raw, "file");
  memory.kernel.usage = value_of(memory.raw, "kernel");
  memory.kernel_tcp.usage = value_of(memory.raw, "sock");
  memory.swap = memory.usage;
  memory.swap.max = 0;
  Usage swap;
  if (!read_usage(files, "memory.swap", swap)) return;
  memory.swap.usage += swap.usage;
  memory.swap.limit = sum_of_limits(memory.usage.limit, swap.limit);
  memory.swap.failcnt = swap.failcnt;
  memory.swap_only = swap;
}

void read_io(StatReader& files, BlockStats& block) {
  files.psi("io.pressure", block.psi);
  files.keyed("io.stat", block.devices);
  using Entries = std::vector<BlockEntry> BlockStats::*;
  constexpr struct {
    std::string_view key;
    const char* op;
    Entries entries;
  } kTables[] = {
      {"rbytes", "Read", &BlockStats::service_bytes},
      {"wbytes", "Write", &BlockStats::service_bytes},
      {"dbytes", "Discard", &BlockStats::service_bytes},
      {"rios", "Read", &BlockStats::serviced},
      {"wios", "Write", &BlockStats::serviced},
      {"dios", "Discard", &BlockStats::serviced},
  };
  std::vector<BlockEntry> numbers;  // of the devices, "8:0"
  for (const Keyed& device : block.devices)
    files.check("io.stat", parse_block(device.name + " 0", numbers));
  if (numbers.size() != block.devices.size()) return;
  for (size_t i = 0; i < numbers.size(); ++i)
    for (const auto& [key, value] : block.devices[i].counters)
      for (const auto& table : kTables)
        if (table.key == key)
          (block.*table.entries).push_back({numbers[i].major, numbers[i].minor, table.op, value});
}

void read_hugetlb(StatReader& files, std::vector<NamedUsage>& hugetlb) {
  for (std::string& size : files.huge_page_sizes()) {
    NamedUsage& pages = hugetlb.emplace_back();
    const std::string prefix = "hugetlb." + size;
    read_usage(files, prefix, pages.usage);
    if (Usage reserved; read_usage(files, prefix + ".rsvd", reserved)) pages.reserved = reserved;
    pages.name = std::move(size);
  }
}

}  // namespace

Result<void> read_v2_stats(const Directory& directory, Stats& stats) {
  StatReader files(directory);
  read_cpu(files, stats.cpu);
  read_cpuset(files, stats.cpuset);
  read_memory(files, stats.memory);
  read_usage(files, "pids", stats.pids);
  read_io(files, stats.block);
  read_hugetlb(files, stats.hugetlb);
  read_rdma(files, stats);
  read_misc(files, stats);
  files.counters("cgroup.events", stats.cgroup);
  Counters sizes;
  files.counters("cgroup.stat", sizes);
  stats.cgroup.insert(stats.cgroup.end(), sizes.begin(), sizes.end());
  return std::move(files).result();
}

Result<void> read_stats(const Paths& paths, Stats& stats) {
  // v2 first: it counts processor time even where that controller is v1's, which says more.
  for (const bool v2 : {true, false})
    for (const auto& [controller, path] : paths.directories) {
      if (controller.empty() != v2 || controller.starts_with("name=")) continue;
      const Directory directory(path);
      TRY(directory.fd());
      if (v2)
        TRY(read_v2_stats(directory, stats));
      else
        TRY(read_v1_stats(controller, directory, stats));
    }
  return {};
}

}  // namespace skiff::cgroup
