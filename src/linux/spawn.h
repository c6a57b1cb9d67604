// The one place that makes processes from programs.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff {

/// What to run. `program` wins over `path` when it is open (execveat(2), AT_EMPTY_PATH).
struct SpawnRequest {
  std::string path;
  const Fd* program = nullptr;
  std::vector<std::string> argv;
  std::vector<std::string> env;
  /// Descriptors for the new process: descriptors[i] becomes its i, -1 leaves i closed. Every other
  /// descriptor is close-on-exec by the project's rule and so does not survive.
  std::vector<int> descriptors;
  uint64_t clone_flags = 0;        // CLONE_NEW*
  int cgroup = -1;                 // a cgroup v2 directory for CLONE_INTO_CGROUP, or -1
  const sigset_t* mask = nullptr;  // the signal mask of the new process; null: empty
  bool new_session = false;        // setsid() first
  bool close_others = false;       // close every further descriptor, also inherited ones
};

struct Spawned {
  pid_t pid = 0;
  Fd pidfd;
};

/// clone3(2) with CLONE_VM|CLONE_VFORK|CLONE_PIDFD, then execve(2): returns once the program
/// runs, or with the errno of the step that failed. No page table is copied.
/// All signal dispositions are the default ones in the new process.
/// Errors name the step: `clone`, `exec "PATH"`.
Result<Spawned> spawn(const SpawnRequest& request);

/// wait4(2) for `pid`, restarted on EINTR: the status word.
Result<int> reap(pid_t pid);

}  // namespace skiff
