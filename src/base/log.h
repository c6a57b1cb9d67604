// The log: one line a record, one write(2) a line, so that engines which read
// the file while several skiff processes append to it never see a torn record.
#pragma once

#include <string_view>

#include "src/base/result.h"

namespace skiff::log {

enum class Format { Text, Json };
enum class Level { Error, Warning, Info, Debug };

/// Appends records to `fd`, which stays the caller's; -1 logs nowhere.
/// Process-wide; called once, before any thread or fork.
void configure(int fd, Format format, Level level);
int fd();
Format format();
Level level();

void write(Level level, std::string_view message);

template <class... Args>
void debug(fmt::format_string<Args...> message, Args&&... args) {
  if (level() >= Level::Debug)
    write(Level::Debug, fmt::format(message, std::forward<Args>(args)...));
}
/// For going on deliberately; the message ends in ", ignoring".
template <class... Args>
void warn(fmt::format_string<Args...> message, Args&&... args) {
  if (level() >= Level::Warning)
    write(Level::Warning, fmt::format(message, std::forward<Args>(args)...));
}

}  // namespace skiff::log
