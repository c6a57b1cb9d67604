// The container's root file system: mounted, filled, entered, closed off.
#pragma once

#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/launch/handed.h"

namespace skiff::init {

struct Rootfs {
  Fd root;  // the mounted root, not yet "/"
  Fd null;  // a detached mount of the host's null device, for masks
};

/// Mounts the rootfs on its own path and everything of the plan inside it; makes devices
/// and links. `sources` are the trees the runtime sent, if the plan says so.
Result<Rootfs> prepare_rootfs(const launch::RootfsPlan& plan, std::vector<Fd>& sources);

/// Binds the terminal on /dev/console.
Result<void> bind_console(const Fd& root, const Fd& slave);

/// Makes the root "/", unmounts the host's, hides and protects paths.
Result<void> enter_rootfs(const launch::RootfsPlan& plan, Rootfs& rootfs);

}  // namespace skiff::init
