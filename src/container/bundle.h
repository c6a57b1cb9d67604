// A bundle: a directory with a configuration, decoded and valid, or no Bundle at all.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::container {

struct Bundle {
  std::string path;         // absolute
  std::string config_text;  // config.json as it was read, kept for exec
  spec::Spec spec;

  /// `directory` relative to the caller's, `config` relative to the bundle.
  /// `knows_profile` is that of spec::decode().
  static Result<Bundle> open(const std::string& directory, const std::string& config,
                             const std::function<bool(std::string_view)>& knows_profile = nullptr);
};

/// `path` below the caller's working directory, unless absolute; cleaned.
Result<std::string> absolute_path(const std::string& path);

/// The text of a configuration file: regular, of a sane size.
Result<std::string> read_config(const std::string& path);

}  // namespace skiff::container
