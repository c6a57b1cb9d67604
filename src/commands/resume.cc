#include "src/commands/commands.h"
#include "src/container/lifecycle.h"

namespace skiff::commands {
namespace {

Result<int> resume(const Invocation& call) {
  const container::ContainerStore store = TRY(call.globals.store());
  container::Container container = TRY(container::Container::load(store, call.id()));
  TRY(container.resume());
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kResume = {
    .name = "resume",
    .synopsis = "CONTAINER-ID",
    .summary = "let a paused container go on",
    .details = "",
    .run = resume,
};

}  // namespace skiff::commands
