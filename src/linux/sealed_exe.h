// The program that init is started from: our own, out of the container's reach.
#pragma once

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff {

/// This program as a descriptor for execveat(2) that no process of a container can write
/// through, ever, not even root by way of /proc/PID/exe (CVE-2019-5736).
///
/// A detached read-only copy of the mount that holds the file: nothing is copied, and once the
/// caller has closed the descriptor the mount belongs to no namespace, so that nobody can
/// make it writable again. Without the privilege to clone mounts: a sealed memfd.
Result<Fd> open_sealed_exe();

}  // namespace skiff
