// config.json, as text, turned into a Spec.
#pragma once

#include <string>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// Decodes and validates (validate.h) a whole config.json. Errors carry the path:
/// `process.user.uid: expected unsigned integer, found string`. Unknown members are
/// ignored (config.md#extensibility); members the specification knows and skiff
/// cannot honour are errors, never dropped.
Result<Spec> decode(std::string json);

/// Decodes a process object alone, as `exec --process` reads it. Paths in
/// errors begin with "process".
Result<Process> decode_process(std::string json);

}  // namespace skiff::spec
