// What `skiff validate` says about a configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skiff::spec {

struct Finding {
  std::string path;     // "mounts[2].options"
  std::string message;  // one line
  std::string rule;     // of advice: its short name, "no-seccomp"; "" for an error
};

/// "path: message", as errors are written, taken apart.
inline Finding finding(std::string_view text, std::string_view rule = "") {
  const size_t colon = text.find(": ");
  if (colon == std::string_view::npos) return {"", std::string(text), std::string(rule)};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 2)),
          std::string(rule)};
}

/// Whether `path` is `outer` or lies below it: "mounts[2].options" below "mounts[2]" and "mounts".
inline bool is_within(std::string_view path, std::string_view outer) {
  return path.starts_with(outer) &&
         (path.size() == outer.size() || path[outer.size()] == '.' || path[outer.size()] == '[');
}

}  // namespace skiff::spec
