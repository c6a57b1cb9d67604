// The socket in the state directory on which a created container waits to be started.
#pragma once

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/container/store.h"

namespace skiff::container {

/// A socket that has no name yet; init accepts on a duplicate of it.
Result<Fd> make_start_socket();
/// Gives it its name and lets it listen: from now on the container is "created".
Result<void> listen_on(const Fd& socket, const StateDir& dir);
/// Connects; ENOENT once the container was started, ECONNREFUSED if its starter died just
/// between execve and the removal of the name, EAGAIN if init is frozen with a full backlog.
Result<Fd> connect_to(const StateDir& dir);
void remove_start_socket(const StateDir& dir);

}  // namespace skiff::container
