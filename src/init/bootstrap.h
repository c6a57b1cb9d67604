// Into the namespaces, on one of two roads (launch/plan.h, NamespacePlan).
#pragma once

#include "src/launch/channel.h"
#include "src/launch/handed.h"
#include "src/launch/plan.h"

namespace skiff::init {

/// Enters and makes what clone3(2) has not made already. With a bootstrap the caller forks
/// here: the function returns in the container's init, and the bootstrap ends inside.
Result<void> enter_namespaces(const launch::LaunchPlan& plan, const launch::Handed& handed,
                              launch::Channel& runtime);

}  // namespace skiff::init
