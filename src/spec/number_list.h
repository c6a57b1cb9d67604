// Lists of CPUs and memory nodes, "0-3,7", as cpuset(7) writes them.
#pragma once

#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// The numbers of `list`: numbers and ranges between commas, blanks allowed around them; "" has
/// none. Fails on anything else, a range that runs backwards, and a number of 65536 or more, beyond
/// what any kernel counts to.
Result<NumberSet> parse_number_list(std::string_view list);

/// The list that parse_number_list() reads back as `set`.
std::string number_list(const NumberSet& set);

}  // namespace skiff::spec
