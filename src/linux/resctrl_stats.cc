#include "src/linux/resctrl_stats.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff::resctrl {
namespace {

constexpr size_t kMostBytes = 1u << 20;

std::string read(const std::string& path) {
  const auto file = sys::open(path, O_RDONLY);
  auto text = file ? sys::read_all(*file, kMostBytes, path) : Result<std::string>(file.error());
  return text ? std::string(text::trim(*text)) : std::string();
}

/// Those of `files` that hold a number: "Unavailable" and "Error" are none.
Numbers read_numbers(const std::string& directory, std::initializer_list<const char*> files) {
  Numbers numbers;
  for (const char* file : files)
    if (const auto number = text::parse_unsigned(read(directory + "/" + file)))
      numbers.emplace_back(file, *number);
  return numbers;
}

std::vector<std::string> read_schemata(const std::string& directory) {
  std::vector<std::string> lines;
  const std::string text = read(directory + "/schemata");
  for (const std::string_view line : text::split(text, '\n'))
    if (!text::trim(line).empty()) lines.emplace_back(text::trim(line));
  return lines;
}

/// The domains with a third-level cache, in the order of their numbers.
std::vector<std::string> cache_domains(const std::string& directory) {
  std::vector<std::string> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), ::closedir);
  while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr)
    if (std::string_view(entry->d_name).starts_with("mon_L3_"))
      found.push_back(directory + "/" + entry->d_name);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Stats read_stats(const Group& group) {
  Stats stats;
  if (group.directory.empty()) return stats;
  const bool is_root = ::access((group.directory + "/info").c_str(), F_OK) == 0;
  const std::string root = is_root ? group.directory : path::parent(group.directory);
  stats.l3_info = read_numbers(root + "/info/L3", {"min_cbm_bits", "num_closids"});
  stats.cbm_mask = read(root + "/info/L3/cbm_mask");
  stats.mb_info = read_numbers(root + "/info/MB",
                               {"bandwidth_gran", "delay_linear", "min_bandwidth", "num_closids"});
  stats.root_schemata = read_schemata(root);
  stats.schemata = read_schemata(group.directory);
  const std::string& monitored = group.monitoring.empty() ? group.directory : group.monitoring;
  for (const std::string& domain : cache_domains(monitored + "/mon_data")) {
    stats.bandwidth.push_back(read_numbers(domain, {"mbm_total_bytes", "mbm_local_bytes"}));
    stats.occupancy.push_back(read_numbers(domain, {"llc_occupancy"}));
  }
  std::erase(stats.bandwidth, Numbers());
  std::erase(stats.occupancy, Numbers());
  return stats;
}

std::string line_of(const std::vector<std::string>& schemata, std::string_view resource) {
  for (const std::string& line : schemata)
    if (line.starts_with(resource) && line.substr(resource.size()).starts_with(':')) return line;
  return {};
}

}  // namespace skiff::resctrl
