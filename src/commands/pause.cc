#include "src/commands/commands.h"
#include "src/container/lifecycle.h"

namespace skiff::commands {
namespace {

Result<int> pause(const Invocation& call) {
  const container::ContainerStore store = TRY(call.globals.store());
  container::Container container = TRY(container::Container::load(store, call.id()));
  TRY(container.pause());
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kPause = {
    .name = "pause",
    .synopsis = "CONTAINER-ID",
    .summary = "freeze every process of a container",
    .details = "",
    .run = pause,
};

}  // namespace skiff::commands
