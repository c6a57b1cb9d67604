// Settings that are valid and weaker than they need to be. Pure.
#pragma once

#include <vector>

#include "src/spec/finding.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// What makes the wall around this container thinner, each with the name of its rule.
std::vector<Finding> advise(const Spec& spec);

}  // namespace skiff::spec
