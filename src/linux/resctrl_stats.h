// What resctrl says of a group: its shares, and what it took of caches and memory bandwidth.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/linux/resctrl.h"

namespace skiff::resctrl {

/// A directory below info/, or a domain below mon_data/: its files with a number.
using Numbers = std::vector<std::pair<std::string, uint64_t>>;

struct Stats {
  Numbers l3_info;  // empty where the processor cannot share it
  std::string cbm_mask;
  Numbers mb_info;
  std::vector<std::string> root_schemata;  // lines such as "L3:0=f;1=f"
  std::vector<std::string> schemata;
  std::vector<Numbers> bandwidth;  // of each domain: mbm_total_bytes, mbm_local_bytes
  std::vector<Numbers> occupancy;  // of each domain: llc_occupancy, in bytes
};

/// Reads what there is of `group`; of a monitoring group of its own the numbers are taken there.
/// What the processor does not count is left out.
Stats read_stats(const Group& group);

/// The line of `schemata` about `resource` ("L3", "MB"); "" if there is none.
std::string line_of(const std::vector<std::string>& schemata, std::string_view resource);

}  // namespace skiff::resctrl
