// Who a process is: groups, ids, capabilities, no_new_privs.
#pragma once

#include <cstdint>
#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::credentials {

struct Wanted {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;
  bool set_groups = true;
  spec::Capabilities capabilities;
  bool no_new_privileges = false;
  bool keep_sys_admin = false;  // in permitted and effective, beyond what is wanted
};

/// Becomes `wanted`, in the only order that works: bounding set while CAP_SETPCAP
/// is held, groups and ids while CAP_SETGID and CAP_SETUID are, then the sets themselves.
/// Capabilities that this process does not hold cannot be granted; they are left out with a
/// warning, as config.md#linux-process demands.
Result<void> become(const Wanted& wanted);

}  // namespace skiff::credentials
