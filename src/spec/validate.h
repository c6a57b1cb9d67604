// Rules that hold between fields, by name, in one table.
#pragma once

#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// The first broken rule as an Error that begins with the field's path.
Result<void> validate(const Spec& spec);
/// Every broken rule.
std::vector<Error> broken_rules(const Spec& spec);
/// The rules for a process alone, also applied to `exec --process`.
Result<void> validate(const Process& process);

}  // namespace skiff::spec
