// The network of a container's own namespace.
#pragma once

#include "src/base/result.h"

namespace skiff::network {

/// Brings "lo" of the current network namespace up; the kernel then gives it its addresses.
Result<void> bring_up_loopback();

}  // namespace skiff::network
