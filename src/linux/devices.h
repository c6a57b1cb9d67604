// Device nodes and the links of /dev.
#pragma once

#include <sys/types.h>

#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::devices {

/// Makes the character device `path` inside `root`. A node that exists must be that device.
/// The process's umask must be 0.
Result<void> make_node(const Fd& root, const std::string& path, mode_t mode, dev_t device);

/// Binds the host's node of the same path: mknod(2) is refused in a user namespace.
Result<void> bind_node(const Fd& root, const std::string& path);

/// /dev/fd, stdin, stdout, stderr, core and ptmx (config-linux.md#default-devices and
/// runtime-linux.md). Existing links stay, but for ptmx, which must be the container's own.
Result<void> make_links(const Fd& root);

/// Whether `fd` is the null device, whatever file names it.
bool is_null_device(int fd);

}  // namespace skiff::devices
