// Namespaces: opened, entered, made.
#pragma once

#include <sys/types.h>

#include <optional>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::namespaces {

/// Opens the namespace file at entry.path and checks that it is of entry.type (NS_GET_NSTYPE).
Result<Fd> open(const spec::Namespace& entry);

/// Enters `opened` namespaces of `entries`, the user namespace when the others' owners
/// demand it: what is refused before it is entered again after it.
Result<void> join(const std::vector<spec::Namespace>& entries, const std::vector<Fd>& opened);

/// unshare(2); nothing to do for 0.
Result<void> unshare(uint64_t flags);

/// Forks with the caller's parent as the child's parent (CLONE_PARENT): 0 in the child,
/// in the parent the pid and, in `pidfd`, a pidfd of the child. The caller must be
/// single-threaded, so that the child may go on as ordinary C++.
Result<pid_t> fork_sibling(Fd& pidfd);

}  // namespace skiff::namespaces
