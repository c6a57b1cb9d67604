// linux.cgroupsPath and resources in systemd's terms. Pure: values in, names and properties out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/linux/cgroup/cgroup.h"
#include "src/linux/systemd/property.h"
#include "src/spec/spec.h"

namespace skiff::cgroup {

/// The unit that a container is to be.
struct Unit {
  std::string name;   // "skiff-web.scope", or a slice's name
  std::string slice;  // that it is in; "-.slice" is the topmost

  bool is_slice() const { return name.ends_with(".slice"); }
};

/// What `cgroups_path`, "slice:prefix:name", stands for: "prefix-name.scope" in the slice, without
/// a prefix "name.scope"; a name that ends in ".slice" is a unit of its own. Without a slice it is
/// system.slice, a user's containers are in user.slice; absent, as ":skiff:<id>". Errors begin with
/// linux.cgroupsPath.
Result<Unit> unit_from(const std::string& cgroups_path, const std::string& id, bool is_user);

/// Where systemd puts a slice: "/a.slice/a-b.slice" for "a-b.slice", "" for "-.slice".
Result<std::string> slice_path(std::string_view slice);
/// Where systemd puts `unit` below its control group.
Result<std::string> unit_path(const Unit& unit);

/// What the properties depend on besides the resources.
struct UnitFacts {
  unsigned version = 0;  // of systemd
  bool v2 = true;        // the controllers are those of cgroup v2
  bool is_user = false;  // the manager is a user's, which cannot filter devices
};

/// The limits of `resources` that have a property, device rules and `unified` (which counts last)
/// included. What has none is for the cgroup's files alone, as are exact values: systemd keeps
/// quotas in hundredths of a processor, and lists of devices without exceptions; what is written
/// here is never stricter than the file.
Result<systemd::Properties> limit_properties(const spec::Resources& resources,
                                             const UnitFacts& facts);

/// What a new unit has besides its limits.
systemd::Properties base_properties(const Unit& unit, const std::string& id,
                                    const UnitFacts& facts);

}  // namespace skiff::cgroup
