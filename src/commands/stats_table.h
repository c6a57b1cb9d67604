// The table of `stats`. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skiff::commands {

/// What a container uses, for people.
struct Consumption {
  std::string id;
  uint64_t cpu_hundredths = 0;  // of a per cent of one processor
  uint64_t memory = 0;          // bytes, as all amounts
  std::optional<uint64_t> memory_limit;
  uint64_t read = 0;
  uint64_t written = 0;
  uint64_t pids = 0;
  std::optional<uint64_t> pids_limit;
  uint64_t received = 0;
  uint64_t sent = 0;
};

/// `bytes` in at most five characters: "999", "1.5K", "1023M", "12G".
std::string short_amount(uint64_t bytes);
/// `id` in at most `width` characters: of one of 64 hexadecimal digits the beginning, of any
/// other the beginning and the end, as what distinguishes ids is often last.
std::string short_id(const std::string& id, size_t width);

/// Aligned columns, no line longer than `width` characters (at least 80); ids get what is left.
std::string stats_table(const std::vector<Consumption>& all, size_t width);
/// One line: an array of objects.
std::string stats_json(const std::vector<Consumption>& all);

}  // namespace skiff::commands
