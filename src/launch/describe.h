// A launch plan put into words. Pure.
#pragma once

#include <string>

#include "src/launch/plan.h"

namespace skiff::launch {

/// What is described: the decision and what it was made from.
struct Described {
  const spec::Spec& spec;
  const LaunchPlan& plan;
  const cgroup::Paths& cgroup;
};

/// In the order in which create acts: lines for people.
Result<std::string> describe_as_text(const Described& what);
/// The same as one JSON object.
Result<std::string> describe_as_json(const Described& what);

}  // namespace skiff::launch
