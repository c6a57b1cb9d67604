// Being told when a container's cgroup is short of something: v1's levels of memory pressure
// (admin-guide/cgroup-v1/memory.rst, section 11) and triggers on v2's stall times
// (accounting/psi.rst).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/linux/cgroup/cgroup.h"

namespace skiff::cgroup {

/// The names are constants.
struct PressureThreshold {
  /// v1, with `resource` "memory": "low", "medium" or "critical". "" on v2.
  std::string_view level;
  std::string_view resource;  // "cpu", "memory", "io" or "irq"
  std::string_view kind;      // "some" or "full" of the processes waited
  uint64_t stall = 0;         // microseconds
  uint64_t window = 0;        // in as many
};

/// "low", "medium" or "critical".
Result<PressureThreshold> parse_pressure_level(std::string_view word);
/// "memory:some:150ms/1s"; the window is from 500 ms to 10 s.
Result<PressureThreshold> parse_pressure_trigger(std::string_view word);

/// A descriptor for the container's cgroup that becomes readable (a level: an eventfd, also
/// signalled when the cgroup is removed) or has a priority event (a trigger; an error once the
/// cgroup is removed) when the threshold is crossed, at most once in each window.
Result<Fd> watch_pressure(const Paths& paths, const PressureThreshold& threshold);

}  // namespace skiff::cgroup
