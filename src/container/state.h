// A container's state as JSON: for `state`, `list` and hooks.
#pragma once

#include <string>

#include "src/container/lifecycle.h"
#include "src/container/store.h"

namespace skiff::container {

/// runtime.md#state exactly, on one line: what hooks read on stdin.
std::string hook_state(const Record& record, Status status);

/// As hook_state, for hooks that run in the container's namespaces: the pid is the one that the
/// container sees (config.md#posix-platform-hooks, runtime.md#state).
std::string inner_hook_state(const Record& record, Status status);

}  // namespace skiff::container
