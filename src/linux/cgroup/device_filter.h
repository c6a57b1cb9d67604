// Device rules: as an eBPF program for cgroup v2, as writes for the v1 controller.
// Pure: rules in, instructions or writes out.
#pragma once

#include <linux/bpf.h>

#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/linux/cgroup/resources.h"
#include "src/spec/spec.h"

namespace skiff::cgroup {

/// The rules a container has besides its configured ones, those of runc and crun: mknod of
/// anything, null zero full random urandom tty ptmx, and the pseudo-terminals (console 5:1 and
/// 136:*).
const std::vector<spec::DeviceRule>& default_device_rules();

/// `configured` with the default rules among them. Those for opening stand behind the last rule
/// that is about no particular device: an engine's deny-all leaves the container its null and
/// zero, and what is said of particular devices after that counts against a default, too. Those for
/// mknod stand last, as the runtime makes nodes itself and the v1 controller knows no exception
/// to an exception: a rule that denies that alone fails, and so do numbers no device can have.
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
/// The writes that lead from `present` to `wanted` without taking away in between what both
/// allow, wherever the controller can do that.
Result<std::vector<FileValue>> v1_device_changes(const std::vector<spec::DeviceRule>& present,
                                                 const std::vector<spec::DeviceRule>& wanted);

/// The writes that bring a cgroup back to what its `devices.list` says. A list of exceptions to
/// "all" is not told there and cannot be brought back.
std::vector<FileValue> v1_device_restoring(std::string_view devices_list);

}  // namespace skiff::cgroup
