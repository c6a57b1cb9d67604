#include "src/commands/commands.h"
#include "src/commands/create_options.h"

namespace skiff::commands {
namespace {

constexpr auto kOptions =
    joined(std::array<Option, 2>{{
               {"detach", 'd', "", "return when the container has started"},
               {"keep", 0, "", "leave the stopped container for \"skiff delete\""},
           }},
           kCreateOptions);

Result<int> run(const Invocation& call) {
  container::RunOptions options;
  options.create = TRY(create_options(call));
  options.detach = call.arguments.flag("detach");
  options.keep = call.arguments.flag("keep");
  options.no_subreaper = call.arguments.flag("no-subreaper");
  const container::ContainerStore store = TRY(call.globals.store());
  return container::run(store, call.id(), options);
}

}  // namespace

constexpr Command kRun = {
    .name = "run",
    .synopsis = "CONTAINER-ID",
    .summary = "create a container, start it, and wait until it ends",
    .details =
        "Signals are passed on to the container. The exit status is that of its process, or\n"
        "128+n if signal n killed it; 0 with --detach. The container is deleted when it\n"
        "has ended, unless --detach or --keep is given.",
    .options = kOptions,
    .run = run,
};

}  // namespace skiff::commands
