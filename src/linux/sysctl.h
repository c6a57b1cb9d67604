// Kernel parameters below /proc/sys.
#pragma once

#include <string_view>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::sysctl {

/// Writes `value` to the parameter `key`, a name as spec::sysctl_file() takes it, in one write(2),
/// as several parameters demand. `proc_sys` is /proc/sys, verified here to be procfs; nothing
/// mounted below it and no symlink is followed (CVE-2025-52881).
Result<void> write(const Fd& proc_sys, std::string_view key, std::string_view value);

}  // namespace skiff::sysctl
