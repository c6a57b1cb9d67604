#include "src/linux/console.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstring>

#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff::console {
namespace {

constexpr unsigned kPtmxMajor = 5;  // admin-guide/devices.txt
constexpr unsigned kPtmxMinor = 2;

Result<void> require_ptmx(const Fd& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) < 0) return Error::from_errno("fstat ptmx");
  if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(kPtmxMajor, kPtmxMinor))
    return Error::invalid("ptmx: not the pseudo-terminal multiplexer (character device 5:2)");
  return {};
}

Result<void> require_devpts(const Fd& file, const char* what) {
  struct statfs status {};
  if (::fstatfs(file.get(), &status) < 0) return Error::from_errno("fstatfs {}", what);
  if (status.f_type != DEVPTS_SUPER_MAGIC)
    return Error::invalid("{}: not on a devpts file system", what);
  return {};
}

/// The pair whose master `master` is, unlocked.
Result<Pty> complete(Fd master) {
  const int unlocked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) < 0)
    return Error::from_errno("unlock the pseudo-terminal");
  // By name, /dev/pts/N could be anything that the image or another process put there.
  Fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) return Error::from_errno("open the slave of the pseudo-terminal");
  return Pty{std::move(master), std::move(slave)};
}

/// The address of the socket `path`; longer ones than sun_path holds through `file`, opened here.
Result<sockaddr_un> address_of(const std::string& path, Fd& file) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address.sun_path) {
    file = Fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!file) return Error::from_errno("open");
    name = sys::fd_path(file);
  }
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  return address;
}

}  // namespace

Result<Pty> open_pty(const Fd& devpts) {
  // Before opening anything there: on a devpts are terminals only.
  TRY(require_devpts(devpts, "/dev/pts"));
  Fd master(::openat(devpts.get(), "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC));
  if (!master) return Error::from_errno("open ptmx");
  // And what was mounted over its ptmx is not on it (CVE-2025-52565).
  TRY(require_devpts(master, "ptmx"));
  TRY(require_ptmx(master));
  return complete(std::move(master));
}

Result<Pty> open_host_pty() {
  Fd master = TRY(sys::open("/dev/ptmx", O_RDWR | O_NOCTTY));
  TRY(require_ptmx(master));
  return complete(std::move(master));
}

Result<void> set_size(const Fd& terminal, uint16_t rows, uint16_t columns) {
  const winsize size{rows, columns, 0, 0};
  if (::ioctl(terminal.get(), TIOCSWINSZ, &size) < 0)
    return Error::from_errno("set the terminal's size");
  return {};
}

Result<void> adopt(const Fd& slave) {
  if (::ioctl(slave.get(), TIOCSCTTY, 0) < 0)
    return Error::from_errno("make the terminal the controlling one");
  for (int target = STDIN_FILENO; target <= STDERR_FILENO; ++target)
    if (::dup2(slave.get(), target) < 0) return Error::from_errno("dup the terminal to {}", target);
  return {};
}

Result<Fd> connect_socket(const std::string& path) {
  Fd file;
  auto address = address_of(path, file).context("connect to {}", text::quote(path));
  if (!address) return std::move(address).error();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return Error::from_errno("socket");
  const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
  if (sys::restarting([&] { return ::connect(socket.get(), generic, sizeof *address); }) < 0)
    return Error::from_errno("connect to {}", text::quote(path));
  return socket;
}

Result<size_t> send_fd(const Fd& socket, int fd, std::string_view content) {
  // A message without payload would not carry the descriptor.
  if (content.empty()) return Error::invalid("send a descriptor: it needs a name");
  iovec payload{const_cast<char*>(content.data()), content.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &payload;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  const ssize_t sent =
      sys::restarting([&] { return ::sendmsg(socket.get(), &message, MSG_NOSIGNAL); });
  if (sent < 0) return Error::from_errno("send a descriptor");
  return static_cast<size_t>(sent);
}

}  // namespace skiff::console
