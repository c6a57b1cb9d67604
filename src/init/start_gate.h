// Where a created container waits until it is started.
#pragma once

#include <optional>
#include <string>

#include "src/base/fd.h"
#include "src/launch/channel.h"

namespace skiff::init {

struct Gate {
  std::string state;                       // for the startContainer hooks
  std::optional<launch::Channel> starter;  // who is told of Executing or Failed; none: the runtime
};

/// Waits for Start: after Proceed on `listener`, through which `skiff start` connects, or without
/// one on the channel to the runtime, which then is the starter itself. A connection that ends
/// without a word was a look at whether we still wait. Fails if the runtime ends first.
Result<Gate> wait_for_start(Fd listener, launch::Channel& runtime);

}  // namespace skiff::init
