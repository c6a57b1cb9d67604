// Resource limits of this process, which survive execve.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::rlimits {

/// RLIMIT_NOFILE for "RLIMIT_NOFILE".
std::optional<int> number(std::string_view name);
/// "RLIMIT_NOFILE" for RLIMIT_NOFILE; `resource` must be a result of number().
const char* name(int resource);

/// Sets `limits` for the calling process. Fails with the limit's name and, where the kernel
/// refuses to raise it, the present one.
Result<void> set(const std::vector<spec::Rlimit>& limits);

/// prlimit(2): sets `limit` for another process. The values it had.
Result<spec::Rlimit> exchange(pid_t pid, const spec::Rlimit& limit);

}  // namespace skiff::rlimits
