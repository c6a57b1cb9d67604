// Device rules: as an eBPF program for cgroup v2, as writes for the v1 controller.
// Pure: rules in, instructions or writes out.
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "src/base/result.h"
#include "src/linux/cgroup/resources.h"
#include "src/spec/spec.h"

namespace skiff::cgroup {

/// The rules every container has besides its configured ones, those of runc and
/// crun: mknod of anything, null zero full random urandom tty ptmx, and the
/// pseudo-terminals (console 5:1 and 136:*).
const std::vector<spec::DeviceRule>& default_device_rules();

/// `configured` followed by the default rules, which therefore cannot be denied.
/// Fails for numbers that no device can have.
Result<std::vector<spec::DeviceRule>> device_rules(const std::vector<spec::DeviceRule>& configured);

/// Whether `rules` forbid nothing, as those of privileged containers do.
bool allows_everything(const std::vector<spec::DeviceRule>& rules);

/// `rules` in effect order (for each of read, write and mknod the last matching rule
/// decides; an access needs all it asks for) as a BPF_PROG_TYPE_CGROUP_DEVICE program
/// that returns 1 to allow. What no rule matches is denied. No loops, calls or
/// unreachable instructions, so that verifiers since Linux 4.15 take it.
std::vector<bpf_insn> device_program(const std::vector<spec::DeviceRule>& rules);

/// The same policy as writes to devices.deny and devices.allow. The v1 controller keeps
/// a default and a list of exceptions to it, and silently ignores an exception to an
/// exception (c 1:3 denied after c 1:* was allowed): what it would get wrong fails here.
Result<std::vector<FileValue>> v1_device_files(const std::vector<spec::DeviceRule>& rules);

}  // namespace skiff::cgroup
