// The options of a mount, turned into what the kernel's calls take.
#pragma once

#include <string>
#include <vector>

#include "src/base/result.h"

namespace skiff::spec {

struct MountOptions {
  unsigned long flags = 0;    // MS_*: set on the mount; MS_BIND|MS_REC for rbind
  unsigned long cleared = 0;  // MS_* that an option such as "exec" or "rw" clears explicitly
  unsigned long propagation =
      0;             // one of MS_SHARED|SLAVE|PRIVATE|UNBINDABLE, perhaps |MS_REC; 0: untouched
  std::string data;  // what is left, joined by commas, for the file system
};

/// Sorts `options` (config.md#linux-mount-options). Later words win over
/// earlier ones ("ro,rw" is rw). Words unknown here are the file system's data.
/// Fails, naming the word, on known options that skiff does not support.
Result<MountOptions> parse_mount_options(const std::vector<std::string>& options);

/// Every word parse_mount_options() takes for a flag, sorted; for `features`.
std::vector<std::string> known_mount_options();

}  // namespace skiff::spec
