#include "src/container/start_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

constexpr const char* kName = "start.sock";

/// sun_path holds 107 characters, a root directory may have more: by way of the directory's
/// descriptor.
sockaddr_un address_in(const StateDir& dir) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = sys::fd_path(dir.fd) + "/" + kName;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

Result<Fd> make_start_socket() {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return Error::from_errno("start socket");
  return socket;
}

Result<void> listen_on(const Fd& socket, const StateDir& dir) {
  const sockaddr_un address = address_in(dir);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return Error::from_errno("bind {}/{}", dir.path, kName);
  if (::listen(socket.get(), 16) < 0) return Error::from_errno("listen on {}/{}", dir.path, kName);
  return {};
}

Result<Fd> connect_to(const StateDir& dir) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Error::from_errno("start socket");
  const sockaddr_un address = address_in(dir);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return Error::from_errno("connect to {}/{}", dir.path, kName);
  if (::fcntl(socket.get(), F_SETFL, 0) < 0) return Error::from_errno("start socket");
  return socket;
}

void remove_start_socket(const StateDir& dir) { ::unlinkat(dir.fd.get(), kName, 0); }

}  // namespace skiff::container
