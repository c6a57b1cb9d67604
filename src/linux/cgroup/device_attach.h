// Device programs in the kernel: loaded, and attached to cgroup v2 directories.
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::cgroup {

enum class Attachment {
  First,    // the cgroup is new: no program of ours can be attached
  Replace,  // one may be; it gives way in one step, so that no moment is without rules
};

/// What attach_device_program did, for take_back().
struct DeviceAttachment {
  Fd program;   // the one attached
  Fd replaced;  // the one that gave way, if any
};

/// Loads `program` and attaches it to the cgroup open as `cgroup`. It stays attached until
/// the cgroup is removed. Programs that others attached are left in place: an access needs
/// the consent of all. Fails with EPERM without CAP_SYS_ADMIN (or CAP_BPF and
/// CAP_NET_ADMIN) in the initial user namespace.
Result<DeviceAttachment> attach_device_program(int cgroup, const std::vector<bpf_insn>& program,
                                               Attachment attachment);

/// Detaches what attach_device_program attached, if anything: the attachment that undoes that
/// has a `replaced` only.
Result<DeviceAttachment> detach_device_program(int cgroup);

/// Makes the programs those from before `done`.
Result<void> take_back(int cgroup, const DeviceAttachment& done);

}  // namespace skiff::cgroup
