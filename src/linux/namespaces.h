// Namespaces: opened, entered, made.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::namespaces {

/// Opens the namespace file at entry.path and checks that it is of entry.type (NS_GET_NSTYPE).
Result<Fd> open(const spec::Namespace& entry);

/// Enters `opened` namespaces of `entries`, the user namespace when the others' owners
/// demand it: what is refused before it is entered again after it.
Result<void> join(const std::vector<spec::Namespace>& entries, const std::vector<Fd>& opened);

/// The file that takes the clocks of the time namespace this process will make for its children.
/// Opened before the process gives privileges up: the kernel asks for those of the opener.
Result<Fd> open_time_offsets();
/// Writes `offsets` to it, before a child is there (time_namespaces(7)).
Result<void> write_time_offsets(const Fd& file, const std::vector<spec::TimeOffset>& offsets);

/// unshare(2); nothing to do for 0.
Result<void> unshare(uint64_t flags);

/// Forks with the caller's parent as the child's parent (CLONE_PARENT): 0 in the child,
/// in the parent the pid and, in `pidfd`, a pidfd of the child. The caller must be
/// single-threaded, so that the child may go on as ordinary C++.
Result<pid_t> fork_sibling(Fd& pidfd);

}  // namespace skiff::namespaces
