// A directory's contents copied, whatever the directory may hold.
#pragma once

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff {

struct CopyTree {
  bool owner = true;  // the owner of `from` itself goes to `to`, too
  bool mode = true;   // and its permission bits
};

/// Copies all that is in the directory `from` (O_PATH will do) into the empty directory `to`, which
/// nobody else can reach yet: owners, modes, times, extended attributes, holes, symbolic links as
/// they are, hard links among themselves, fifos, sockets and device nodes. Of another file system
/// mounted below `from` only the empty directory is made.
///
/// `from` may be hostile and change meanwhile: no link is followed, each object is opened once and
/// taken for what it is then. At most 256 directories deep. Extended attributes that the target's
/// file system has no place for are left out. The process's umask must be 0.
Result<void> copy_tree(const Fd& from, const Fd& to, const CopyTree& options);

}  // namespace skiff
