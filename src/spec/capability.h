// Capability names, as a configuration writes them, and their numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace skiff::spec {

/// The number of "CAP_CHOWN" (also "chown", any case, with or without CAP_); nullopt for a
/// name that libcap's table does not hold.
std::optional<unsigned> capability_number(std::string_view name);
/// "CAP_CHOWN" for 0; the number itself, "63", where libcap knows no name.
std::string capability_name(unsigned number);

}  // namespace skiff::spec
