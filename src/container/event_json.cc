// Events as JSON. What runc shows too has the names that it has there.
#include <sys/wait.h>

#include "src/base/json.h"
#include "src/container/foreground.h"
#include "src/container/sample.h"
#include "src/linux/cgroup/stat_files.h"
#include "src/spec/number_list.h"

namespace skiff::container {
namespace {

using cgroup::Counters;
using cgroup::Usage;

void begin(json::Writer& out, std::string_view type, const std::string& id) {
  out.begin_object();
  out.field("type", type);
  out.field("id", id);
  out.key("data");
  out.begin_object();
}

std::string end(json::Writer& out) {
  out.end_object();
  out.end_object();
  return out.take() + '\n';
}

void begin_member(json::Writer& out, std::string_view name) {
  out.key(name);
  out.begin_object();
}

void write_members(json::Writer& out, const Counters& counters) {
  for (const auto& [name, value] : counters) out.field(name, value);
}

void write_counters(json::Writer& out, std::string_view name, const Counters& counters) {
  if (counters.empty()) return;
  begin_member(out, name);
  write_members(out, counters);
  out.end_object();
}

void write_usage(json::Writer& out, std::string_view name, const Usage& usage) {
  begin_member(out, name);
  out.field("limit", usage.limit);
  out.field("usage", usage.usage);
  if (usage.max != 0) out.field("max", usage.max);
  out.field("failcnt", usage.failcnt);
  out.end_object();
}

/// A list of numbers from the kernel, "0-3,7", as an array.
void write_list(json::Writer& out, std::string_view name, const std::string& list) {
  const auto numbers = spec::parse_number_list(list);
  if (list.empty() || !numbers) return;
  out.key(name);
  out.begin_array();
  for (size_t i = 0; i < numbers->size() * 64; ++i)
    if (((*numbers)[i / 64] >> (i % 64) & 1) != 0) out.value(static_cast<uint64_t>(i));
  out.end_array();
}

void write_average(json::Writer& out, std::string_view name, uint32_t hundredths) {
  char text[] = "00000.00";
  char* at = text + sizeof text - 1;
  for (int digit = 0; digit < 3 || hundredths != 0; ++digit, hundredths /= 10) {
    if (digit == 2) --at;
    *--at = static_cast<char>('0' + hundredths % 10);
  }
  out.key(name);
  out.raw(at);
}

void write_psi_line(json::Writer& out, std::string_view name,
                    const std::optional<cgroup::Psi::Line>& line) {
  if (!line) return;
  begin_member(out, name);
  write_average(out, "avg10", line->avg10);
  write_average(out, "avg60", line->avg60);
  write_average(out, "avg300", line->avg300);
  out.field("total", line->total);
  out.end_object();
}

void write_psi(json::Writer& out, const cgroup::Psi& psi) {
  if (!psi.some && !psi.full) return;
  begin_member(out, "psi");
  write_psi_line(out, "some", psi.some);
  write_psi_line(out, "full", psi.full);
  out.end_object();
}

void write_times(json::Writer& out, std::string_view name, const std::vector<uint64_t>& times) {
  if (!times.empty()) out.array(name, times);
}

void write_cpu(json::Writer& out, const cgroup::CpuStats& cpu) {
  begin_member(out, "cpu");
  begin_member(out, "usage");
  out.field("total", cpu.total);
  write_times(out, "percpu", cpu.percpu);
  write_times(out, "percpu_kernel", cpu.percpu_kernel);
  write_times(out, "percpu_user", cpu.percpu_user);
  out.field("kernel", cpu.kernel);
  out.field("user", cpu.user);
  out.end_object();
  begin_member(out, "throttling");
  out.field("periods", cpu.periods);
  out.field("throttledPeriods", cpu.throttled_periods);
  out.field("throttledTime", cpu.throttled_time);
  out.end_object();
  begin_member(out, "burst");
  out.field("periods", cpu.bursts);
  out.field("time", cpu.burst_time);
  out.end_object();
  write_psi(out, cpu.psi);
  out.end_object();
}

void write_cpuset(json::Writer& out, const cgroup::CpusetStats& cpuset) {
  begin_member(out, "cpuset");
  write_list(out, "cpus", cpuset.cpus);
  write_list(out, "mems", cpuset.mems);
  for (const char* flag :
       {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
        "memory_spread_slab", "memory_pressure", "sched_load_balance"})
    out.field(flag, cgroup::value_of(cpuset.flags, flag));
  out.field("sched_relax_domain_level", cpuset.sched_relax_domain_level);
  out.end_object();
}

void write_memory(json::Writer& out, const cgroup::MemoryStats& memory) {
  begin_member(out, "memory");
  out.field("cache", memory.cache);
  write_usage(out, "usage", memory.usage);
  write_usage(out, "swap", memory.swap);
  if (memory.swap_only) write_usage(out, "swapOnly", *memory.swap_only);
  write_usage(out, "kernel", memory.kernel);
  write_usage(out, "kernelTCP", memory.kernel_tcp);
  if (memory.usage.max != 0) out.field("peak", memory.usage.max);
  write_counters(out, "raw", memory.raw);
  write_counters(out, "events", memory.events);
  write_counters(out, "eventsLocal", memory.events_local);
  write_psi(out, memory.psi);
  out.end_object();
}

void write_block_table(json::Writer& out, std::string_view name,
                       const std::vector<cgroup::BlockEntry>& entries) {
  if (entries.empty()) return;
  out.key(name);
  out.begin_array();
  for (const cgroup::BlockEntry& entry : entries) {
    out.begin_object();
    out.field("major", entry.major);
    out.field("minor", entry.minor);
    if (!entry.op.empty()) out.field("op", entry.op);
    out.field("value", entry.value);
    out.end_object();
  }
  out.end_array();
}

void write_keyed(json::Writer& out, std::string_view name, std::string_view key,
                 const std::vector<cgroup::Keyed>& entries) {
  if (entries.empty()) return;
  out.key(name);
  out.begin_array();
  for (const cgroup::Keyed& entry : entries) {
    out.begin_object();
    out.field(key, entry.name);
    write_members(out, entry.counters);
    out.end_object();
  }
  out.end_array();
}

void write_block(json::Writer& out, const cgroup::BlockStats& block) {
  begin_member(out, "blkio");
  write_block_table(out, "ioServiceBytesRecursive", block.service_bytes);
  write_block_table(out, "ioServicedRecursive", block.serviced);
  write_block_table(out, "ioQueueRecursive", block.queued);
  write_block_table(out, "ioServiceTimeRecursive", block.service_time);
  write_block_table(out, "ioWaitTimeRecursive", block.wait_time);
  write_block_table(out, "ioMergedRecursive", block.merged);
  write_block_table(out, "ioTimeRecursive", block.time);
  write_block_table(out, "sectorsRecursive", block.sectors);
  write_keyed(out, "devices", "device", block.devices);
  write_psi(out, block.psi);
  out.end_object();
}

void write_hugetlb(json::Writer& out, const std::vector<cgroup::NamedUsage>& hugetlb) {
  begin_member(out, "hugetlb");
  for (const cgroup::NamedUsage& pages : hugetlb) {
    begin_member(out, pages.name);
    out.field("usage", pages.usage.usage);
    out.field("max", pages.usage.max);
    out.field("failcnt", pages.usage.failcnt);
    out.field("limit", pages.usage.limit);
    if (pages.reserved) write_usage(out, "rsvd", *pages.reserved);
    out.end_object();
  }
  out.end_object();
}

void write_pids(json::Writer& out, const Usage& pids) {
  begin_member(out, "pids");
  out.field("current", pids.usage);
  out.field("limit", pids.limit == cgroup::kUnlimited ? 0 : pids.limit);  // as runc has it
  if (pids.max != 0) out.field("max", pids.max);
  out.field("failcnt", pids.failcnt);
  out.end_object();
}

void write_traffic(json::Writer& out, const std::string& direction,
                   const network::Traffic& traffic) {
  out.field(direction + "Bytes", traffic.bytes);
  out.field(direction + "Packets", traffic.packets);
  out.field(direction + "Errors", traffic.errors);
  out.field(direction + "Dropped", traffic.dropped);
}

void write_interfaces(json::Writer& out, const std::vector<network::Interface>& interfaces) {
  out.key("network_interfaces");
  out.begin_array();
  for (const network::Interface& interface : interfaces) {
    out.begin_object();
    out.field("Name", interface.name);
    write_traffic(out, "Rx", interface.received);
    write_traffic(out, "Tx", interface.sent);
    out.end_object();
  }
  out.end_array();
}

void write_text(json::Writer& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out.field(name, text);
}

void write_domains(json::Writer& out, std::string_view name,
                   const std::vector<resctrl::Numbers>& domains) {
  if (domains.empty()) return;
  out.key(name);
  out.begin_array();
  for (const resctrl::Numbers& numbers : domains) {
    out.begin_object();
    write_members(out, numbers);
    out.end_object();
  }
  out.end_array();
}

void write_resctrl(json::Writer& out, const resctrl::Stats& stats) {
  begin_member(out, "intel_rdt");
  if (!stats.cbm_mask.empty()) {
    begin_member(out, "l3_cache_info");
    out.field("cbm_mask", stats.cbm_mask);
    write_members(out, stats.l3_info);
    out.end_object();
  }
  write_text(out, "l3_cache_schema_root", resctrl::line_of(stats.root_schemata, "L3"));
  write_text(out, "l3_cache_schema", resctrl::line_of(stats.schemata, "L3"));
  if (!stats.mb_info.empty()) {
    begin_member(out, "mem_bw_info");
    write_members(out, stats.mb_info);
    out.end_object();
  }
  write_text(out, "mem_bw_schema_root", resctrl::line_of(stats.root_schemata, "MB"));
  write_text(out, "mem_bw_schema", resctrl::line_of(stats.schemata, "MB"));
  if (!stats.schemata.empty()) out.array("schemata", stats.schemata);
  write_domains(out, "mbm_stats", stats.bandwidth);
  write_domains(out, "cmt_stats", stats.occupancy);
  out.end_object();
}

}  // namespace

std::string stats_event(const std::string& id, const Sample& sample) {
  const cgroup::Stats& stats = sample.cgroup;
  json::Writer out(json::Style::Compact);
  begin(out, "stats", id);
  write_cpu(out, stats.cpu);
  write_cpuset(out, stats.cpuset);
  write_memory(out, stats.memory);
  write_pids(out, stats.pids);
  write_block(out, stats.block);
  write_hugetlb(out, stats.hugetlb);
  if (!stats.rdma.empty() || !stats.rdma_limits.empty()) {
    begin_member(out, "rdma");
    write_keyed(out, "current", "device", stats.rdma);
    write_keyed(out, "limit", "device", stats.rdma_limits);
    out.end_object();
  }
  if (!stats.misc.empty()) {
    begin_member(out, "misc");
    for (const cgroup::NamedUsage& resource : stats.misc)
      write_usage(out, resource.name, resource.usage);
    out.end_object();
  }
  write_counters(out, "cgroup", stats.cgroup);
  write_resctrl(out, sample.resctrl);
  write_interfaces(out, sample.interfaces);
  return end(out);
}

std::string oom_event(const std::string& id, const cgroup::OomEvent& event) {
  json::Writer out(json::Style::Compact);
  begin(out, "oom", id);
  out.field("cgroup", event.cgroup);
  if (!event.limit_cgroup.empty()) out.field("limitCgroup", event.limit_cgroup);
  out.field("kills", event.kills);
  out.field("groupKill", event.group_kill);
  return end(out);
}

std::string pressure_event(const std::string& id, const cgroup::PressureThreshold& threshold) {
  json::Writer out(json::Style::Compact);
  begin(out, "pressure", id);
  out.field("resource", threshold.resource);
  if (!threshold.level.empty()) {
    out.field("level", threshold.level);
  } else {
    out.field("kind", threshold.kind);
    out.field("stallUsec", threshold.stall);
    out.field("windowUsec", threshold.window);
  }
  return end(out);
}

std::string exit_event(const std::string& id, std::optional<int> wait_status) {
  json::Writer out(json::Style::Compact);
  begin(out, "exit", id);
  if (wait_status) {
    out.field("status", exit_status(*wait_status));
    if (WIFSIGNALED(*wait_status)) out.field("signal", WTERMSIG(*wait_status));
  }
  return end(out);
}

}  // namespace skiff::container
