#include "src/commands/output.h"

#include <unistd.h>

namespace skiff::commands {

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::from_errno("write");
    text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Result<void> print(std::string_view text) {
  return write_all(STDOUT_FILENO, text).context("standard output");
}

Result<std::string> read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error::from_errno("read");
    if (size == 0) return text;
    text.append(buffer, static_cast<size_t>(size));
  }
}

}  // namespace skiff::commands
