// What the kernel counts for a control group: its files as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/linux/cgroup/cgroup.h"

namespace skiff::cgroup {

/// What the files say where they have no limit.
constexpr uint64_t kUnlimited = UINT64_MAX;

/// Lines such as "pgfault 739", in the kernel's order.
using Counters = std::vector<std::pair<std::string, uint64_t>>;

/// Of a limited resource. v1 shows "no memory limit" as the largest number of whole pages.
struct Usage {
  uint64_t usage = 0;
  uint64_t limit = kUnlimited;
  uint64_t max = 0;      // the most there was; 0 if the kernel does not say
  uint64_t failcnt = 0;  // how often the limit was met
};

/// Pressure stall information (Linux accounting/psi.rst).
struct Psi {
  struct Line {
    uint32_t avg10 = 0;  // hundredths of a per cent of the time
    uint32_t avg60 = 0;
    uint32_t avg300 = 0;
    uint64_t total = 0;  // microseconds
  };
  std::optional<Line> some;
  std::optional<Line> full;
};

struct CpuStats {
  uint64_t total = 0;  // nanoseconds, as all times here
  uint64_t kernel = 0;
  uint64_t user = 0;
  std::vector<uint64_t> percpu;
  std::vector<uint64_t> percpu_kernel;
  std::vector<uint64_t> percpu_user;
  uint64_t periods = 0;
  uint64_t throttled_periods = 0;
  uint64_t throttled_time = 0;
  uint64_t bursts = 0;
  uint64_t burst_time = 0;
  Psi psi;
};

struct CpusetStats {
  std::string cpus;  // "0-3,7"; on v2 those in effect
  std::string mems;
  Counters flags;  // v1: "cpu_exclusive", …
  int64_t sched_relax_domain_level = 0;
};

struct MemoryStats {
  uint64_t cache = 0;  // bytes, as all amounts here
  Usage usage;
  Usage swap;                      // of memory and swap together
  std::optional<Usage> swap_only;  // v2
  Usage kernel;
  Usage kernel_tcp;
  Counters raw;           // memory.stat
  Counters events;        // memory.events; v1: memory.oom_control
  Counters events_local;  // memory.events.local
  Psi psi;
};

/// One number of one block device.
struct BlockEntry {
  uint64_t major = 0;
  uint64_t minor = 0;
  std::string op;  // "Read"; "" where the file does not distinguish
  uint64_t value = 0;
};

/// What a file with lines such as "8:0 rbytes=1 wbytes=2" says of one device or resource.
struct Keyed {
  std::string name;
  Counters counters;
};

struct BlockStats {
  std::vector<BlockEntry> service_bytes;
  std::vector<BlockEntry> serviced;
  std::vector<BlockEntry> queued;
  std::vector<BlockEntry> service_time;
  std::vector<BlockEntry> wait_time;
  std::vector<BlockEntry> merged;
  std::vector<BlockEntry> time;
  std::vector<BlockEntry> sectors;
  std::vector<Keyed> devices;  // io.stat, whole
  Psi psi;
};

/// Of one size of huge pages, or of one resource of the misc controller.
struct NamedUsage {
  std::string name;  // "2MB", "sev"
  Usage usage;
  std::optional<Usage> reserved;  // of huge pages
};

struct Stats {
  CpuStats cpu;
  CpusetStats cpuset;
  MemoryStats memory;
  Usage pids;
  BlockStats block;
  std::vector<NamedUsage> hugetlb;
  std::vector<Keyed> rdma;
  std::vector<Keyed> rdma_limits;
  std::vector<NamedUsage> misc;
  Counters cgroup;  // v2: cgroup.events and cgroup.stat
};

/// Fills `stats` from the files of the cgroup, each controller's where it is. What this kernel or
/// this cgroup has not reads as nothing; usage and limit of v1's memory must be there. A malformed
/// line is an Error that names the file. ENOENT if the cgroup is gone.
Result<void> read_stats(const Paths& paths, Stats& stats);

}  // namespace skiff::cgroup
