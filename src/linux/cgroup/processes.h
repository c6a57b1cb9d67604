// The processes of a cgroup: ending them, and telling why they do not end.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/linux/cgroup/directory.h"

namespace skiff::cgroup {

/// `signal` to every process that is in the tree of `directory` now, the caller excepted.
/// A pid that was given to another process meanwhile is not hit.
Result<void> signal_processes(const Directory& directory, int signal);

/// What the first of `pids` are and where in the kernel they wait, innermost first, as far as
/// /proc tells: `process 12 ("dd") in state D at nfs_wait_bit_killable < nfs_file_read < vfs_read`.
std::string describe(const std::vector<pid_t>& pids);

}  // namespace skiff::cgroup
