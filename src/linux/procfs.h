// The host's procfs, as a descriptor that nothing a container does can turn into something else.
#pragma once

#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::procfs {

/// /proc (O_PATH) of this mount namespace; fails unless it is the root of a procfs.
Result<Fd> open_root();

/// Opens `path` below `root` without leaving that mount: what was mounted over the file or over a
/// directory on the way is an error, not another file (CVE-2019-16884, CVE-2025-52881).
Result<Fd> open(const Fd& root, const std::string& path, int flags);

}  // namespace skiff::procfs
