#include "src/commands/commands.h"
#include "src/container/lifecycle.h"

namespace skiff::commands {
namespace {

Result<int> start(const Invocation& call) {
  const container::ContainerStore store = TRY(call.globals.store());
  container::Container container = TRY(container::Container::load(store, call.id()));
  TRY(container.start());
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kStart = {
    .name = "start",
    .synopsis = "CONTAINER-ID",
    .summary = "let a created container run its process",
    .details =
        "Returns when the process has been executed, and fails with its reason if it cannot be.",
    .run = start,
};

}  // namespace skiff::commands
