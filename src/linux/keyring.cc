#include "src/linux/keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/text.h"

namespace skiff::keyring {
namespace {

// What the kernel gives a session keyring (possessor: everything; user: view, read, link) and
// search for the user. keyctl_setperm(3), "Permissions".
constexpr unsigned kPermissions = 0x3f130000 | 0x00080000;

}  // namespace

Result<void> join_new_session(const std::string& name) {
  const long serial = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str());
  if (serial < 0) {
    if (errno == ENOSYS)
      return {};  // a kernel without keyrings: nothing that could leak into the container
    Error error = Error::from_errno("join the session keyring {}", text::quote(name));
    if (!error.is(EDQUOT)) return error;
    return std::move(error).with_hint(
        "the user has kernel.keys.maxkeys keys; --no-new-keyring makes none");
  }
  if (::syscall(SYS_keyctl, KEYCTL_SETPERM, serial, kPermissions) < 0)
    return Error::from_errno("set the permissions of the session keyring {}", text::quote(name));
  return {};
}

}  // namespace skiff::keyring
