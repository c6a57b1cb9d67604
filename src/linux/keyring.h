// The session keyring.
#pragma once

#include <string>

#include "src/base/result.h"

namespace skiff::keyring {

/// Gives this process a session keyring of its own, named `name`, whose keys the user's processes
/// may search even where they do not possess it (after setuid, say). Kernels without keyrings are
/// fine.
Result<void> join_new_session(const std::string& name);

}  // namespace skiff::keyring
