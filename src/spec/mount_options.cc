#include "src/spec/mount_options.h"

#include <linux/mount.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "src/base/text.h"

namespace skiff::spec {
namespace {

struct Word {
  std::string_view name;
  unsigned long set;
  unsigned long clear;
  bool recursive = false;
};

// Sorted. The kernel keeps one of noatime, relatime and strictatime: each replaces the others.
// "acl", "noacl" and their like belong to a file system, not to the kernel's flags; "defaults" is
// mount(8)'s word for nothing in particular. rsync, rdirsync, rmand and their opposites are crun's:
// a new file system has nothing below it, so they are sync, dirsync and mand.
constexpr Word kFlags[] = {
    {"async", 0, MS_SYNCHRONOUS},
    {"atime", 0, MS_NOATIME},
    {"bind", MS_BIND, 0},
    {"defaults", 0, 0},
    {"dev", 0, MS_NODEV},
    {"diratime", 0, MS_NODIRATIME},
    {"dirsync", MS_DIRSYNC, 0},
    {"exec", 0, MS_NOEXEC},
    {"iversion", MS_I_VERSION, 0},
    {"lazytime", MS_LAZYTIME, 0},
    {"loud", 0, MS_SILENT},
    {"mand", MS_MANDLOCK, 0},
    {"noatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME},
    {"nodev", MS_NODEV, 0},
    {"nodiratime", MS_NODIRATIME, 0},
    {"noexec", MS_NOEXEC, 0},
    {"noiversion", 0, MS_I_VERSION},
    {"nolazytime", 0, MS_LAZYTIME},
    {"nomand", 0, MS_MANDLOCK},
    {"norelatime", 0, MS_RELATIME},
    {"nostrictatime", 0, MS_STRICTATIME},
    {"nosuid", MS_NOSUID, 0},
    {"nosymfollow", MS_NOSYMFOLLOW, 0},
    {"rasync", 0, MS_SYNCHRONOUS},
    {"ratime", 0, MS_NOATIME, true},
    {"rbind", MS_BIND | MS_REC, 0},
    {"rdev", 0, MS_NODEV, true},
    {"rdiratime", 0, MS_NODIRATIME, true},
    {"rdirsync", MS_DIRSYNC, 0},
    {"relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
    {"remount", MS_REMOUNT, 0},
    {"rexec", 0, MS_NOEXEC, true},
    {"rmand", MS_MANDLOCK, 0},
    {"rnoatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME, true},
    {"rnodev", MS_NODEV, 0, true},
    {"rnodiratime", MS_NODIRATIME, 0, true},
    {"rnoexec", MS_NOEXEC, 0, true},
    {"rnomand", 0, MS_MANDLOCK},
    {"rnorelatime", 0, MS_RELATIME, true},
    {"rnostrictatime", 0, MS_STRICTATIME, true},
    {"rnosuid", MS_NOSUID, 0, true},
    {"rnosymfollow", MS_NOSYMFOLLOW, 0, true},
    {"ro", MS_RDONLY, 0},
    {"rrelatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME, true},
    {"rro", MS_RDONLY, 0, true},
    {"rrw", 0, MS_RDONLY, true},
    {"rstrictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME, true},
    {"rsuid", 0, MS_NOSUID, true},
    {"rsymfollow", 0, MS_NOSYMFOLLOW, true},
    {"rsync", MS_SYNCHRONOUS, 0},
    {"rw", 0, MS_RDONLY},
    {"silent", MS_SILENT, 0},
    {"strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
    {"suid", 0, MS_NOSUID},
    {"symfollow", 0, MS_NOSYMFOLLOW},
    {"sync", MS_SYNCHRONOUS, 0},
};

struct PropagationWord {
  std::string_view name;
  unsigned long type;
};

constexpr PropagationWord kPropagation[] = {
    {"private", MS_PRIVATE},
    {"rprivate", MS_PRIVATE | MS_REC},
    {"rshared", MS_SHARED | MS_REC},
    {"rslave", MS_SLAVE | MS_REC},
    {"runbindable", MS_UNBINDABLE | MS_REC},
    {"shared", MS_SHARED},
    {"slave", MS_SLAVE},
    {"unbindable", MS_UNBINDABLE},
};

/// Words for us, not for the kernel.
struct Switch {
  std::string_view name;
  bool MountOptions::*member;
};

constexpr Switch kSwitches[] = {
    {"copy-symlink", &MountOptions::copy_symlink},
    {"dest-nofollow", &MountOptions::target_nofollow},
    {"src-nofollow", &MountOptions::source_nofollow},
    {"tmpcopyup", &MountOptions::copy_up},
};

template <class Table>
auto find(const Table& table, std::string_view name) {
  return std::find_if(std::begin(table), std::end(table),
                      [&](const auto& word) { return word.name == name; });
}

void apply(const Word& word, MountOptions& options) {
  unsigned long& flags = word.recursive ? options.tree_flags : options.flags;
  unsigned long& cleared = word.recursive ? options.tree_cleared : options.cleared;
  flags = (flags & ~word.clear) | word.set;
  cleared = (cleared & ~word.set) | word.clear;
  if (word.name == "bind") options.flags &= ~static_cast<unsigned long>(MS_REC);
  if (!word.recursive) return;
  // It holds for the mount itself too, whatever an earlier word said of that.
  constexpr unsigned long kAtime = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
  unsigned long decided = word.set | word.clear;
  if ((decided & kAtime) != 0) decided |= kAtime;
  options.flags &= ~decided;
  options.cleared &= ~decided;
}

/// "FROM-TO-COUNT", perhaps after '@'.
Result<IdMapRange> parse_range(std::string_view text) {
  IdMapRange range;
  range.relative = text.starts_with('@');
  const std::vector<std::string_view> parts = text::split(text.substr(range.relative), '-');
  // The id 4294967295 means "none": user_namespaces(7).
  constexpr uint64_t kIds = 0xffffffff;
  uint32_t* const targets[] = {&range.mapping.container_id, &range.mapping.host_id,
                               &range.mapping.size};
  bool good = parts.size() == std::size(targets);
  for (size_t i = 0; good && i < parts.size(); ++i) {
    const std::optional<uint64_t> number = text::parse_unsigned(parts[i]);
    good = number && *number < kIds;
    if (good) *targets[i] = static_cast<uint32_t>(*number);
  }
  const IdMapping& mapping = range.mapping;
  if (!good || mapping.size == 0 || uint64_t{mapping.container_id} + mapping.size > kIds ||
      uint64_t{mapping.host_id} + mapping.size > kIds)
    return Error::invalid("{} is not FROM-TO-COUNT", text::quote(text));
  return range;
}

/// "uids=…;gids=…", as crun(1) has it.
Result<void> parse_ranges(std::string_view text, IdMapOption& option) {
  for (const std::string_view part : text::split(text, ';')) {
    const bool users = part.starts_with("uids=");
    std::vector<IdMapRange>& ranges = users ? option.uids : option.gids;
    if ((!users && !part.starts_with("gids=")) || !ranges.empty())
      return Error::invalid("{} is not \"uids=…\" or \"gids=…\", each once", text::quote(part));
    for (const std::string_view range : text::split(part.substr(5), '#'))
      ranges.push_back(TRY(parse_range(range)));
  }
  return {};
}

/// False if `word` is no id mapping.
Result<bool> parse_idmap(std::string_view word, MountOptions& options) {
  const size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  if (name != "idmap" && name != "ridmap") return false;
  IdMapOption option;
  option.recursive = name == "ridmap";
  if (equals != std::string_view::npos)
    TRY(parse_ranges(word.substr(equals + 1), option).context("{}", name));
  options.idmap = std::move(option);
  return true;
}

Result<void> parse_word(const std::string& option, MountOptions& parsed) {
  if (const auto* word = find(kFlags, option); word != std::end(kFlags)) {
    apply(*word, parsed);
  } else if (const auto* type = find(kPropagation, option); type != std::end(kPropagation)) {
    parsed.propagation = type->type;
  } else if (const auto* own = find(kSwitches, option); own != std::end(kSwitches)) {
    parsed.*(own->member) = true;
  } else if (!TRY(parse_idmap(option, parsed)) && !option.empty()) {
    if (!parsed.data.empty()) parsed.data += ',';
    parsed.data += option;
  }
  return {};
}

}  // namespace

const unsigned long kSuperblockFlags =
    MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_I_VERSION | MS_LAZYTIME;

Result<MountOptions> parse_mount_options(const std::vector<std::string>& options) {
  MountOptions parsed;
  for (const std::string& option : options) TRY(parse_word(option, parsed));
  // mount(2) copies one page of data, its last byte a NUL.
  constexpr size_t kMostData = 4095;
  if (parsed.data.size() > kMostData)
    return Error::invalid("{} bytes of file system options, the kernel takes {}",
                          parsed.data.size(), kMostData);
  return parsed;
}

bool is_bind(const Mount& mount, const MountOptions& options) {
  if ((options.flags & MS_BIND) != 0 || mount.type == "bind") return true;
  return mount.type.empty() && !mount.source.empty() && (options.flags & MS_REMOUNT) == 0;
}

std::vector<std::string> known_mount_options() {
  std::vector<std::string> names = {"idmap", "ridmap"};
  for (const Word& word : kFlags) names.emplace_back(word.name);
  for (const PropagationWord& word : kPropagation) names.emplace_back(word.name);
  for (const Switch& word : kSwitches) names.emplace_back(word.name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace skiff::spec
