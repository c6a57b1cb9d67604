#include "src/linux/cgroup/systemd_unit.h"

#include <algorithm>

#include "src/base/text.h"

namespace skiff::cgroup {
namespace {

constexpr std::string_view kSlice = ".slice";
constexpr size_t kLongestName = 255;  // systemd's UNIT_NAME_MAX

bool is_unit_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(":-_.\\@").find(c) != std::string_view::npos;
}

Result<void> check_unit_name(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == 0 || dot == std::string::npos)
    return Error::invalid("{} leaves no name for a unit", text::quote(name));
  if (name.size() > kLongestName)
    return Error::invalid("{} is longer than {} characters", text::quote(name), kLongestName);
  if (!std::all_of(name.begin(), name.end(), is_unit_character) ||
      name.find('@') != std::string::npos)
    return Error::invalid("{} is not a name that systemd takes for a unit", text::quote(name));
  return {};
}

/// The id of a container as part of a unit's name: '+' is the one character that only ids may have
/// (systemd-escape(1)).
std::string escaped(std::string_view id) {
  std::string name;
  for (const char c : id) name += c == '+' ? std::string("\\x2b") : std::string(1, c);
  return name;
}

/// systemd keeps its directories apart from the kernel's files (cg_escape()).
std::string directory_name(const std::string& unit) {
  constexpr std::string_view kControllers[] = {"cpu",    "cpuacct", "cpuset", "io",    "blkio",
                                               "memory", "devices", "pids",   "cgroup"};
  const std::string_view first = std::string_view(unit).substr(0, unit.find('.'));
  const bool taken =
      unit.starts_with('_') || unit.starts_with('.') ||
      std::find(std::begin(kControllers), std::end(kControllers), first) != std::end(kControllers);
  return taken ? "_" + unit : unit;
}

}  // namespace

Result<Unit> unit_from(const std::string& cgroups_path, const std::string& id, bool is_user) {
  const std::string path = cgroups_path.empty() ? ":skiff:" + id : cgroups_path;
  const auto parts = text::split(path, ':');
  if (parts.size() != 3)
    return Error::invalid("linux.cgroupsPath: {} is not of the form slice:prefix:name",
                          text::quote(cgroups_path))
        .with_hint(
            "that is what the systemd cgroup manager takes; --cgroup-manager cgroupfs "
            "takes paths");
  Unit unit;
  unit.slice = parts[0].empty() ? (is_user ? "user.slice" : "system.slice") : parts[0];
  unit.name = parts[2];
  if (parts[2].empty())
    return Error::invalid("linux.cgroupsPath: {} has no name", text::quote(cgroups_path));
  if (!parts[2].ends_with(kSlice)) {
    const std::string prefix = parts[1].empty() ? std::string() : std::string(parts[1]) + "-";
    unit.name = escaped(prefix + unit.name) + ".scope";
  }
  TRY(check_unit_name(unit.name).context("linux.cgroupsPath"));
  TRY(unit_path(unit).context("linux.cgroupsPath"));
  return unit;
}

Result<std::string> slice_path(std::string_view slice) {
  if (slice == "-.slice") return std::string();
  if (!slice.ends_with(kSlice) || slice.size() == kSlice.size())
    return Error::invalid("{} is not the name of a slice", text::quote(slice))
        .with_hint("one such as machine.slice, or -.slice for the topmost");
  TRY(check_unit_name(std::string(slice)));
  const std::string_view words = slice.substr(0, slice.size() - kSlice.size());
  std::string path;
  std::string name;
  for (const std::string_view word : text::split(words, '-')) {
    if (word.empty())
      return Error::invalid("{} is not the name of a slice: nothing between its hyphens",
                            text::quote(slice));
    name += (name.empty() ? "" : "-") + std::string(word);
    path += "/" + directory_name(name + std::string(kSlice));
  }
  return path;
}

Result<std::string> unit_path(const Unit& unit) {
  const std::string above = TRY(slice_path(unit.slice));
  // A slice's own name says what it is below.
  if (unit.is_slice()) return slice_path(unit.name);
  return above + "/" + directory_name(unit.name);
}

systemd::Properties base_properties(const Unit& unit, const std::string& id,
                                    const UnitFacts& facts) {
  systemd::Properties properties;
  const auto yes = systemd::boolean(true);
  properties.push_back({"Description", systemd::string("skiff container " + id)});
  if (unit.is_slice()) {
    if (unit.slice != "-.slice")
      properties.push_back({"Wants", systemd::array("s", {systemd::string(unit.slice)})});
  } else {
    properties.push_back({"Slice", systemd::string(unit.slice)});
    // Below its cgroup is ours.
    properties.push_back({"Delegate", yes});
  }
  // Else systemd would stop the container at shutdown before the engine that should do it.
  properties.push_back({"DefaultDependencies", systemd::boolean(false)});
  for (const char* name : {"MemoryAccounting", "CPUAccounting", "TasksAccounting"})
    properties.push_back({name, yes});
  properties.push_back({facts.v2 ? "IOAccounting" : "BlockIOAccounting", yes});
  // A unit that failed is not remembered when it is gone (since 236).
  if (facts.version >= 236)
    properties.push_back({"CollectMode", systemd::string("inactive-or-failed")});
  return properties;
}

}  // namespace skiff::cgroup
