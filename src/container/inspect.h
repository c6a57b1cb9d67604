// What this host and this root file system have of what a configuration asks for; changes nothing.
#pragma once

#include <string>
#include <vector>

#include "src/linux/cgroup/cgroup.h"
#include "src/spec/finding.h"
#include "src/spec/spec.h"

namespace skiff::container {

struct Inspection {
  std::vector<spec::Finding> errors;  // create would fail
  std::vector<spec::Finding> advice;  // it may, or the effect is another than is meant
};

/// `bundle` is the directory, absolute. What may not be read by this user is not judged.
Inspection inspect(const std::string& bundle, const spec::Spec& spec);

}  // namespace skiff::container
