// Capabilities by name, and the sets of this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace skiff::capabilities {

/// The number of "CAP_CHOWN" (also "chown", any case, with or without CAP_); from libcap's table.
std::optional<unsigned> number(std::string_view name);
/// "CAP_CHOWN" for 0.
std::string name(unsigned number);
/// Every name up to the running kernel's last capability, for `features`.
std::vector<std::string> all_names();

}  // namespace skiff::capabilities
