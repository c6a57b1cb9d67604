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

/// The state of runtime.md#state with runc's additions (rootfs, created, owner), indented JSON.
/// pid is 0 once stopped. `compact`: one line, for list --format json, which names the owner.
std::string state_json(const Record& record, Status status, bool compact = false,
                       std::string_view owner = "");

/// The container process state (config-linux.md#containerprocessstate) of process `pid`, with one
/// descriptor, "seccompFd".
std::string process_state(const Record& record, Status status, pid_t pid);

}  // namespace skiff::container
