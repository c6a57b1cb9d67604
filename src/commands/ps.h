// What ps(1) says of a container's processes.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace skiff::commands {

/// The header of `listing`, ps(1)'s output, and those of its lines that are about `pids`.
/// Fails if there is no PID column.
Result<std::string> select_processes(std::string_view listing, const std::vector<pid_t>& pids);

}  // namespace skiff::commands
