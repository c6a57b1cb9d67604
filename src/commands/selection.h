// Containers chosen by a regular expression.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "src/container/store.h"

namespace skiff::commands {

/// Those of `ids` in which the POSIX extended regular expression `pattern` matches somewhere.
Result<std::vector<std::string>> matching(const std::string& pattern,
                                          const std::vector<std::string>& ids);

/// Calls `act` on every container whose id matches, also after failures, of
/// which the Error then tells all.
Result<void> for_each_match(const container::ContainerStore& store, const std::string& pattern,
                            const std::function<Result<void>(const std::string& id)>& act);

}  // namespace skiff::commands
