// HOME, where the configuration does not say it.
#pragma once

#include <cstdint>
#include <string>

#include "src/base/fd.h"

namespace skiff::init {

/// The home directory of `uid` in the container's /etc/passwd, or "/". The file is the container's:
/// only a regular one is read, and no more of it than any real one has.
std::string find_home(const Fd& root, uint32_t uid);

}  // namespace skiff::init
