#include <algorithm>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/spec/annotations.h"
#include "src/spec/validate_parts.h"

namespace skiff::spec {

void annotations_are_honoured(const Spec& spec, Faults& faults) {
  for (const char* name : {"run.oci.handler", "run.oci.seccomp.plugins"})
    if (find(spec.annotations, name) != nullptr)
      faults.push_back(Error::invalid("annotations.{}: not supported", name));
}

void annotations_name_cgroups(const Spec& spec, Faults& faults) {
  for (const char* name : {kSubgroup, kDelegatedCgroup}) {
    const std::string* value = find(spec.annotations, name);
    if (value == nullptr) continue;
    if (value->find('/') != std::string::npos || *value == "." || *value == "..")
      faults.push_back(Error::invalid("annotations.{}: {} is not the name of a directory", name,
                                      text::quote(*value)));
  }
  const std::string* delegated = find(spec.annotations, kDelegatedCgroup);
  const Namespace* user = spec.find_namespace(NamespaceType::User);
  if (delegated == nullptr || delegated->empty() || user == nullptr) return;
  if (!user->path.empty() && spec.linux.uid_mappings.empty())
    faults.push_back(Error::invalid(
        "annotations.{}: needs linux.uidMappings with a user namespace that is joined by path",
        kDelegatedCgroup));
}

void systemd_hierarchy_has_mount(const Spec& spec, Faults& faults) {
  const std::string* at = find(spec.annotations, kSystemdHierarchy);
  if (at == nullptr || at->empty()) return;
  if (!at->starts_with('/')) {
    faults.push_back(Error::invalid("annotations.{}: {} is not an absolute path", kSystemdHierarchy,
                                    text::quote(*at)));
    return;
  }
  const std::string path = path::clean(*at);
  if (path == "/") {
    faults.push_back(Error::invalid("annotations.{}: {} is the container's root", kSystemdHierarchy,
                                    text::quote(*at)));
    return;
  }
  const bool mounted = std::any_of(spec.mounts.begin(), spec.mounts.end(), [&](const Mount& mount) {
    return path::clean("/" + mount.destination) == path;
  });
  if (!mounted)
    faults.push_back(Error::invalid("annotations.{}: nothing in mounts has the destination {}",
                                    kSystemdHierarchy, text::quote(*at)));
}

}  // namespace skiff::spec
