// The table of `list`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skiff::commands {

using Row = std::vector<std::string>;

/// `rows`, of equally many cells each, in aligned columns; every line ends in a newline.
/// Cells with control characters are quoted.
std::string format_table(const std::vector<Row>& rows);

/// The name of `uid` in `passwd`, the text of a passwd(5) file; its number if it has none.
/// Read here because getpwuid(3) needs shared objects that a static program has not.
std::string user_name(uint32_t uid, std::string_view passwd);

}  // namespace skiff::commands
