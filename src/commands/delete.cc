#include <algorithm>

#include "src/commands/commands.h"
#include "src/commands/selection.h"
#include "src/container/lifecycle.h"

namespace skiff::commands {
namespace {

constexpr Option kOptions[] = {
    {"force", 'f', "", "kill a container that has not stopped; an unknown one is no error"},
    {"regex", 'r', "", "CONTAINER-ID is a regular expression: delete every container it matches"},
};

Result<bool> is_unknown(const container::ContainerStore& store, const std::string& id) {
  TRY(container::check_id(id));
  const std::vector<std::string> ids = TRY(store.ids());
  return std::find(ids.begin(), ids.end(), id) == ids.end();
}

Result<void> delete_one(const container::ContainerStore& store, const std::string& id, bool force) {
  Result<container::Container> container = container::Container::load(store, id);
  // Engines clean up with --force what may never have come to be.
  if (!container && force && TRY(is_unknown(store, id))) return {};
  if (!container) return std::move(container).error();
  auto removed = container->remove(force);
  // Another forced delete was faster.
  if (!removed && force && TRY(is_unknown(store, id))) return {};
  return removed;
}

Result<int> remove(const Invocation& call) {
  const container::ContainerStore store = TRY(call.globals.store());
  const bool force = call.arguments.flag("force");
  if (call.arguments.flag("regex"))
    TRY(for_each_match(store, call.id(),
                       [&](const std::string& id) { return delete_one(store, id, force); }));
  else
    TRY(delete_one(store, call.id(), force));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kDelete = {
    .name = "delete",
    .synopsis = "CONTAINER-ID",
    .summary = "remove a stopped container and all that belongs to it",
    .details = "A delete that was interrupted can be repeated.",
    .options = kOptions,
    .run = remove,
};

}  // namespace skiff::commands
