// Standard output, and files read whole.
#pragma once

#include <string>
#include <string_view>

#include "src/base/result.h"

namespace skiff::commands {

/// Writes all of `text` to `fd`.
Result<void> write_all(int fd, std::string_view text);
/// Writes all of `text` to standard output.
Result<void> print(std::string_view text);
/// Reads `fd` to its end.
Result<std::string> read_all(int fd);

}  // namespace skiff::commands
