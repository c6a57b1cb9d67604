#include <algorithm>
#include <iterator>

#include "src/base/text.h"
#include "src/linux/cgroup/resources.h"

namespace skiff::cgroup {
namespace {

/// A file with a line for each device, resource or interface.
struct KeyedFile {
  std::string_view name;
  std::string_view none;  // what takes a key's line away
};

// Linux admin-guide/cgroup-v2.rst and cgroup-v1/{blkio-controller,rdma,net_prio}.rst
constexpr KeyedFile kKeyedFiles[] = {
    {"io.max", "rbps=max wbps=max riops=max wiops=max"},
    {"io.latency", "target=0"},
    {"io.weight", "default"},
    {"io.bfq.weight", "default"},
    {"blkio.bfq.weight_device", "default"},
    {"blkio.weight_device", "0"},
    {"blkio.leaf_weight_device", "0"},
    {"blkio.throttle.read_bps_device", "0"},
    {"blkio.throttle.write_bps_device", "0"},
    {"blkio.throttle.read_iops_device", "0"},
    {"blkio.throttle.write_iops_device", "0"},
    {"net_prio.ifpriomap", "0"},
    {"rdma.max", "hca_handle=max hca_object=max"},
    {"misc.max", "max"},
    {"dmem.max", "max"},
    {"dmem.min", "0"},
    {"dmem.low", "0"},
};

const KeyedFile* find_keyed(std::string_view file) {
  file = file.substr(file.rfind('/') + 1);
  const auto* found = std::find_if(std::begin(kKeyedFiles), std::end(kKeyedFiles),
                                   [&](const KeyedFile& keyed) { return keyed.name == file; });
  return found == std::end(kKeyedFiles) ? nullptr : found;
}

std::string_view first_word(std::string_view line) { return line.substr(0, line.find(' ')); }

/// A weight without a key is that of all devices without one of their own.
std::string_view key_of(std::string_view value) {
  const std::string_view word = first_word(value);
  return text::parse_unsigned(word) ? "default" : word;
}

std::string restoring_line(const KeyedFile& keyed, std::string_view key, std::string_view before) {
  for (const std::string_view line : text::split(before, '\n'))
    if (first_word(line) == key) return std::string(line);
  return fmt::format("{} {}", key, keyed.none);
}

}  // namespace

bool is_keyed(std::string_view file) { return find_keyed(file) != nullptr; }

bool says(std::string_view content, std::string_view value) {
  const auto lines = text::split(text::trim(content), '\n');
  return std::find(lines.begin(), lines.end(), value) != lines.end();
}

std::vector<std::string> restoring_values(std::string_view file, std::string_view value,
                                          std::string_view before) {
  before = text::trim(before);
  if (const KeyedFile* keyed = find_keyed(file))
    return {restoring_line(*keyed, key_of(value), before)};
  // "oom_kill_disable 0", then counters.
  if (file.ends_with("memory.oom_control"))
    return {restoring_line({}, "oom_kill_disable", before).substr(17)};
  if (file.ends_with("cpuset.cpus.partition")) return {std::string(first_word(before))};
  // cpusets may be empty, and an empty write would not reach the kernel.
  if (before.empty()) return {"\n"};
  std::vector<std::string> lines;
  for (const std::string_view line : text::split(before, '\n')) lines.emplace_back(line);
  return lines;
}

}  // namespace skiff::cgroup
