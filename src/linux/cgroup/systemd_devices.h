// Device rules as systemd's list of what is allowed. Pure.
#pragma once

#include "src/base/result.h"
#include "src/linux/cgroup/systemd_unit.h"
#include "src/linux/systemd/property.h"
#include "src/spec/spec.h"

namespace skiff::cgroup {

/// DevicePolicy and DeviceAllow for the device rules of `resources` and the default ones. systemd
/// knows no exceptions from what is allowed, so what it is told may allow more: an access needs its
/// consent and that of the runtime's own program, which it leaves in place.
Result<void> put_devices(systemd::Properties& to, const spec::Resources& resources,
                         const UnitFacts& facts);

}  // namespace skiff::cgroup
