// The ends of all processes, as the kernel's process events connector tells them: how to learn the
// status of a process that is not ours, on kernels whose pidfds do not tell it.
#pragma once

#include <sys/types.h>

#include <optional>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::exit_events {

/// A netlink socket, not blocking, that gets a message for every process that exits from now on,
/// before its parent learns of it. Empty where pidfds tell (Linux 6.15), or where the kernel does
/// not let us: it wants CAP_NET_ADMIN and the initial user and pid namespaces. In another network
/// namespace than the initial one it wants CAP_SYS_ADMIN, too: the calling thread, which should be
/// the only one, goes there for a moment. Not to come back from there is the one error.
Result<Fd> subscribe();

struct Exit {
  pid_t pid;
  int wait_status;  // wait(2)'s
};
/// The next one that has arrived; nullopt if there is none.
std::optional<Exit> next(const Fd& socket);

}  // namespace skiff::exit_events
