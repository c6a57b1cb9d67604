// How a process gets the processor's time and the disk's, on which CPUs and with whose memory.
#pragma once

#include <sys/types.h>

#include <array>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::scheduling {

/// sched_setattr(2) for `pid`. Children inherit it, unless SCHED_FLAG_RESET_ON_FORK; execve(2)
/// keeps it. Errors tell what the kernel's EPERM, EBUSY and EINVAL mean for the policy.
Result<void> set_scheduler(pid_t pid, const spec::Scheduler& scheduler);

/// ioprio_set(2) for the process group `group`.
Result<void> set_io_priority(pid_t group, const spec::IoPriority& priority);

/// ioprio_set(2) for the thread `thread` alone.
Result<void> set_thread_io_priority(pid_t thread, const spec::IoPriority& priority);

/// How a thread is scheduled and served, to be given back by restore().
struct Saved {
  std::array<unsigned char, 56> attributes{};  // of sched_getattr(2)
  int io_priority = 0;                         // of ioprio_get(2)
  spec::NumberSet cpus;
};
Result<Saved> save(pid_t thread);
/// Gives back what it can.
void restore(pid_t thread, const Saved& saved);

/// The CPUs that `pid`, 0 for this process, may run on, however many the machine has.
Result<spec::NumberSet> affinity(pid_t pid);
/// sched_setaffinity(2). Fails with EINVAL if `pid`'s cpuset has none of the CPUs.
Result<void> set_affinity(pid_t pid, const spec::NumberSet& cpus);

/// Lets `pid` run on every CPU that its cpuset allows, whatever it inherited.
Result<void> reset_affinity(pid_t pid);

/// set_mempolicy(2) for this process; children inherit it and execve(2) keeps it.
Result<void> set_memory_policy(const spec::MemoryPolicy& policy);

}  // namespace skiff::scheduling
