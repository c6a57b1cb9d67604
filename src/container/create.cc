#include "src/container/create.h"

#include <sys/prctl.h>

#include "src/base/log.h"
#include "src/container/console_relay.h"
#include "src/container/construction.h"
#include "src/container/design.h"
#include "src/container/foreground.h"
#include "src/container/lifecycle.h"
#include "src/container/listener.h"
#include "src/container/state.h"
#include "src/launch/describe.h"
#include "src/linux/pidfd.h"
#include "src/linux/spawn.h"

namespace skiff::container {
namespace {

void stop_child(pid_t pid, const Fd& pidfd) {
  (void)pidfd::send_signal(pidfd, SIGKILL);
  (void)reap(pid);
}

}  // namespace

Result<void> create(const ContainerStore& store, const std::string& id,
                    const CreateOptions& options) {
  Design design = TRY(Design::of(store, id, options, false));
  Construction made(store);
  TRY(build(made, design, nullptr));
  TRY(made.child->let_wait());
  made.kept = true;
  return {};
}

Result<std::string> describe(const std::string& id, const CreateOptions& options, bool json) {
  // A root that holds no cached filter: the rules themselves are described.
  const ContainerStore none("/dev/null");
  // As for the foreground: what it needs of the caller's terminal is not there yet.
  const Design design = TRY(Design::of(none, id, options, true));
  const launch::Described what{design.bundle.spec, design.plan, design.cgroup};
  return json ? launch::describe_as_json(what) : launch::describe_as_text(what);
}

Result<int> run(const ContainerStore& store, const std::string& id, const RunOptions& options) {
  Design design = TRY(Design::of(store, id, options.create, !options.detach));
  if (!design.bundle.spec.process)
    return Error::invalid("process: missing: there is nothing to run");
  std::optional<Foreground> foreground;
  if (!options.detach) {
    foreground.emplace(TRY(Foreground::begin()));
    // Orphans of the container come to us, so that none outlives it unseen.
    if (!options.no_subreaper) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  }
  // The channel stays the starter: nobody else can start what `run` makes.
  design.plan.start_socket = false;
  Construction made(store);
  TRY(build(made, design, foreground ? &foreground->original_mask() : nullptr));
  const pid_t pid = made.record.pid;
  const Fd pidfd = TRY(pidfd::open(pid));
  if (made.console) copy_window_size(made.console);  // before the process can ask for it
  auto started = made.child->start(
      design.plan.start_container.empty() ? std::string()
                                          : inner_hook_state(made.record, Status::Created),
      [&](const Fd& listener) {
        return give_listener(made.record, Status::Created, made.record.pid, listener);
      });
  if (started) {
    started = run_poststart(made, design);
    // runtime.md#lifecycle: a failed poststart hook stops the container.
    if (!started) stop_child(pid, pidfd);
  }
  if (!started) {
    Error error = explain_by_memory(std::move(started).error(), made.child, *made.cgroup);
    run_poststop_after_failure(made, design);
    return error;
  }
  made.kept = true;
  made.child.reset();
  if (options.detach) return 0;

  Container container(store, std::move(made.dir), std::move(made.record));
  container.unlock();  // it is everybody's now
  auto status = foreground->wait(pid, pidfd, std::move(made.console));
  // "Killed" alone leaves people guessing.
  if (status && *status == 128 + SIGKILL && made.cgroup->memory_events().oom_kills > 0)
    log::warn("{}: linux.resources.memory.limit: the kernel killed for want of memory", id);
  if (options.keep) return status;
  TRY(container.remove(true));
  return status;
}

}  // namespace skiff::container
