// What a container has of the host for its life: network devices and a resctrl group. Given while
// it is made, taken back when it is deleted.
//
// While network devices are away, the container's network namespace is held by a mount in the state
// directory (<root>/<id>/netns): a virtual device would end with the namespace, and the namespace
// with the last process in it, were it killed.
#pragma once

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/container/store.h"
#include "src/spec/spec.h"

namespace skiff::container {

/// Gives the process `pid`, in the namespaces it will stay in, what `spec` names. `joined`: the
/// network namespace that it will enter, if it is not in its own yet. Saves the intent of each step
/// in `record` first, so that release() can undo whatever part of it happened.
Result<void> attach(const StateDir& dir, Record& record, const spec::Linux& config, pid_t pid,
                    const Fd& joined);

/// Takes back what `record` tells of. To be called before the state directory is removed, once no
/// process of the container lives.
Result<void> release(const StateDir& dir, const Record& record);

}  // namespace skiff::container
