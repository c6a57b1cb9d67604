#include "src/container/state.h"

#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/container/lifecycle.h"

namespace skiff::commands {
namespace {

Result<int> state(const Invocation& call) {
  const container::ContainerStore store = TRY(call.globals.store());
  container::Container container = TRY(container::Container::load(store, call.id()));
  const container::Status status = TRY(container.status());
  TRY(print(container::state_json(container.record(), status) + '\n'));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kState = {
    .name = "state",
    .synopsis = "CONTAINER-ID",
    .summary = "print the state of a container as JSON",
    .details =
        "The status is creating, created, running, paused or stopped. The pid is 0 once the\n"
        "container has stopped.",
    .run = state,
};

}  // namespace skiff::commands
