// Rules that hold between fields, by name, in one table.
#pragma once

#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// Each begins with its field's path.
using Faults = std::vector<Error>;

/// Every broken rule, in the order of the table.
Faults broken_rules(const Spec& spec);
/// The rules for a process alone, also applied to `exec --process`.
Faults broken_rules(const Process& process);
/// The first broken rule as an Error.
Result<void> validate(const Spec& spec);
Result<void> validate(const Process& process);

}  // namespace skiff::spec
