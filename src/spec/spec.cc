#include "src/spec/spec.h"

#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080  // <linux/sched.h>, since Linux 5.6
#endif

namespace skiff::spec {
namespace {

struct NamespaceNames {
  const char* oci;
  const char* proc;
  uint64_t flag;
};

// In the order of NamespaceType.
constexpr NamespaceNames kNames[kNamespaceTypes] = {
    {"mount", "mnt", CLONE_NEWNS},         {"pid", "pid", CLONE_NEWPID},
    {"network", "net", CLONE_NEWNET},      {"ipc", "ipc", CLONE_NEWIPC},
    {"uts", "uts", CLONE_NEWUTS},          {"user", "user", CLONE_NEWUSER},
    {"cgroup", "cgroup", CLONE_NEWCGROUP}, {"time", "time", CLONE_NEWTIME},
};

const NamespaceNames& names(NamespaceType type) { return kNames[static_cast<size_t>(type)]; }

}  // namespace

const std::string* find(const StringMap& map, std::string_view key) {
  const std::string* value = nullptr;
  for (const auto& entry : map)
    if (entry.first == key) value = &entry.second;
  return value;
}

Process idle_process() {
  Process process;
  process.cwd = "/";
  return process;
}

const char* name(NamespaceType type) { return names(type).oci; }
const char* proc_file(NamespaceType type) { return names(type).proc; }
uint64_t clone_flag(NamespaceType type) { return names(type).flag; }

std::optional<NamespaceType> namespace_type(std::string_view name) {
  for (size_t i = 0; i < kNamespaceTypes; ++i)
    if (kNames[i].oci == name) return static_cast<NamespaceType>(i);
  return std::nullopt;
}

}  // namespace skiff::spec
