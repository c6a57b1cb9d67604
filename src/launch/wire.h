// LaunchPlan to bytes and back, for the private socket between runtime and init.
#pragma once

#include <string>

#include "src/launch/plan.h"

namespace skiff::launch {

std::string encode(const LaunchPlan& plan);
/// Fails on bytes that no encode() of this version wrote; never reads past their end.
Result<LaunchPlan> decode(std::string_view bytes);

}  // namespace skiff::launch
