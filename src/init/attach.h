// One mount of the plan put in its place.
#pragma once

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/launch/plan.h"

namespace skiff::init {

/// Carries `mount` out inside `root`. `source` is the detached mount that the runtime sent, if the
/// plan says so. A mount over "/" replaces `root`. The process's umask must be 0.
Result<void> attach(Fd& root, const launch::MountPlan& mount, Fd source);

}  // namespace skiff::init
