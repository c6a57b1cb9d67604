// The descriptors that travel with the plan, in the order both ends agree on.
#pragma once

#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/launch/hooks.h"
#include "src/launch/plan.h"

namespace skiff::launch {

struct Handed {
  Fd log;                   // always
  Fd start_socket;          // plan.start_socket: bound and listening
  Fd init;                  // plan.namespaces.join_by_pidfd: pidfd of the container's init
  Fd network;               // plan.namespaces.network_apart: for network::take_namespace()
  HookFiles hook_files;     // plan.hook_stdout, plan.hook_stderr
  std::vector<Fd> joins;    // one per plan.namespaces.joins
  std::vector<Fd> sources;  // rootfs.root_sent: the rootfs; then of each mount with source_sent

  std::vector<int> numbers() const;
};

/// Sorts received descriptors out; fails if they are not what `plan` calls for.
Result<Handed> take_handed(const LaunchPlan& plan, std::vector<Fd> descriptors);

/// How many descriptors `plan` wants in Handed::sources.
size_t count_sources(const RootfsPlan& plan);

}  // namespace skiff::launch
