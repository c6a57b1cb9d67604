// A container while it is made: everything of it in one place, so that it can be undone.
#pragma once

#include <signal.h>

#include <memory>
#include <optional>

#include "src/container/child.h"
#include "src/container/design.h"
#include "src/launch/hooks.h"
#include "src/linux/cgroup/cgroup.h"

namespace skiff::container {

/// A container under construction. Unless kept, its destruction undoes everything.
struct Construction {
  const ContainerStore& store;
  StateDir dir;
  Record record;
  Record ready;  // what the record will be
  std::unique_ptr<cgroup::Cgroup> cgroup;
  std::unique_ptr<cgroup::Cgroup> delegated;  // below it
  std::optional<Child> child;
  Fd network;  // of plan.namespaces.network_apart
  launch::HookFiles hook_files;
  Fd console;
  bool equipped = false;
  bool made_group = false;  // in resctrl, which only a failed create removes whatever its name is
  bool kept = false;

  explicit Construction(const ContainerStore& in) : store(in) {}
  Construction(const Construction&) = delete;
  ~Construction();

  /// Undoes all but the state directory, which tells what there is to do if this is interrupted.
  void dissolve();
};

/// Makes everything, up to an init that is ready to execute; from then on the container exists.
/// `mask`: the signal mask of its process, if not ours. Goes to the bundle's directory.
Result<void> build(Construction& made, Design& design, const sigset_t* mask);

Result<void> run_poststart(const Construction& made, const Design& design);

/// After a failure from the first hook on, with which the container is destroyed.
void run_poststop_after_failure(Construction& made, const Design& design);

}  // namespace skiff::container
