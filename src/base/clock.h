// The time of day, as records and logs write it.
#pragma once

#include <string>

namespace skiff::clock {

/// Now, in UTC, as RFC 3339 with `digits` (0 to 9) of the second's fraction.
std::string now_rfc3339(int digits);

}  // namespace skiff::clock
