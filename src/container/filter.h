// The compiled seccomp filter in the state directory: made at create, loaded again by exec.
#pragma once

#include "src/base/result.h"
#include "src/container/store.h"
#include "src/linux/seccomp.h"

namespace skiff::container {

Result<void> store_filter(const StateDir& dir, const seccomp::Program& program);
/// Fails closed: a file that is missing, short or of another form is an error.
Result<seccomp::Program> load_filter(const StateDir& dir);

}  // namespace skiff::container
