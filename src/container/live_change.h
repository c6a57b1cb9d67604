// What changes for the processes of a container while they run.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <vector>

#include "src/base/result.h"
#include "src/linux/scheduling.h"
#include "src/spec/spec.h"

namespace skiff::container {

/// What every process is to have from now on; absent and empty values stay as they are.
struct LiveValues {
  std::vector<spec::Rlimit> rlimits;
  std::optional<spec::Scheduler> scheduler;
  std::optional<spec::IoPriority> io_priority;
  spec::NumberSet cpus;
  std::optional<int32_t> oom_score_adj;

  bool touches_threads() const { return scheduler || io_priority || !cpus.empty(); }
  bool empty() const { return rlimits.empty() && !touches_threads() && !oom_score_adj; }
};

/// Values given to processes, and the ones they had.
class LiveChange {
 public:
  /// Gives `values` to every process that `processes` lists, and to those that come while it does.
  /// Processes that end meanwhile are no failure. After one, revert() is up to the caller.
  Result<void> apply(const LiveValues& values,
                     const std::function<Result<std::vector<pid_t>>()>& processes);
  /// Gives every process back what it had, as far as it lives and the kernel lets us.
  void revert();

 private:
  Result<void> change_process(pid_t pid, const LiveValues& values);
  Result<void> change_threads(pid_t pid, const LiveValues& values);
  Result<void> change_oom_score_adj(pid_t pid, int32_t score);

  std::vector<std::function<void()>> undo_;
};

}  // namespace skiff::container
