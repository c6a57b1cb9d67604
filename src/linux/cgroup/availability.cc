#include "src/base/path.h"
#include "src/base/text.h"
#include "src/linux/cgroup/cgroup.h"
#include "src/linux/cgroup/resources.h"
#include "src/linux/syscalls.h"

namespace skiff::cgroup {
namespace {

/// What the v2 tree at `mount_point` can control.
Result<std::string> v2_controllers(const std::string& mount_point) {
  const std::string path = mount_point + "/cgroup.controllers";
  return sys::read_all(TRY(sys::open(path, O_RDONLY)), 1u << 12, path);
}

bool is_listed(std::string_view list, std::string_view word) {
  for (const std::string_view listed : text::split(text::trim(list), ' '))
    if (listed == word) return true;
  return false;
}

/// Every need of `files` that `available` has not, and why there are no files if there are none.
void check(const Result<std::vector<FileValue>>& files, std::string_view available,
           std::vector<Error>& faults) {
  if (!files) {
    faults.push_back(files.error());
    return;
  }
  for (const Need& need : controllers_needed(*files))
    if (!is_listed(available, need.controller))
      faults.push_back(Error::invalid("{}: this host has no cgroup controller \"{}\"", need.field,
                                      need.controller));
}

}  // namespace

std::vector<Error> find_faults(const Layout& layout, const spec::Resources& resources) {
  std::vector<Error> faults;
  std::vector<std::string> v1;
  std::string v2;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    v1.insert(v1.end(), hierarchy.controllers.begin(), hierarchy.controllers.end());
    if (!hierarchy.v2) continue;
    const auto listed = v2_controllers(hierarchy.mount_point);
    if (listed) v2 = *listed;
  }
  check(v1_files(select(resources, v1, true)), text::join(v1, " "), faults);
  check(v2_files(select(resources, v1, false)), v2, faults);
  check(unified_files(resources.unified), v2, faults);
  return faults;
}

}  // namespace skiff::cgroup
