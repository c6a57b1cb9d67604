// The options of a mount, turned into what the kernel's calls take.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// A range of "idmap=uids=…": ids of the file system and what they are on the host.
struct IdMapRange {
  IdMapping mapping;
  /// Written with '@': host_id is an id in the container, whose own mapping makes it one of the
  /// host.
  bool relative = false;
};

/// "idmap", "ridmap", "idmap=uids=…;gids=…". Empty lists: the mount's mappings or the container's.
struct IdMapOption {
  bool recursive = false;
  std::vector<IdMapRange> uids;
  std::vector<IdMapRange> gids;
};

struct MountOptions {
  unsigned long flags = 0;    // MS_*: set on the mount; MS_BIND|MS_REC for rbind
  unsigned long cleared = 0;  // MS_* that an option such as "exec" or "rw" clears explicitly
  /// "rro", "rexec" …: MS_* set and cleared on the mount and all below it, before the two above,
  /// which name nothing that a later word here has decided.
  unsigned long tree_flags = 0;
  unsigned long tree_cleared = 0;
  unsigned long propagation =
      0;                 // one of MS_SHARED|SLAVE|PRIVATE|UNBINDABLE, perhaps |MS_REC; 0: untouched
  std::string data;      // what is left, joined by commas, for the file system
  bool copy_up = false;  // tmpcopyup
  bool copy_symlink = false;  // a source that is a symbolic link is made anew
  bool source_nofollow = false;
  bool target_nofollow = false;
  std::optional<IdMapOption> idmap;
};

/// What a file system has and a single mount of it cannot: bind mounts take it from their source.
/// MS_SYNCHRONOUS, MS_MANDLOCK, MS_DIRSYNC, MS_I_VERSION and MS_LAZYTIME.
extern const unsigned long kSuperblockFlags;

/// Sorts `options` (config.md#linux-mount-options, and crun's idmap=, copy-symlink, src-nofollow
/// and dest-nofollow). Later words win over earlier ones ("ro,rw" is rw). Words unknown here are
/// the file system's data.
Result<MountOptions> parse_mount_options(const std::vector<std::string>& options);

/// Whether `mount` is a bind mount: "bind" or "rbind" among its options or as its type, or no type
/// at all but a source.
bool is_bind(const Mount& mount, const MountOptions& options);

/// Every word parse_mount_options() knows, sorted; for `features`.
std::vector<std::string> known_mount_options();

}  // namespace skiff::spec
