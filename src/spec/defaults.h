// What `spec` prints: a bundle's config.json to begin with.
#pragma once

#include <string>

#include "src/base/result.h"

namespace skiff::spec {

struct DefaultOptions {
  bool rootless = false;
  uint32_t uid = 0;  // rootless: the caller's ids, mapped to the container's 0
  uint32_t gid = 0;
  bool cgroup_namespace = true;  // add a cgroup namespace: true on cgroup v2
};

/// The default configuration as indented JSON text with a final newline.
std::string default_config(const DefaultOptions& options);

}  // namespace skiff::spec
