#include "src/base/log.h"

#include <time.h>
#include <unistd.h>

#include "src/base/json.h"

namespace skiff::log {
namespace {

struct Settings {
  int fd = STDERR_FILENO;
  Format format = Format::Text;
  Level level = Level::Warning;
};
Settings settings;

constexpr std::string_view kNames[] = {"error", "warning", "info", "debug"};

/// RFC 3339 in UTC with microseconds, as crun writes it and Go parses it.
std::string timestamp() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     now.tv_nsec / 1000);
}

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
    writer.field("time", timestamp());
    writer.end_object();
    line = writer.take();
  } else {
    line = fmt::format("{}: {}: {}", timestamp(), name, message);
  }
  line += '\n';
  (void)!::write(settings.fd, line.data(), line.size());
}

}  // namespace skiff::log
