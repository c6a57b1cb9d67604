#include "tests/integration/support/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "tests/integration/support/environment.h"

namespace tests {

Terminal::Terminal(unsigned short rows, unsigned short columns)
    : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
  if (!master_ || ::grantpt(master()) < 0 || ::unlockpt(master()) < 0)
    throw std::runtime_error("cannot open a pseudo-terminal");
  slave_ = skiff::Fd(::ioctl(master(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave_) throw std::runtime_error("cannot open the slave of a pseudo-terminal");
  resize(rows, columns);
}

Terminal::Terminal(skiff::Fd master) : master_(std::move(master)) {}

void Terminal::resize(unsigned short rows, unsigned short columns) const {
  winsize size{};
  size.ws_row = rows;
  size.ws_col = columns;
  ::ioctl(master(), TIOCSWINSZ, &size);
}

void Terminal::type(std::string_view keys) const {
  if (::write(master(), keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
    throw std::runtime_error("cannot type");
}

bool Terminal::read_some(int milliseconds) {
  pollfd watched{master(), POLLIN, 0};
  if (::poll(&watched, 1, milliseconds) != 1) return false;
  char buffer[65536];
  const ssize_t size = ::read(master(), buffer, sizeof buffer);
  if (size <= 0) return false;
  screen_.append(buffer, static_cast<size_t>(size));
  return true;
}

bool Terminal::shows(std::string_view text, double seconds) {
  return wait_until(
      [&] {
        while (read_some(0)) {
        }
        return screen_.find(text) != std::string::npos;
      },
      seconds);
}

void Terminal::drain(double seconds) {
  while (read_some(static_cast<int>(patience(seconds).count()))) {
  }
}

bool Terminal::cooked() const {
  termios modes{};
  ::tcgetattr(slave_ ? slave() : master(), &modes);
  return (modes.c_lflag & ICANON) != 0 && (modes.c_lflag & ECHO) != 0;
}

ConsoleSocket::ConsoleSocket(const std::string& path)
    : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(listener_.get(), 4) < 0)
    throw std::runtime_error("cannot listen at " + path);
}

skiff::Fd ConsoleSocket::receive(double seconds) {
  pollfd watched{listener_.get(), POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(patience(seconds).count())) != 1) return skiff::Fd();
  const skiff::Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char payload[4096];
  iovec text{payload, sizeof payload};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(peer.get(), &message, MSG_CMSG_CLOEXEC);
  if (size < 0) return skiff::Fd();
  name_.assign(payload, static_cast<size_t>(size));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return skiff::Fd();
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return skiff::Fd(fd);
}

}  // namespace tests
