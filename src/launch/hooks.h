// Hooks (config.md#posix-platform-hooks): programs run in a list, one after another,
// with the container's state on stdin.
#pragma once

#include <string>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::launch {

/// The files that hooks write to, where they do not write to us.
struct HookFiles {
  Fd out;
  Fd err;
};

/// Opens those that the annotations run.oci.hooks.stdout and run.oci.hooks.stderr (crun's) name,
/// for append, made if missing; a relative path begins in `bundle`.
Result<HookFiles> open_hook_files(const spec::StringMap& annotations, const std::string& bundle);

/// Runs `hooks` in order in the caller's namespaces, `state` (JSON) on stdin of
/// each; stops at the first failure. `kind` is "createRuntime" etc. Errors:
///   createRuntime hook 1 ("/usr/bin/x"): exit status 3: "the end of its output"
///   … : killed by signal 9; … : ran past its timeout of 2 s
/// A hook past its timeout is killed (SIGKILL, its process group). stdout and stderr are
/// captured in a bounded buffer (the last 8 KiB) only to be told on failure, and what went to
/// `files` is read back for that; a hook that leaves a background process holding them does not
/// block us. Environment: exactly
/// hook.env (config.md: "env … same semantics as POSIX environ"), empty if absent. No other
/// descriptors, default signal dispositions and mask, argv = hook.args or {path}.
Result<void> run_hooks(const char* kind, const std::vector<spec::Hook>& hooks,
                       const std::string& state, const HookFiles& files = {});

/// As run_hooks, but a failure is a warning in the log and the next hook runs all the same:
/// what runtime.md#lifecycle demands for poststop.
void run_hooks_to_the_end(const char* kind, const std::vector<spec::Hook>& hooks,
                          const std::string& state, const HookFiles& files = {});

}  // namespace skiff::launch
