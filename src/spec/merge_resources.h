// linux.resources changed while the container lives: what `update` asks for, on what there is.
#pragma once

#include <string>

#include "src/spec/spec.h"

namespace skiff::spec {

/// `present` with what `change` says. Absent values, and zeros where zero means "leave alone",
/// keep the present ones; lists are joined by device, page size, interface or file, the rule
/// list of devices is replaced. A memory limit taken away takes the swap limit with it, as
/// the one contains the other.
Resources merged(const Resources& present, const Resources& change);

/// `resources` as the JSON object that decodes to it.
std::string encode_resources(const Resources& resources);

}  // namespace skiff::spec
