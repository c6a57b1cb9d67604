// Limits as the files that set them. Pure: values in, files and values out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::cgroup {

struct FileValue {
  std::string file;   // below the cgroup's directory: "memory.max"
  std::string value;  // what is written, without a newline
  std::string field;  // the configuration's path, for errors: "linux.resources.memory.limit"
  bool may_be_absent = false;  // a kernel without the file does what `value` asks anyway
  /// Another file for the same purpose: each is written where it exists, and one must take it.
  std::string also_file = {};
  std::string also_value = {};
};

/// `resources` for cgroup v2, in the order they are to be written, device rules and
/// `unified` not included. Fails, naming the field, for a value out of range and where v2 has
/// no equivalent (swappiness, realtime, disableOOMKiller, network classes…).
Result<std::vector<FileValue>> v2_files(const spec::Resources& resources);
/// As v2_files, for the v1 controllers.
/// `file` begins with the controller's name: "memory/memory.limit_in_bytes".
Result<std::vector<FileValue>> v1_files(const spec::Resources& resources);
/// The lines of linux.resources.unified, which are written after everything else.
std::vector<FileValue> unified_files(const spec::StringMap& unified);

/// The controller of a v1 or v2 file: "memory" for "memory/memory.limit_in_bytes" and "memory.max".
std::string_view controller_of(std::string_view file);

/// A controller, and the first field that cannot be honoured without it.
struct Need {
  std::string controller;
  std::string field;
};
/// The controllers without which `files` cannot be written, each once.
std::vector<Need> controllers_needed(const std::vector<FileValue>& files);

/// Whether `file` has a line for each device, resource or interface, of which one write sets one.
bool is_keyed(std::string_view file);
/// What to write to `file` so that it again holds `before`, its content from before `value`
/// was written to it.
std::vector<std::string> restoring_values(std::string_view file, std::string_view value,
                                          std::string_view before);
/// Whether `file`, whose content is `content`, says `value` already.
bool says(std::string_view content, std::string_view value);

/// The part of `resources` whose controllers are in `controllers`, or with `inside`
/// false the rest; device rules belong to "devices".
spec::Resources select(const spec::Resources& resources,
                       const std::vector<std::string>& controllers, bool inside);

/// Bytes in use.
struct MemoryUsage {
  int64_t memory = 0;
  int64_t with_swap = 0;
};
/// Fails if a limit of `memory` is below `usage`.
Result<void> check_memory_usage(const spec::Memory& memory, const MemoryUsage& usage);

/// Whether `resources` say on which processors to run.
bool limits_processors(const std::optional<spec::Resources>& resources);

/// Whether anything but device rules is asked for.
bool asks_for_limits(const spec::Resources& resources);

/// cpu.weight (1…10000) for v1 shares (2…262144); 0 for 0, which means "leave alone".
/// Source: the quadratic conversion that runc (since 1.3.2) and crun use.
uint64_t weight_from_shares(uint64_t shares);
/// io.weight (1…10000) for a weight of v1 (10…1000), linear; 0 for 0.
uint64_t io_weight_from_blkio(uint16_t weight);

}  // namespace skiff::cgroup
