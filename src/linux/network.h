// The network of a container's own namespace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace skiff::network {

/// Brings "lo" of the current network namespace up; the kernel then gives it its addresses.
Result<void> bring_up_loopback();

/// What went through an interface since it was made.
struct Traffic {
  uint64_t bytes = 0;
  uint64_t packets = 0;
  uint64_t errors = 0;
  uint64_t dropped = 0;
};

struct Interface {
  std::string name;
  Traffic received;
  Traffic sent;
};

/// The interfaces in the text of /proc/PID/net/dev (proc(5)). A malformed line is an Error. Pure.
Result<std::vector<Interface>> parse_interfaces(std::string_view text);

}  // namespace skiff::network
