// The runtime's end of a launch: init started, its requests served, its failures told.
#pragma once

#include <signal.h>

#include <functional>
#include <optional>
#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/launch/channel.h"
#include "src/launch/handed.h"
#include "src/launch/plan.h"
#include "src/linux/cgroup/cgroup.h"
#include "src/spec/spec.h"

namespace skiff::container {

struct ChildOptions {
  int cgroup = -1;                 // v2 directory the child is born in, or -1
  const sigset_t* mask = nullptr;  // for the user's process; null: nothing blocked
  /// The child is born where it belongs, and may act on the plan as soon as it lives.
  bool born_in_place = false;
};

/// Gives a filter's listener to the agent it is for.
using GiveListener = std::function<Result<void>(const Fd& listener)>;

/// A launched process, our child. Killed and reaped with this object, unless let go.
class Child {
 public:
  /// Starts `skiff init` from the sealed executable with the plan's namespaces. A child that is
  /// born in place finds the plan waiting, if it is of a common size.
  static Result<Child> spawn(const launch::LaunchPlan& plan, const launch::Handed& handed,
                             const ChildOptions& options);
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) = delete;
  ~Child();

  pid_t pid() const { return pid_; }
  const Fd& pidfd() const { return pidfd_; }

  /// Sends the plan, unless it was there before the child.
  Result<void> send_plan(const launch::LaunchPlan& plan, const launch::Handed& handed);
  /// Turns "the other side is gone" into how the child died.
  Error explain(Error error);
  /// Whether explain() found that it was killed by SIGKILL; `unheard`: before its first word.
  bool was_killed() const { return killed_; }
  bool was_killed_unheard() const { return killed_ && !heard_; }

  struct Requests {
    const std::vector<spec::IdMapping>* uid_mappings = nullptr;
    const std::vector<spec::IdMapping>* gid_mappings = nullptr;
    /// init's namespaces are all there, and it waits for what only the host can give it.
    std::function<Result<void>()> furnish;
    /// prestart and createRuntime hooks are due; the state for createContainer comes back.
    std::function<Result<std::string>()> run_hooks;
  };
  /// Serves what the child asks for until it is Ready. Afterwards pid() is the user process's
  /// to be, and console() the terminal's master, if it has one.
  Result<void> serve_until_ready(const Requests& requests);
  Fd take_console() { return std::move(console_); }

  /// What needs more privilege than init has: hard limits that rise, the OOM score, scheduling.
  Result<void> raise_limits(const launch::ProcessPlan& process) const;

  /// create: init goes to wait on the start socket, and is ours no more.
  Result<void> let_wait();
  /// run, exec: Start, and the news of execve. On success the child is let go.
  Result<void> start(const std::string& state, const GiveListener& give_listener);

 private:
  Child(pid_t pid, Fd pidfd, launch::Channel channel, bool has_plan)
      : pid_(pid), pidfd_(std::move(pidfd)), channel_(std::move(channel)), has_plan_(has_plan) {}

  Result<void> adopt_container_pid(launch::Message message);

  pid_t pid_;
  Fd pidfd_;  // empty once let go
  launch::Channel channel_;
  bool has_plan_;
  Fd console_;
  bool heard_ = false;   // it has said something
  bool killed_ = false;  // see was_killed()
};

/// Where and how a child comes into being.
struct Birth {
  bool inside;           // of its v2 cgroup
  const sigset_t* mask;  // as in ChildOptions
};

/// Calls `attempt` with whether the child is to be born in its v2 cgroup, and once more without
/// if it was killed before its first word: since Linux 6.14 the kernel takes a child that
/// clone3(2) puts into another cgroup than its parent's for one that escaped cgroup.kill, whenever
/// that was written to only one of the two (kernel/cgroup/cgroup.c, cgroup_post_fork()).
/// `child` is where attempt leaves it.
Result<void> launch_in_cgroup(const std::optional<Child>& child,
                              const std::function<Result<void>(bool born_inside)>& attempt);

/// `error`, or in its place that the memory limit of `cgroup` is too low, if that is why.
Error explain_by_memory(Error error, const std::optional<Child>& child,
                        const cgroup::Cgroup& cgroup);

/// The end of every start, over whichever channel: Start goes out, Executing, perhaps a Listener,
/// and the end of file come back. If `give_listener` fails, init is left to be killed.
Result<void> start_over(launch::Channel& channel, const std::string& state,
                        const GiveListener& give_listener);

/// Finds out what the plan must know of `host` for the labels of `process`, if it has any.
void look_for_labels(const spec::Process& process, Host& host);

/// The descriptors a plan calls for, opened in the runtime's namespaces.
Result<launch::Handed> open_handed(const launch::LaunchPlan& plan, bool with_sources = true);
/// Opens the sources of the plan's mounts, if open_handed() did not.
Result<void> open_late_sources(const launch::LaunchPlan& plan, launch::Handed& handed);

}  // namespace skiff::container
