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
};

// Sorted. The kernel keeps one of noatime, relatime and strictatime: each replaces the others.
// "acl", "noacl" and their like belong to a file system, not to the kernel's flags; "defaults" is
// mount(8)'s word for nothing in particular.
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
    {"rbind", MS_BIND | MS_REC, 0},
    {"relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
    {"remount", MS_REMOUNT, 0},
    {"ro", MS_RDONLY, 0},
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

constexpr std::string_view kUnsupported[] = {
    "copy-symlink", "dest-nofollow", "idmap",   "ratime",       "rdev",           "rdiratime",
    "rdirsync",     "rexec",         "ridmap",  "rmand",        "rnoatime",       "rnodev",
    "rnodiratime",  "rnoexec",       "rnomand", "rnorelatime",  "rnostrictatime", "rnosuid",
    "rnosymfollow", "rrelatime",     "rro",     "rrw",          "rstrictatime",   "rsuid",
    "rsymfollow",   "rsync",         "rasync",  "src-nofollow", "tmpcopyup",
};

template <class Table>
auto find(const Table& table, std::string_view name) {
  return std::find_if(std::begin(table), std::end(table),
                      [&](const auto& word) { return word.name == name; });
}

bool is_unsupported(std::string_view word) {
  // crun writes the mapping into the word itself: "idmap=uids=0-1000-1".
  const std::string_view name = word.substr(0, word.find('='));
  if (name != word && name != "idmap" && name != "ridmap") return false;
  return std::find(std::begin(kUnsupported), std::end(kUnsupported), name) !=
         std::end(kUnsupported);
}

void apply(const Word& word, MountOptions& options) {
  options.flags = (options.flags & ~word.clear) | word.set;
  options.cleared = (options.cleared & ~word.set) | word.clear;
  if (word.name == "bind") options.flags &= ~static_cast<unsigned long>(MS_REC);
}

}  // namespace

Result<MountOptions> parse_mount_options(const std::vector<std::string>& options) {
  MountOptions parsed;
  for (const std::string& option : options) {
    if (const auto* word = find(kFlags, option); word != std::end(kFlags)) {
      apply(*word, parsed);
    } else if (const auto* type = find(kPropagation, option); type != std::end(kPropagation)) {
      parsed.propagation = type->type;
    } else if (is_unsupported(option)) {
      return Error::invalid("{}: not supported yet", text::quote(option));
    } else if (!option.empty()) {
      if (!parsed.data.empty()) parsed.data += ',';
      parsed.data += option;
    }
  }
  // mount(2) copies one page of data, its last byte a NUL.
  constexpr size_t kMostData = 4095;
  if (parsed.data.size() > kMostData)
    return Error::invalid("{} bytes of file system options, the kernel takes {}",
                          parsed.data.size(), kMostData);
  return parsed;
}

std::vector<std::string> known_mount_options() {
  std::vector<std::string> names;
  for (const Word& word : kFlags) names.emplace_back(word.name);
  for (const PropagationWord& word : kPropagation) names.emplace_back(word.name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace skiff::spec
