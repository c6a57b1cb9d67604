// Linux security modules: the label a process gets with its next execve(2).
#pragma once

#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::lsm {

/// Whether the running kernel enforces AppArmor, SELinux.
bool has_apparmor();
bool has_selinux();

/// Makes `profile` this thread's AppArmor profile from execve(2) on. A process that is confined
/// already and may gain no privileges keeps its present profile as well ("stack"): nothing else is
/// allowed to it. `procfs` is the host's (procfs::open_root()).
Result<void> set_apparmor_exec(const Fd& procfs, const std::string& profile,
                               bool no_new_privileges);

/// Makes `label` this thread's SELinux label from execve(2) on.
Result<void> set_selinux_exec(const Fd& procfs, const std::string& label);
/// The SELinux label of keyrings that this thread makes from now on; "" for the default one.
Result<void> set_selinux_keycreate(const Fd& procfs, const std::string& label);

}  // namespace skiff::lsm
