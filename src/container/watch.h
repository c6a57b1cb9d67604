// What happens to containers, as a stream of events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/container/store.h"
#include "src/linux/cgroup/pressure.h"

namespace skiff::container {

struct WatchOptions {
  int64_t interval_ms = 5000;  // between stats events
  std::vector<cgroup::PressureThreshold> thresholds;
};

/// Writes events of the container `id` to `out`, a line each in one write, until it has ended: its
/// last are the last stats and "exit". Without an id, of every container that is there or appears,
/// for ever. Ends without a failure when nobody reads `out` any more. Fails with "container not
/// running", and if a threshold cannot be watched; of many containers one that cannot be watched is
/// warned of.
Result<void> write_events(const ContainerStore& store, const std::optional<std::string>& id,
                          const WatchOptions& options, int out);

/// Writes one stats event of the container, or without an id of each that has not stopped.
Result<void> write_stats(const ContainerStore& store, const std::optional<std::string>& id,
                         int out);

}  // namespace skiff::container
