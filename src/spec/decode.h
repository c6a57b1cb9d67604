// config.json, as text, turned into a Spec.
#pragma once

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// Decodes and validates (validate.h) a whole config.json. Errors carry the path:
/// `process.user.uid: expected unsigned integer, found string`. Unknown members are
/// ignored (config.md#extensibility); members the specification knows and skiff
/// cannot honour are errors, never dropped.
Result<Spec> decode(std::string json);

/// All that can be said about a config.json at once.
struct Survey {
  Spec spec;                         // blank where it is wrong
  std::vector<Error> errors;         // each begins with its path
  std::vector<std::string> remarks;  // "path: text": what has no effect
  struct Unknown {
    std::string path;
    std::string suggestion;  // the member that was probably meant, or ""
  };
  std::vector<Unknown> unknown;  // members that the specification does not name
};

/// As decode(), going on after errors. Fails only on what is no JSON object.
Result<Survey> survey(std::string json);

/// Decodes a process object alone, as `exec --process` reads it. Paths in
/// errors begin with "process".
Result<Process> decode_process(std::string json);

/// Decodes a linux.resources object alone, as `update --resources` reads it. Paths in errors
/// begin with "linux.resources".
Result<Resources> decode_resources(std::string json);

}  // namespace skiff::spec
