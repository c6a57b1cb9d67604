#include "src/linux/network.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "src/base/fd.h"

namespace skiff::network {

Result<void> bring_up_loopback() {
  // Any socket will do for netdevice(7), and this family is there whatever the kernel was built
  // with.
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return Error::from_errno("socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;  // the others that a new "lo" has cannot be changed from here
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0)
    return Error::from_errno("bring up the interface lo");
  return {};
}

}  // namespace skiff::network
