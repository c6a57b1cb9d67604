// Device programs in the kernel: loaded, and attached to cgroup v2 directories.
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "src/base/result.h"

namespace skiff::cgroup {

enum class Attachment {
  First,    // the cgroup is new: no program of ours can be attached
  Replace,  // one may be; it gives way in one step, so that no moment is without rules
};

/// Loads `program` and attaches it to the cgroup open as `cgroup`. It stays attached until
/// the cgroup is removed. Programs that others attached are left in place: an access needs
/// the consent of all. Fails with EPERM without CAP_SYS_ADMIN (or CAP_BPF and
/// CAP_NET_ADMIN) in the initial user namespace.
Result<void> attach_device_program(int cgroup, const std::vector<bpf_insn>& program,
                                   Attachment attachment);

/// Detaches what attach_device_program attached, if anything.
Result<void> detach_device_program(int cgroup);

}  // namespace skiff::cgroup
