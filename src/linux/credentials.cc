#include "src/linux/credentials.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/linux/capabilities.h"

namespace skiff::credentials {
namespace {

constexpr unsigned kMaxCapability = 64;

struct KernelSets {
  __user_cap_data_struct data[2] = {};

  uint64_t permitted() const {
    return data[0].permitted | static_cast<uint64_t>(data[1].permitted) << 32;
  }
  static KernelSets from(const spec::Capabilities& sets) {
    KernelSets result;
    for (unsigned half = 0; half < 2; ++half) {
      result.data[half].effective = static_cast<uint32_t>(sets.effective >> (32 * half));
      result.data[half].permitted = static_cast<uint32_t>(sets.permitted >> (32 * half));
      result.data[half].inheritable = static_cast<uint32_t>(sets.inheritable >> (32 * half));
    }
    return result;
  }
};

__user_cap_header_struct header() { return {_LINUX_CAPABILITY_VERSION_3, 0}; }

Result<uint64_t> held() {
  __user_cap_header_struct version = header();
  KernelSets sets;
  if (::syscall(SYS_capget, &version, sets.data) < 0) return Error::from_errno("capget");
  return sets.permitted();
}

void warn_of_missing(uint64_t missing) {
  for (unsigned number = 0; number < kMaxCapability; ++number)
    if ((missing >> number & 1) != 0)
      log::warn(
          "process.capabilities: {} is not held by the runtime and cannot be granted, ignoring",
          capabilities::name(number));
}

Result<void> drop_bounding(uint64_t keep) {
  for (unsigned number = 0; number < kMaxCapability; ++number) {
    if ((keep >> number & 1) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) return {};  // beyond the kernel's last capability
    if (errno == EPERM && ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 0) continue;
    return Error::from_errno("process.capabilities.bounding: drop {}", capabilities::name(number));
  }
  return {};
}

Result<void> change_ids(const Wanted& wanted, uint64_t available) {
  // user_namespaces(7): denied for good to everybody in a namespace that maps just its maker's
  // group, and who cannot set groups cannot drop those of the caller either.
  const auto denied = [&] {
    return errno == EPERM && wanted.groups.empty() && (available >> CAP_SETGID & 1) != 0;
  };
  if (wanted.set_groups && ::setgroups(wanted.groups.size(), wanted.groups.data()) < 0 && !denied())
    return Error::from_errno("process.user.additionalGids: setgroups");
  if (::setresgid(wanted.gid, wanted.gid, wanted.gid) < 0)
    return Error::from_errno("process.user.gid: set gid {}", wanted.gid);
  if (wanted.uid != 0 && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    return Error::from_errno("keep capabilities");
  if (::setresuid(wanted.uid, wanted.uid, wanted.uid) < 0)
    return Error::from_errno("process.user.uid: set uid {}", wanted.uid);
  return {};
}

Result<void> raise_ambient(uint64_t ambient) {
  for (unsigned number = 0; number < kMaxCapability; ++number) {
    if ((ambient >> number & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0)
      log::warn("process.capabilities.ambient: {} cannot be raised: {}, ignoring",
                capabilities::name(number), errno_text(errno));
  }
  return {};
}

}  // namespace

Result<void> become(const Wanted& wanted) {
  const uint64_t available = TRY(held());
  spec::Capabilities sets = wanted.capabilities;
  const uint64_t missing = (sets.permitted | sets.effective | sets.inheritable) & ~available;
  if (missing != 0) {
    warn_of_missing(missing);
    for (uint64_t* set : {&sets.permitted, &sets.effective, &sets.inheritable}) *set &= available;
  }
  TRY(drop_bounding(sets.bounding));
  TRY(change_ids(wanted, available));
  if (wanted.keep_sys_admin) {
    constexpr uint64_t kSysAdmin = uint64_t{1} << CAP_SYS_ADMIN;
    sets.permitted |= kSysAdmin & available;
    sets.effective |= kSysAdmin & available;
  }
  __user_cap_header_struct version = header();
  const KernelSets kernel = KernelSets::from(sets);
  if (::syscall(SYS_capset, &version, kernel.data) < 0)
    return Error::from_errno("process.capabilities: capset");
  TRY(raise_ambient(sets.ambient));
  if (wanted.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return Error::from_errno("process.noNewPrivileges");
  return {};
}

}  // namespace skiff::credentials
