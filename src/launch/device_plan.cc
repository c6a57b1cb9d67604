#include "src/launch/device_plan.h"

#include <algorithm>

#include "src/base/path.h"

namespace skiff::launch {
namespace {

struct DefaultDevice {
  const char* path;
  uint32_t major;
  uint32_t minor;
};

/// config-linux.md#default-devices; console is the terminal's, ptmx a link.
constexpr DefaultDevice kDefaultDevices[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

}  // namespace

std::vector<DevicePlan> plan_devices(const std::vector<spec::Device>& devices, bool with_defaults) {
  std::vector<DevicePlan> plans;
  for (size_t i = 0; i < devices.size(); ++i) {
    const spec::Device& device = devices[i];
    DevicePlan plan;
    plan.index = static_cast<int32_t>(i);
    plan.path = path::clean(device.path);
    plan.type = device.type;
    plan.major = device.major;
    plan.minor = device.minor;
    plan.mode = device.file_mode;
    plan.uid = device.uid;
    plan.gid = device.gid;
    plans.push_back(std::move(plan));
  }
  if (!with_defaults) return plans;
  for (const DefaultDevice& device : kDefaultDevices) {
    const bool listed = std::any_of(plans.begin(), plans.end(), [&](const DevicePlan& plan) {
      return plan.path == device.path;
    });
    if (listed) continue;
    DevicePlan plan;
    plan.path = device.path;
    plan.major = device.major;
    plan.minor = device.minor;
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace skiff::launch
