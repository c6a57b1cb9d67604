#include "src/base/log.h"

#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/json.h"
#include "src/base/text.h"

namespace skiff::log {
namespace {

struct Settings {
  int fd = STDERR_FILENO;
  Format format = Format::Text;
  Level level = Level::Warning;
};
Settings settings;

constexpr std::string_view kNames[] = {"error", "warning", "info", "debug"};

constexpr int kDigits = 6;  // microseconds, as crun writes them and Go parses them

}  // namespace

void configure(int fd, Format format, Level level) { settings = {fd, format, level}; }
int fd() { return settings.fd; }
Format format() { return settings.format; }
Level level() { return settings.level; }

void write(Level level, std::string_view message) {
  if (settings.fd < 0 || level > settings.level) return;
  const std::string_view name = kNames[static_cast<size_t>(level)];
  std::string line;
  if (settings.format == Format::Json) {
    json::Writer writer(json::Style::Compact);
    writer.begin_object();
    writer.field("level", name);
    writer.field("msg", message);
    writer.field("time", clock::now_rfc3339(kDigits));
    writer.end_object();
    line = writer.take();
  } else {
    line = fmt::format("{}: {}: {}", clock::now_rfc3339(kDigits), name, text::one_line(message));
  }
  line += '\n';
  (void)!::write(settings.fd, line.data(), line.size());
}

}  // namespace skiff::log
