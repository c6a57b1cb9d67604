// The devices' part of the plan. Pure.
#pragma once

#include <vector>

#include "src/launch/plan.h"

namespace skiff::launch {

/// linux.devices and, if `with_defaults`, the default devices that it does not list.
std::vector<DevicePlan> plan_devices(const std::vector<spec::Device>& devices, bool with_defaults);

}  // namespace skiff::launch
