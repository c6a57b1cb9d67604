// The detached mounts that init cannot make for itself.
#pragma once

#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/launch/plan.h"

namespace skiff::container {

/// As launch::Handed::sources wants them, made in the runtime's namespaces. `opened` are the
/// namespaces of `joins`. Relative paths among a file system's options begin at the working
/// directory, which is to be the bundle's.
Result<std::vector<Fd>> open_sources(const launch::RootfsPlan& plan,
                                     const std::vector<spec::Namespace>& joins,
                                     const std::vector<Fd>& opened);

}  // namespace skiff::container
