// What the arguments of options and operands mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace skiff::commands {

/// 0 to 64, or a name with or without SIG in any case: "KILL", "sigterm", "RTMIN+3", "RTMAX-1".
/// 0 sends nothing and asks only whether the process is there (kill(2)).
Result<int> parse_signal(std::string_view word);

struct User {
  uint32_t uid = 0;
  std::optional<uint32_t> gid;
};

/// UID[:GID], numbers only: a name would have to be looked up inside the
/// container, and a misread one would be root (CVE-2026-30892).
Result<User> parse_user(std::string_view word);

/// A user or group id; (uint32_t)-1 is none, setuid(2) and chown(2) take it for "unchanged".
Result<uint32_t> parse_id(std::string_view word);

/// How many descriptors to pass on, at most fs.nr_open's default.
Result<unsigned> parse_descriptor_count(std::string_view word);

/// A span of time between repetitions, at least a millisecond: "5s", "500ms", "1m30s", "5". In
/// milliseconds.
Result<int64_t> parse_interval(std::string_view word);

/// The checks of options; each says what is wrong with the argument.
Result<void> check_user(const std::string& argument);
Result<void> check_id(const std::string& argument);
Result<void> check_descriptor_count(const std::string& argument);
Result<void> check_environment(const std::string& argument);
Result<void> check_absolute_path(const std::string& argument);
Result<void> check_not_empty(const std::string& argument);
Result<void> check_capability(const std::string& argument);
Result<void> check_interval(const std::string& argument);
Result<void> check_listing_format(const std::string& argument);
Result<void> check_text_format(const std::string& argument);

}  // namespace skiff::commands
