// The root file system as a directory descriptor. Everything in it is hostile:
// every path inside is resolved here, by the kernel, with the rootfs as "/".
#pragma once

#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::rootdir {

/// openat2(2) with `root` as "/": no "..", symlink or magic link can lead out
/// of it. Every path inside a rootfs is opened here and nowhere else.
/// Fails with ELOOP on a magic link, ENOSYS before Linux 5.6.
Result<Fd> open_inside(const Fd& root, const std::string& path, int flags);

/// As open_inside with O_PATH|O_DIRECTORY, and no symlink anywhere on the way: for
/// /proc and /sys, which must be ordinary directories (CVE-2019-19921, CVE-2023-27561).
Result<Fd> open_plain_directory(const Fd& root, const std::string& path);

/// Opens the directory `path` (O_PATH), making what is missing with mode 0755. Dangling
/// symlinks are followed inside the root, as a shell in the container would.
Result<Fd> make_directory(const Fd& root, const std::string& path);

/// Opens `path` (O_PATH), an existing object of any type but directory or a new empty
/// regular file (mode 0644), whose parents are made as by make_directory().
Result<Fd> make_file(const Fd& root, const std::string& path);

/// The place of a mount: as make_directory() or, unless `directory`, make_file(). A symlink on the
/// way must not lead into a procfs, whose files a mount could fake (CVE-2019-16884).
Result<Fd> open_mount_point(const Fd& root, const std::string& path, bool directory);

}  // namespace skiff::rootdir
