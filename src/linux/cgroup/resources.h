// Limits as the files that set them. Pure: values in, files and values out.
#pragma once

#include <cstdint>
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
};

/// `resources` for cgroup v2, in the order they are to be written, device rules not
/// included. Fails, naming the field, for a value out of range and where v2 has no
/// equivalent (swappiness, realtime, disableOOMKiller…).
Result<std::vector<FileValue>> v2_files(const spec::Resources& resources);
/// As v2_files, for the v1 controllers.
/// `file` begins with the controller's name: "memory/memory.limit_in_bytes".
Result<std::vector<FileValue>> v1_files(const spec::Resources& resources);

/// The controller of a v1 or v2 file: "memory" for "memory/memory.limit_in_bytes" and "memory.max".
std::string_view controller_of(const FileValue& file);
/// The controllers without which `files` cannot be written, each once.
std::vector<std::string> controllers_needed(const std::vector<FileValue>& files);
/// The configuration's object for a controller: "linux.resources.cpu" for "cpuset".
std::string field_of(std::string_view controller);

/// The part of `resources` whose controllers are in `controllers`, or with `inside`
/// false the rest; device rules belong to "devices".
spec::Resources select(const spec::Resources& resources,
                       const std::vector<std::string>& controllers, bool inside);

/// Whether anything but device rules is asked for.
bool asks_for_limits(const spec::Resources& resources);

/// cpu.weight (1…10000) for v1 shares (2…262144); 0 for 0, which means "leave alone".
/// Source: the quadratic conversion that runc (since 1.3.2) and crun use.
uint64_t weight_from_shares(uint64_t shares);

}  // namespace skiff::cgroup
