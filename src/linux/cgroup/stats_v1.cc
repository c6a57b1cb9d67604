// The numbers of cgroup v1 (Linux admin-guide/cgroup-v1/).
#include <sys/auxv.h>

#include "src/base/text.h"
#include "src/linux/cgroup/stat_files.h"

namespace skiff::cgroup {
namespace {

/// The files "….usage_in_bytes" and its neighbours; false if there is no usage.
bool read_usage(StatReader& files, std::string_view prefix, Usage& usage) {
  files.set_prefix(prefix);
  const bool there = files.number(".usage_in_bytes", usage.usage);
  if (there) {
    files.number(".limit_in_bytes", usage.limit);
    files.number(".max_usage_in_bytes", usage.max);
    files.number(".failcnt", usage.failcnt);
  }
  files.set_prefix("");
  return there;
}

void read_cpu(StatReader& files, Stats& stats) {
  Counters counters;
  files.counters("cpu.stat", counters);
  stats.cpu.periods = value_of(counters, "nr_periods");
  stats.cpu.throttled_periods = value_of(counters, "nr_throttled");
  stats.cpu.throttled_time = value_of(counters, "throttled_time");
  stats.cpu.bursts = value_of(counters, "nr_bursts");
  stats.cpu.burst_time = value_of(counters, "burst_time");
}

void read_cpuacct(StatReader& files, Stats& stats) {
  CpuStats& cpu = stats.cpu;
  files.number("cpuacct.usage", cpu.total);
  Counters ticks;
  files.counters("cpuacct.stat", ticks);
  const uint64_t tick = 1'000'000'000 / ::getauxval(AT_CLKTCK);
  cpu.user = value_of(ticks, "user") * tick;
  cpu.kernel = value_of(ticks, "system") * tick;
  files.read("cpuacct.usage_percpu", cpu.percpu, parse_numbers);
  std::string table;
  if (!files.read("cpuacct.usage_all", table)) return;
  files.check("cpuacct.usage_all", parse_percpu(table, cpu));
}

void read_cpuset(StatReader& files, Stats& stats) {
  std::string text;
  if (files.read("cpuset.cpus", text)) stats.cpuset.cpus = text::trim(text);
  if (files.read("cpuset.mems", text)) stats.cpuset.mems = text::trim(text);
  for (const char* flag :
       {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
        "memory_spread_slab", "memory_pressure", "sched_load_balance"}) {
    uint64_t value = 0;
    files.set_prefix("cpuset.");
    if (files.number(flag, value)) stats.cpuset.flags.emplace_back(flag, value);
  }
  constexpr const char* kDomainLevel = "sched_relax_domain_level";
  if (!files.read(kDomainLevel, text)) return;
  const auto level = text::parse_signed(text::trim(text));
  stats.cpuset.sched_relax_domain_level = level.value_or(0);
  uint64_t number = 0;
  if (!level) files.check(kDomainLevel, parse_number(text, number));
}

void read_memory(StatReader& files, Stats& stats) {
  MemoryStats& memory = stats.memory;
  files.counters("memory.stat", memory.raw);
  memory.cache = value_of(memory.raw, "cache");
  if (!read_usage(files, "memory", memory.usage))
    files.fail("memory.usage_in_bytes", Error::from_code(ENOENT, "read"));
  read_usage(files, "memory.memsw", memory.swap);
  read_usage(files, "memory.kmem", memory.kernel);
  read_usage(files, "memory.kmem.tcp", memory.kernel_tcp);
  files.counters("memory.oom_control", memory.events);
}

/// Of CFQ, else of BFQ, else of the throttling layer, which sees what has no such scheduler.
void read_block(StatReader& files, Stats& stats) {
  BlockStats& block = stats.block;
  for (const char* owner : {"blkio.", "blkio.bfq."}) {
    files.set_prefix(owner);
    files.blocks("io_serviced_recursive", block.serviced);
    if (block.serviced.empty()) continue;
    files.blocks("io_service_bytes_recursive", block.service_bytes);
    files.blocks("io_queued_recursive", block.queued);
    files.blocks("io_service_time_recursive", block.service_time);
    files.blocks("io_wait_time_recursive", block.wait_time);
    files.blocks("io_merged_recursive", block.merged);
    files.blocks("time_recursive", block.time);
    files.blocks("sectors_recursive", block.sectors);
    return;
  }
  files.set_prefix("blkio.throttle.");
  // Before Linux 4.18 it counts no subtrees.
  files.blocks("io_serviced", block.serviced);
  files.blocks("io_serviced_recursive", block.serviced);
  files.blocks("io_service_bytes", block.service_bytes);
  files.blocks("io_service_bytes_recursive", block.service_bytes);
}

void read_hugetlb(StatReader& files, Stats& stats) {
  for (std::string& size : files.huge_page_sizes()) {
    NamedUsage& pages = stats.hugetlb.emplace_back();
    const std::string prefix = "hugetlb." + size;
    read_usage(files, prefix, pages.usage);
    if (Usage reserved; read_usage(files, prefix + ".rsvd", reserved)) pages.reserved = reserved;
    pages.name = std::move(size);
  }
}

void read_pids(StatReader& files, Stats& stats) {
  files.number("pids.current", stats.pids.usage);
  files.number("pids.max", stats.pids.limit);
  files.number("pids.peak", stats.pids.max);
  Counters events;
  files.counters("pids.events", events);
  stats.pids.failcnt = value_of(events, "max");
}

}  // namespace

void read_rdma(StatReader& files, Stats& stats) {
  files.keyed("rdma.current", stats.rdma);
  files.keyed("rdma.max", stats.rdma_limits);
}

void read_misc(StatReader& files, Stats& stats) {
  Counters current;
  files.counters("misc.current", current);
  if (current.empty()) return;
  Counters limits;
  Counters peaks;
  Counters events;
  files.counters("misc.max", limits);
  files.counters("misc.peak", peaks);
  files.counters("misc.events", events);
  for (const auto& [name, usage] : current) {
    NamedUsage& resource = stats.misc.emplace_back();
    resource.name = name;
    resource.usage = {usage, value_of(limits, name), value_of(peaks, name),
                      value_of(events, name + ".max")};
  }
}

Result<void> read_v1_stats(const std::string& controller, const Directory& directory,
                           Stats& stats) {
  constexpr struct {
    std::string_view controller;
    void (*read)(StatReader&, Stats&);
  } kReaders[] = {
      {"cpu", read_cpu},         {"cpuacct", read_cpuacct}, {"cpuset", read_cpuset},
      {"memory", read_memory},   {"pids", read_pids},       {"blkio", read_block},
      {"hugetlb", read_hugetlb}, {"rdma", read_rdma},       {"misc", read_misc},
  };
  StatReader files(directory);
  for (const auto& reader : kReaders)
    if (reader.controller == controller) reader.read(files, stats);
  return std::move(files).result();
}

}  // namespace skiff::cgroup
