#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "src/base/log.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/commands/stats_table.h"
#include "src/commands/values.h"
#include "src/container/lifecycle.h"
#include "src/container/sample.h"

namespace skiff::commands {
namespace {

using container::Container;
using container::ContainerStore;
using container::Status;

constexpr int64_t kInterval = 2000;      // milliseconds
constexpr int64_t kShortInterval = 250;  // between the two looks of --no-stream
constexpr int64_t kNanosecondsInMs = 1'000'000;

constexpr Option kOptions[] = {
    {"interval", 'i', "TIME", "time between tables, such as 5s or 500ms (default 2s)",
     check_interval},
    {"no-stream", 0, "", "print one table and exit"},
    {"format", 'f', "table|json", "how to print them (default table)", check_listing_format},
};

/// A container that is shown, and what it had used at the last look.
struct Shown {
  explicit Shown(const container::Record& record) : sampler(record) {}

  container::Sampler sampler;
  Consumption consumption;
  uint64_t cpu = 0;   // nanoseconds of processor time
  uint64_t when = 0;  // in nanoseconds, 0: no look yet
  bool seen = true;
};

uint64_t monotonic_ns() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// v1 shows no limit as the largest number of whole pages.
std::optional<uint64_t> limit_of(uint64_t limit) {
  constexpr uint64_t kNone = uint64_t{1} << 62;
  return limit < kNone ? std::optional(limit) : std::nullopt;
}

/// Takes a new look; ENOENT if the container is gone.
Result<void> look(Shown& shown) {
  container::Sample sample;
  TRY(shown.sampler.take(sample));
  const cgroup::Stats& stats = sample.cgroup;
  const uint64_t now = monotonic_ns();
  Consumption& of = shown.consumption;
  const uint64_t used = stats.cpu.total - std::min(shown.cpu, stats.cpu.total);
  if (shown.when != 0 && now > shown.when) of.cpu_hundredths = used * 10'000 / (now - shown.when);
  shown.cpu = stats.cpu.total;
  shown.when = now;
  of.memory = stats.memory.usage.usage;
  of.memory_limit = limit_of(stats.memory.usage.limit);
  of.pids = stats.pids.usage;
  of.pids_limit = limit_of(stats.pids.limit);
  of.read = of.written = of.received = of.sent = 0;
  for (const cgroup::BlockEntry& entry : stats.block.service_bytes) {
    if (entry.op == "Read") of.read += entry.value;
    if (entry.op == "Write") of.written += entry.value;
  }
  for (const network::Interface& interface : sample.interfaces) {
    if (interface.name == "lo") continue;
    of.received += interface.received.bytes;
    of.sent += interface.sent.bytes;
  }
  return {};
}

class Display {
 public:
  Display(const ContainerStore& store, const std::vector<std::string>& ids, bool json)
      : store_(store), ids_(ids), json_(json), in_place_(!json && ::isatty(STDOUT_FILENO) == 1) {}

  /// Looks at the containers that are named, else at those that run now. One that is named and not
  /// running is an Error at the first look, later it is left out.
  Result<void> look_at_all();
  Result<void> show() const;
  bool is_over() const { return !ids_.empty() && shown_.empty(); }

 private:
  Result<void> add(const std::string& id);
  size_t width() const;

  const ContainerStore& store_;
  const std::vector<std::string>& ids_;
  const bool json_;
  const bool in_place_;
  bool first_ = true;
  std::vector<std::unique_ptr<Shown>> shown_;
};

Result<void> Display::add(const std::string& id) {
  Container container = TRY(Container::load(store_, id));
  const Status status = TRY(container.status());
  if (status == Status::Stopped || status == Status::Creating)
    return Error::received(ESRCH, "container not running");
  for (const auto& shown : shown_)
    if (shown->consumption.id == id) {
      shown->seen = true;
      return {};
    }
  shown_.push_back(std::make_unique<Shown>(container.record()));
  shown_.back()->consumption.id = id;
  return {};
}

Result<void> Display::look_at_all() {
  for (const auto& shown : shown_) shown->seen = false;
  for (const std::string& id : ids_.empty() ? TRY(store_.ids()) : ids_) {
    auto added = add(id);
    if (!added && !ids_.empty() && first_) return std::move(added).context("{}", id);
    if (added || added.error().is(ESRCH) || added.error().is(ENOENT)) continue;
    log::warn("stats: {}: {}, ignoring", id, added.error().text());
  }
  for (const auto& shown : shown_) {
    auto looked = look(*shown);
    if (looked) continue;
    if (!looked.error().is(ENOENT) && !looked.error().is(ENODEV)) return looked;
    shown->seen = false;  // it is being deleted
  }
  std::erase_if(shown_, [](const auto& shown) { return !shown->seen; });
  first_ = false;
  return {};
}

size_t Display::width() const {
  winsize size{};
  return in_place_ && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

Result<void> Display::show() const {
  std::vector<Consumption> all;
  for (const auto& shown : shown_) all.push_back(shown->consumption);
  if (json_) return print(stats_json(all));
  std::string table = stats_table(all, width());
  if (!in_place_) return print(table);
  // From the top, and what is left of the table before is erased behind each line and below.
  for (size_t at = table.find('\n'); at != std::string::npos; at = table.find('\n', at + 4))
    table.insert(at, "\x1b[K");
  return print("\x1b[H" + table + "\x1b[J");
}

/// False once nobody reads any more.
Result<bool> still_wanted(Result<void> printed) {
  if (printed) return true;
  if (printed.error().is(EPIPE)) return false;
  return std::move(printed).error();
}

void wait_ms(int64_t milliseconds) {
  const timespec pause = {milliseconds / 1000, milliseconds % 1000 * kNanosecondsInMs};
  (void)::nanosleep(&pause, nullptr);
}

Result<int> stats(const Invocation& call) {
  const ContainerStore store = TRY(call.globals.store());
  const bool once = call.arguments.flag("no-stream");
  int64_t interval = kInterval;
  if (const auto given = call.arguments.get("interval")) interval = TRY(parse_interval(*given));
  ::signal(SIGPIPE, SIG_IGN);  // a write that fails tells the same
  Display display(store, call.arguments.operands(), call.arguments.get("format") == "json");
  TRY(display.look_at_all());
  wait_ms(std::min(interval, kShortInterval));  // processor time counts from look to look
  for (;;) {
    TRY(display.look_at_all());
    if (display.is_over() && !once) return EXIT_SUCCESS;
    if (!TRY(still_wanted(display.show())) || once) return EXIT_SUCCESS;
    wait_ms(interval);
  }
}

}  // namespace

constexpr Command kStats = {
    .name = "stats",
    .synopsis = "[CONTAINER-ID...]",
    .summary = "show what containers use, as a live table",
    .details =
        "Without ids every container that has not stopped is shown. On a terminal the table is\n"
        "refreshed in place. CPU% is of one processor; IO and network are sums since the start.",
    .options = kOptions,
    .run = stats,
};

}  // namespace skiff::commands
