#include "src/linux/scheduling.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/spec/ioprio.h"
#include "src/spec/number_list.h"

namespace skiff::scheduling {
namespace {

/// The kernel's struct sched_attr, whose header cannot be included beside the C library's.
struct Attributes {
  uint32_t size = 48;  // SCHED_ATTR_SIZE_VER0: up to `period`
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;
  uint64_t deadline = 0;
  uint64_t period = 0;
  uint32_t util_min = 0;  // Linux 5.3
  uint32_t util_max = 0;
};

/// Why the kernel refused: sched_setattr(2), "ERRORS", and sched(7).
const char* hint_for(int code, const spec::Scheduler& scheduler) {
  const bool deadline = scheduler.policy == SCHED_DEADLINE;
  const bool real_time = scheduler.policy == SCHED_FIFO || scheduler.policy == SCHED_RR;
  if (code == EBUSY && deadline)
    return "the processors have not so much time left for SCHED_DEADLINE: "
           "lower runtime / period, or raise kernel.sched_rt_runtime_us";
  if (code == EINVAL && deadline)
    return "the kernel bounds the period: kernel.sched_deadline_period_min_us, "
           "kernel.sched_deadline_period_max_us";
  if (code == EINVAL) return "this kernel has no such policy";
  if (code == EOPNOTSUPP) return "this kernel has no utilization clamping";
  if (code != EPERM) return nullptr;
  if (deadline)
    return "it takes CAP_SYS_NICE, and SCHED_DEADLINE cannot be used together with "
           "resources.cpu.cpus or an affinity that leaves CPUs out";
  if (real_time)
    return "it takes CAP_SYS_NICE, and in a cgroup with CONFIG_RT_GROUP_SCHED "
           "resources.cpu.realtimeRuntime";
  return "it takes CAP_SYS_NICE";
}

}  // namespace

Result<void> set_scheduler(pid_t pid, const spec::Scheduler& scheduler) {
  Attributes attributes;
  attributes.policy = scheduler.policy;
  attributes.flags = scheduler.flags;
  attributes.nice = scheduler.nice;
  attributes.priority = scheduler.priority;
  attributes.runtime = scheduler.runtime;
  attributes.deadline = scheduler.deadline;
  attributes.period = scheduler.period;
  if ((scheduler.flags & SCHED_FLAG_UTIL_CLAMP) != 0) {
    // The specification has the flags but no values: the bounds of the whole range, of which an
    // upper one of 0 would hold the process down for ever.
    attributes.size = sizeof attributes;
    attributes.util_max = 1024;  // SCHED_CAPACITY_SCALE
  }
  if (::syscall(SYS_sched_setattr, pid, &attributes, 0) == 0) return {};
  Error error = Error::from_errno("process.scheduler");
  const char* hint = hint_for(error.code(), scheduler);
  return hint == nullptr ? std::move(error) : std::move(error).with_hint(hint);
}

namespace {

Result<void> set_io_priority(int who, pid_t id, const spec::IoPriority& priority) {
  const int value = ioprio::value(priority.io_class, priority.level);
  if (::syscall(SYS_ioprio_set, who, id, value) == 0) return {};
  Error error = Error::from_errno("process.ioPriority");
  if (!error.is(EPERM)) return error;
  return std::move(error).with_hint("IOPRIO_CLASS_RT takes CAP_SYS_NICE or CAP_SYS_ADMIN");
}

}  // namespace

Result<void> set_io_priority(pid_t group, const spec::IoPriority& priority) {
  return set_io_priority(ioprio::kProcessGroup, group, priority);
}

Result<void> set_thread_io_priority(pid_t thread, const spec::IoPriority& priority) {
  return set_io_priority(ioprio::kProcess, thread, priority);
}

Result<Saved> save(pid_t thread) {
  Saved saved;
  if (::syscall(SYS_sched_getattr, thread, saved.attributes.data(), saved.attributes.size(), 0) < 0)
    return Error::from_errno("read the scheduling of thread {}", thread);
  saved.io_priority = static_cast<int>(::syscall(SYS_ioprio_get, ioprio::kProcess, thread));
  if (saved.io_priority < 0) return Error::from_errno("read the I/O priority of thread {}", thread);
  saved.cpus = TRY(affinity(thread));
  return saved;
}

void restore(pid_t thread, const Saved& saved) {
  (void)::syscall(SYS_sched_setattr, thread, saved.attributes.data(), 0);
  (void)::syscall(SYS_ioprio_set, ioprio::kProcess, thread, saved.io_priority);
  (void)set_affinity(thread, saved.cpus);
}

Result<spec::NumberSet> affinity(pid_t pid) {
  // The kernel fails with EINVAL while it counts more CPUs than the mask has bits.
  constexpr size_t kMostWords = 4096;
  for (spec::NumberSet cpus(16);; cpus.resize(cpus.size() * 2)) {
    const long size =
        ::syscall(SYS_sched_getaffinity, pid, cpus.size() * sizeof cpus[0], cpus.data());
    if (size >= 0) {
      cpus.resize(static_cast<size_t>(size) / sizeof cpus[0]);
      return cpus;
    }
    if (errno != EINVAL || cpus.size() >= kMostWords)
      return Error::from_errno("read the CPU affinity of process {}", pid);
  }
}

Result<void> set_affinity(pid_t pid, const spec::NumberSet& cpus) {
  if (::syscall(SYS_sched_setaffinity, pid, cpus.size() * sizeof cpus[0], cpus.data()) == 0)
    return {};
  Error error = Error::from_errno("set the CPU affinity to {}", spec::number_list(cpus));
  if (!error.is(EINVAL)) return error;
  return std::move(error).with_hint("none of these CPUs is there and in the process's cpuset");
}

Result<void> reset_affinity(pid_t pid) {
  // As many as a kernel can be built for (x86 MAXSMP); of a longer mask it takes what it has.
  constexpr size_t kMostCpus = 8192;
  return set_affinity(pid, spec::NumberSet(kMostCpus / 64, ~uint64_t{0}));
}

Result<void> set_memory_policy(const spec::MemoryPolicy& policy) {
  // The kernel reads one bit less than it is told (set_mempolicy(2), "BUGS" of mbind(2)).
  const unsigned long bits = policy.nodes.empty() ? 0 : policy.nodes.size() * 64 + 1;
  const uint64_t* nodes = policy.nodes.empty() ? nullptr : policy.nodes.data();
  if (::syscall(SYS_set_mempolicy, policy.mode, nodes, bits) == 0) return {};
  Error error = Error::from_errno("linux.memoryPolicy: set_mempolicy");
  if (error.is(ENOSYS)) return std::move(error).with_hint("this kernel has no NUMA");
  if (!error.is(EINVAL)) return error;
  return std::move(error).with_hint(
      "a node that is not there or not in the cpuset, or a mode that this kernel does not know");
}

}  // namespace skiff::scheduling
