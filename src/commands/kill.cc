#include "src/commands/commands.h"
#include "src/commands/selection.h"
#include "src/commands/values.h"
#include "src/container/lifecycle.h"

namespace skiff::commands {
namespace {

constexpr Option kOptions[] = {
    {"all", 'a', "", "signal every process in the container"},
    {"regex", 'r', "", "CONTAINER-ID is a regular expression: signal every container it matches"},
};

std::string signal_name(const Arguments& arguments) {
  return arguments.operands().size() > 1 ? arguments.operands()[1] : "TERM";
}

Result<void> check(const Arguments& arguments) {
  TRY(parse_signal(signal_name(arguments)));
  return {};
}

Result<int> kill(const Invocation& call) {
  const int signal = TRY(parse_signal(signal_name(call.arguments)));
  const container::ContainerStore store = TRY(call.globals.store());
  const auto kill_one = [&](const std::string& id) -> Result<void> {
    container::Container container = TRY(container::Container::load(store, id));
    return container.kill(signal, call.arguments.flag("all"));
  };
  if (call.arguments.flag("regex"))
    TRY(for_each_match(store, call.id(), kill_one));
  else
    TRY(kill_one(call.id()));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kKill = {
    .name = "kill",
    .synopsis = "CONTAINER-ID [SIGNAL]",
    .summary = "send a signal to a container's init process",
    .details =
        "SIGNAL is a number or a name, with or without SIG (default TERM); RTMIN+n and RTMAX-n\n"
        "are the real-time signals.",
    .options = kOptions,
    .check = check,
    .run = kill,
};

}  // namespace skiff::commands
