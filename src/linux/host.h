// Facts about this machine and caller, read once and passed along.
#pragma once

#include <sys/types.h>

#include "src/base/result.h"
#include "src/linux/cgroup/cgroup.h"

namespace skiff {

struct Host {
  uid_t euid = 0;
  gid_t egid = 0;
  cgroup::Layout cgroups;
  bool apparmor = false;  // looked at for processes that want a label
  bool selinux = false;
};

Result<Host> read_host();

}  // namespace skiff
