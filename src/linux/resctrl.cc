#include "src/linux/resctrl.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/base/undo.h"
#include "src/linux/syscalls.h"

namespace skiff::resctrl {
namespace {

constexpr size_t kMostBytes = 1u << 20;

bool has_schemata(const spec::IntelRdt& rdt) {
  return !rdt.schemata.empty() || !rdt.l3_cache_schema.empty() || !rdt.mem_bw_schema.empty();
}

Result<std::string> read(const std::string& path) {
  const Fd file = TRY(sys::open(path, O_RDONLY));
  return sys::read_all(file, kMostBytes, path);
}

/// What the kernel says of its last refusal.
std::string reason(const std::string& directory) {
  for (std::string at = directory; at.size() > 1; at = path::parent(at)) {
    const auto status = read(at + "/info/last_cmd_status");
    if (status) return std::string(text::trim(*status));
  }
  return {};
}

Result<void> write(const std::string& directory, const char* name, std::string_view value) {
  const std::string path = directory + "/" + name;
  const Fd file = TRY(sys::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  if (sys::restarting([&] { return ::write(file.get(), value.data(), value.size()); }) >= 0)
    return {};
  Error error = Error::from_errno("write {} to {}", text::quote(text::trim(value)), path);
  const std::string why = reason(directory);
  return why.empty() || why == "ok" ? std::move(error) : std::move(error).with_hint(why);
}

/// A number as it may be written differently: "0x0F", "f".
std::string plain_number(std::string_view word) {
  std::string number = text::upper(text::trim(word));
  if (number.starts_with("0X")) number.erase(0, 2);
  number.erase(0, std::min(number.find_first_not_of('0'), number.size() - !number.empty()));
  return number;
}

using Domains = std::map<std::pair<std::string, std::string>, std::string>;

/// "L3:0=7f0;1=1f" as {L3, 0} = 7F0, {L3, 1} = 1F.
Domains parse_schemata(std::string_view lines) {
  Domains domains;
  for (const std::string_view line : text::split(lines, '\n')) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string resource(text::trim(line.substr(0, colon)));
    for (const std::string_view entry : text::split(line.substr(colon + 1), ';')) {
      const size_t equals = entry.find('=');
      if (equals == std::string_view::npos) continue;
      domains[{resource, plain_number(entry.substr(0, equals))}] =
          plain_number(entry.substr(equals + 1));
    }
  }
  return domains;
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return {};
  Error error = Error::from_errno("make the group {}", path);
  if (error.is(ENOSPC)) return std::move(error).with_hint("the processor has no more groups");
  return error;
}

Result<void> compare(const Group& group, const std::string& wanted) {
  const std::string present = TRY(read(group.directory + "/schemata"));
  if (is_satisfied(wanted, present)) return {};
  return Error::invalid("the group {} is there and has other schemata: {}", group.directory,
                        text::quote(text::trim(present)));
}

Result<void> make_monitoring(const Group& group) {
  if (group.monitoring.empty() || ::mkdir(group.monitoring.c_str(), 0755) == 0) return {};
  Error error = Error::from_errno("enableMonitoring: make {}", group.monitoring);
  if (!error.is(ENOENT) && !error.is(EPERM)) return error;
  return std::move(error).with_hint("this processor or kernel monitors nothing");
}

bool is_empty(const std::string& directory) {
  DIR* const listing = ::opendir(directory.c_str());
  if (listing == nullptr) return true;
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(listing, ::closedir);
  while (const dirent* entry = ::readdir(listing))
    if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
      return false;
  return true;
}

/// Removing a group would move whoever is in it to the root group.
bool is_used(const Group& group) {
  const auto tasks = read(group.directory + "/tasks");
  return (tasks && !text::trim(*tasks).empty()) || !is_empty(group.directory + "/mon_groups");
}

Result<void> remove_directory(const std::string& path) {
  if (path.empty() || ::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  return Error::from_errno("remove {}", path);
}

}  // namespace

std::string find_mount_point(std::string_view mountinfo) {
  for (const std::string_view line : text::split(mountinfo, '\n')) {
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos || !line.substr(dash).starts_with(" - resctrl ")) continue;
    const auto fields = text::split(line.substr(0, dash), ' ');
    if (fields.size() > 4) return std::string(fields[4]);
  }
  return {};
}

std::pair<std::string, std::string> schemata_of(const spec::IntelRdt& rdt) {
  std::pair<std::string, std::string> portions;
  for (const std::string_view line : text::split(rdt.l3_cache_schema, '\n'))
    if (!line.empty()) portions.first.append(line).append("\n");
  if (!rdt.mem_bw_schema.empty()) portions.first.append(rdt.mem_bw_schema).append("\n");
  for (const std::string& line : rdt.schemata) portions.second.append(line).append("\n");
  return portions;
}

bool is_satisfied(std::string_view wanted, std::string_view present) {
  const Domains there = parse_schemata(present);
  const Domains asked = parse_schemata(wanted);
  return std::all_of(asked.begin(), asked.end(), [&](const auto& entry) {
    const auto found = there.find(entry.first);
    return found != there.end() && found->second == entry.second;
  });
}

Result<Group> find(const spec::IntelRdt& rdt, const std::string& id) {
  const std::string mountinfo = TRY(read("/proc/self/mountinfo"));
  const std::string root = find_mount_point(mountinfo);
  if (root.empty())
    return Error::invalid("linux.intelRdt: no resctrl file system is mounted")
        .with_hint("mount -t resctrl resctrl /sys/fs/resctrl, where the processor has RDT");
  return find_at(root, rdt, id);
}

Result<Group> find_at(const std::string& root, const spec::IntelRdt& rdt, const std::string& id) {
  Group group;
  group.directory = rdt.closid && *rdt.closid == "/" ? root : root + "/" + rdt.closid.value_or(id);
  struct stat status {};
  const bool exists = ::stat(group.directory.c_str(), &status) == 0;
  if (!rdt.closid && exists)
    return Error::invalid("linux.intelRdt: the group {} exists already", group.directory);
  if (rdt.closid && !exists && !has_schemata(rdt))
    return Error::invalid("linux.intelRdt.closID: there is no group {}", group.directory);
  group.made = !exists;
  if (rdt.monitoring) group.monitoring = group.directory + "/mon_groups/" + id;
  return group;
}

Result<void> make(Group& group, const spec::IntelRdt& rdt) {
  if (group.made) {
    auto made = make_directory(group.directory);
    // Another container of the same class was faster.
    group.made = static_cast<bool>(made);
    if (!made && (!made.error().is(EEXIST) || !rdt.closid))
      return std::move(made).context("linux.intelRdt");
  }
  Undo undo([&] { (void)remove(group); });
  const auto [combined, last] = schemata_of(rdt);
  if (!group.made) {
    TRY(compare(group, combined + last).context("linux.intelRdt"));
  } else {
    if (!combined.empty())
      TRY(write(group.directory, "schemata", combined).context("linux.intelRdt"));
    if (!last.empty())
      TRY(write(group.directory, "schemata", last).context("linux.intelRdt.schemata"));
  }
  TRY(make_monitoring(group).context("linux.intelRdt"));
  undo.keep();
  return {};
}

Result<std::string> change(const Group& group, const spec::IntelRdt& rdt) {
  std::string before = TRY(read(group.directory + "/schemata").context("linux.intelRdt"));
  const auto [combined, last] = schemata_of(rdt);
  Undo undo([&] { (void)write_schemata(group, before); });
  if (!combined.empty()) TRY(write_schemata(group, combined));
  if (!last.empty()) TRY(write_schemata(group, last));
  undo.keep();
  return before;
}

Result<void> write_schemata(const Group& group, const std::string& schemata) {
  return write(group.directory, "schemata", schemata).context("linux.intelRdt");
}

Result<void> add(const Group& group, pid_t pid) {
  const std::string number = fmt::format("{}\n", pid);
  TRY(write(group.directory, "tasks", number).context("linux.intelRdt"));
  if (group.monitoring.empty()) return {};
  return write(group.monitoring, "tasks", number).context("linux.intelRdt.enableMonitoring");
}

Result<void> remove(const Group& group) {
  TRY(remove_directory(group.monitoring).context("linux.intelRdt"));
  if (!group.made || is_used(group)) return {};
  return remove_directory(group.directory).context("linux.intelRdt");
}

}  // namespace skiff::resctrl
