// A policy as a program for the kernel.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "src/base/result.h"
#include "src/linux/seccomp/policy.h"

namespace skiff::seccomp {

/// The program answers a call by its architecture, then by its number in a binary tree over ranges
/// of numbers, and looks at arguments only for calls that have conditions: so the kernel finds
/// those that are always allowed when the filter is loaded, and never runs it for them
/// (seccomp_cache_prepare() in kernel/seccomp.c, since Linux 5.11). A call of another architecture
/// kills the thread, as libseccomp has it. Fails if the kernel would not take so long a program.
Result<std::vector<sock_filter>> generate(const Policy& policy);

}  // namespace skiff::seccomp
