// Containers as `list` looks at them: many, and each for a moment.
#pragma once

#include "src/container/lifecycle.h"
#include "src/container/store.h"

namespace skiff::container {

struct Listed {
  Record record;
  Status status;
};

/// What is to be told of the container `id`, by a few reads; nothing of it stays open.
Result<Listed> look_at(const ContainerStore& store, const std::string& id);

}  // namespace skiff::container
