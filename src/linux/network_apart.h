// A new network namespace, made beside everything else.
#pragma once

#include <optional>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::network {

/// Begins to make a network namespace with "lo" up, on another processor: it takes the kernel five
/// times as long as a container's other namespaces together. The socket is for take_namespace(), in
/// this process or one that it is sent to. Nothing where there is but one processor for us, or no
/// thread to be had. At most once in a process; the caller goes on single-threaded once the
/// namespace was taken.
std::optional<Fd> begin_namespace();

/// Waits until the namespace is there. It stays in the socket, for whoever else has it.
/// Errors: those of unshare(2), of bringing "lo" up and of SIOCGSKNS; EPIPE if the maker is gone.
Result<Fd> take_namespace(const Fd& socket);

}  // namespace skiff::network
