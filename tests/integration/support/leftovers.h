// What a runtime leaves behind.
#pragma once

#include <set>
#include <string>

#include "tests/integration/support/bundle.h"

namespace tests {

/// Remembers processes, mounts, cgroups, network devices and containers; later tells what is new.
///
///   Leftovers leftovers(bundle);
///   CHECK_FALSE(container.create().ok());
///   CHECK(leftovers.found() == "");
class Leftovers {
 public:
  explicit Leftovers(const Bundle& bundle);
  /// One line for each thing that was not there at first; "" if there is none. Processes that
  /// were killed get a moment to disappear.
  std::string found() const;

 private:
  std::set<std::string> collect() const;

  std::string state_root_;
  std::set<std::string> before_;
};

}  // namespace tests
