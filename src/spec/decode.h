// config.json, as text, turned into a Spec.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// Decodes and validates (validate.h) a whole config.json. Errors carry the path:
/// `process.user.uid: expected unsigned integer, found string`. Unknown members are
/// ignored (config.md#extensibility); members the specification knows and skiff
/// cannot honour are errors, never dropped.
///
/// `knows_profile` is asked with the text of linux.seccomp as it stands in the configuration, if
/// there is one. True leaves Seccomp::rules empty: for those who have the filter that was made
/// of this very text, and so know that it is valid.
Result<Spec> decode(std::string json,
                    const std::function<bool(std::string_view)>& knows_profile = nullptr);

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

/// Decodes a seccomp profile: a file that holds the value of linux.seccomp, or a configuration
/// that has one, of which nothing else is looked at. Paths in errors begin with "linux.seccomp".
Result<Seccomp> decode_profile(std::string json);

/// Decodes a process object alone, as `exec --process` reads it. Paths in
/// errors begin with "process".
Result<Process> decode_process(std::string json);

/// Decodes a linux.resources object alone, as `update --resources` reads it. Paths in errors
/// begin with "linux.resources".
Result<Resources> decode_resources(std::string json);

}  // namespace skiff::spec
