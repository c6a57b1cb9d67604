// How a process gets the processor's time and the disk's, on which CPUs and with whose memory.
#pragma once

#include <sys/types.h>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::scheduling {

/// sched_setattr(2) for `pid`. Children inherit it, unless SCHED_FLAG_RESET_ON_FORK; execve(2)
/// keeps it. Errors tell what the kernel's EPERM, EBUSY and EINVAL mean for the policy.
Result<void> set_scheduler(pid_t pid, const spec::Scheduler& scheduler);

/// ioprio_set(2) for the process group `group`.
Result<void> set_io_priority(pid_t group, const spec::IoPriority& priority);

/// The CPUs that `pid`, 0 for this process, may run on, however many the machine has.
Result<spec::NumberSet> affinity(pid_t pid);
/// sched_setaffinity(2). Fails with EINVAL if `pid`'s cpuset has none of the CPUs.
Result<void> set_affinity(pid_t pid, const spec::NumberSet& cpus);

/// Lets `pid` run on every CPU that its cpuset allows, whatever it inherited.
Result<void> reset_affinity(pid_t pid);

/// set_mempolicy(2) for this process; children inherit it and execve(2) keeps it.
Result<void> set_memory_policy(const spec::MemoryPolicy& policy);

}  // namespace skiff::scheduling
