#include <unistd.h>

#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/commands/values.h"
#include "src/container/watch.h"
#include "src/linux/cgroup/pressure.h"

namespace skiff::commands {
namespace {

Result<void> check_level(const std::string& argument) {
  TRY(cgroup::parse_pressure_level(argument));
  return {};
}

Result<void> check_trigger(const std::string& argument) {
  TRY(cgroup::parse_pressure_trigger(argument));
  return {};
}

constexpr Option kOptions[] = {
    {"interval", 0, "TIME", "time between stats, such as 5s or 500ms (default 5s)", check_interval},
    {"stats", 0, "", "print the stats once and exit"},
    {"all", 'a', "", "watch every container, also those to come"},
    {"memory-pressure", 0, "low|medium|critical",
     "tell when memory pressure reaches a level (cgroup v1); may be repeated", check_level},
    {"pressure", 0, "TRIGGER",
     "tell when processes stall, such as memory:some:150ms/1s (cgroup v2); may be repeated",
     check_trigger},
};

Result<void> check(const Arguments& arguments) {
  const bool all = arguments.flag("all");
  if (all != arguments.operands().empty())
    return Error::invalid("{}",
                          all ? "--all takes no CONTAINER-ID" : "missing argument CONTAINER-ID")
        .with_hint("usage: skiff events [OPTION...] CONTAINER-ID, or --all");
  if (arguments.flag("stats") && (arguments.get("pressure") || arguments.get("memory-pressure")))
    return Error::invalid("--stats prints once and tells of no pressure");
  return {};
}

Result<int> events(const Invocation& call) {
  const container::ContainerStore store = TRY(call.globals.store());
  std::optional<std::string> id;
  if (!call.arguments.operands().empty()) id = call.id();
  if (call.arguments.flag("stats")) {
    TRY(container::write_stats(store, id, STDOUT_FILENO));
    return EXIT_SUCCESS;
  }
  container::WatchOptions options;
  if (const auto interval = call.arguments.get("interval"))
    options.interval_ms = TRY(parse_interval(*interval));
  for (const std::string& level : call.arguments.all("memory-pressure"))
    options.thresholds.push_back(TRY(cgroup::parse_pressure_level(level)));
  for (const std::string& trigger : call.arguments.all("pressure"))
    options.thresholds.push_back(TRY(cgroup::parse_pressure_trigger(trigger)));
  TRY(container::write_events(store, id, options, STDOUT_FILENO));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kEvents = {
    .name = "events",
    .synopsis = "[CONTAINER-ID]",
    .summary = "tell what a container uses and what happens to it",
    .details =
        "Prints a line of JSON for each event: stats, oom, pressure and exit, with which it ends.",
    .options = kOptions,
    .check = check,
    .run = events,
};

}  // namespace skiff::commands
