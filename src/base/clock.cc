#include "src/base/clock.h"

#include <fmt/format.h>
#include <time.h>

#include <chrono>

namespace skiff::clock {

std::string now_rfc3339(int digits) {
  // Not gmtime_r(3), which reads the time zone's file first.
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  using std::chrono::days;
  using std::chrono::seconds;
  const std::chrono::sys_seconds time{seconds(now.tv_sec)};
  const auto midnight = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (digits > 0)
    text += fmt::format(".{:09}", now.tv_nsec).substr(0, static_cast<size_t>(digits) + 1);
  return text += 'Z';
}

}  // namespace skiff::clock
