// From a process in new namespaces to a container's init: only for create and run.
#pragma once

#include <vector>

#include "src/init/process.h"
#include "src/launch/channel.h"
#include "src/launch/handed.h"
#include "src/launch/plan.h"

namespace skiff::init {

/// Builds the container around this process: host name, network, root file
/// system, hooks, terminal, kernel parameters. Afterwards "/" is the container's.
Result<Prepared> build_container(const launch::LaunchPlan& plan, launch::Handed& handed,
                                 launch::Channel& runtime);

/// For a process that joined a mount namespace, its root taken as it is: exec, and
/// containers that share one.
Result<Prepared> enter_container(const launch::LaunchPlan& plan, launch::Handed& handed,
                                 launch::Channel& runtime);

}  // namespace skiff::init
