// The listener of a seccomp filter that notifies: to whom it goes, and how it gets there.
#pragma once

#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/container/lifecycle.h"
#include "src/container/store.h"
#include "src/spec/spec.h"

namespace skiff::container {

/// The socket of the agent: linux.seccomp.listenerPath, or the annotation
/// run.oci.seccomp.receiver, or the environment's RUN_OCI_SECCOMP_RECEIVER, as crun has it;
/// relative to the bundle.
Result<std::string> find_listener_path(const spec::Spec& spec, const std::string& bundle);

/// Sends `listener` with the state of process `pid` over a connection of its own
/// (config-linux.md#containerprocessstate).
Result<void> give_listener(const Record& record, Status status, pid_t pid, const Fd& listener);

}  // namespace skiff::container
