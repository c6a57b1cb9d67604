// Device nodes and the links of /dev.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::devices {

/// A device as a configuration describes it; without a mode it gets 0666.
struct Node {
  std::string path;  // inside the root
  char type = 'c';   // 'c', 'b' or 'p'
  unsigned major = 0;
  unsigned minor = 0;
  std::optional<mode_t> mode;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

/// Makes `node` inside `root`. What exists at its path must be that device, with the mode and
/// owner that are given (config-linux.md#devices), and is not changed: it may be the host's, bound.
/// The process's umask must be 0.
Result<void> make_node(const Fd& root, const Node& node);

/// Binds the host's node instead, with the host's mode and owner: mknod(2) is refused in a user
/// namespace, but for fifos. Where the host has another node at the same path, or none, that of
/// /dev/char or /dev/block serves.
Result<void> bind_node(const Fd& root, const Node& node);

/// /dev/fd, stdin, stdout, stderr, core and ptmx (config-linux.md#default-devices and
/// runtime-linux.md). Existing links stay, but for ptmx, which must be the container's own.
Result<void> make_links(const Fd& root);

/// Whether `fd` is the null device, whatever file names it.
bool is_null_device(int fd);

}  // namespace skiff::devices
