#include "src/linux/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <string>

#include "tests/support/sandbox.h"
#include "tests/support/scratch.h"
#include "tests/support/skip.h"

namespace skiff::console {
namespace {

bool is_close_on_exec(const Fd& fd) { return (::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0; }

/// Listens on `name` in the directory `where`, however long its path is.
Fd listen_at(const std::string& where, const std::string& name) {
  const Fd directory(::open(where.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string path = fmt::format("/proc/self/fd/{}/{}", directory.get(), name);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  return listener;
}

struct Received {
  std::string payload;
  Fd fd;
};

Received receive(const Fd& socket) {
  char payload[64];
  iovec part{payload, sizeof payload};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
  REQUIRE(size >= 0);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  REQUIRE(header != nullptr);
  REQUIRE(header->cmsg_len == CMSG_LEN(sizeof(int)));  // exactly one
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return {std::string(payload, static_cast<size_t>(size)), Fd(fd)};
}

}  // namespace

TEST_CASE("the two ends of a pseudo-terminal are connected and close-on-exec", "[linux]") {
  const auto pty = open_host_pty();
  REQUIRE(pty);
  CHECK(is_close_on_exec(pty->master));
  CHECK(is_close_on_exec(pty->slave));
  REQUIRE(::write(pty->slave.get(), "x\n", 2) == 2);
  char text[8];
  REQUIRE(::read(pty->master.get(), text, sizeof text) == 3);
  CHECK(std::string(text, 3) == "x\r\n");
}

TEST_CASE("the size set at one end is seen at the other", "[linux]") {
  const auto pty = open_host_pty();
  REQUIRE(pty);
  REQUIRE(set_size(pty->master, 33, 99));
  winsize size{};
  REQUIRE(::ioctl(pty->slave.get(), TIOCGWINSZ, &size) == 0);
  CHECK(size.ws_row == 33);
  CHECK(size.ws_col == 99);
}

TEST_CASE("what is no terminal has no size", "[linux]") {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK(set_size(null, 1, 1).error().text() ==
        "set the terminal's size: Inappropriate ioctl for device");
}

TEST_CASE("a directory that is no devpts gives no terminal", "[linux]") {
  const Fd devices(::open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // it has a ptmx, too
  CHECK(open_pty(devices).error().text() == "/dev/pts: not on a devpts file system");
}

TEST_CASE("a devpts of one's own gives terminals, but not what is mounted over its ptmx",
          "[linux]") {
  const tests::Scratch tmp;
  const std::string& path = tmp.root();
  const auto outcome = tests::in_namespaces(CLONE_NEWNS, [&] {
    if (::mount("devpts", path.c_str(), "devpts", 0, "newinstance,ptmxmode=0666") < 0) return 1;
    const Fd devpts(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto first = open_pty(devpts);
    if (!first) return 2;
    unsigned number = 99;
    if (::ioctl(first->master.get(), TIOCGPTN, &number) < 0 || number != 0) return 3;
    if (::isatty(first->slave.get()) != 1) return 4;

    const std::string ptmx = path + "/ptmx";
    if (::mount("/dev/zero", ptmx.c_str(), nullptr, MS_BIND, nullptr) < 0) return 5;
    const auto zero = open_pty(devpts);
    if (zero || zero.error().text() != "ptmx: not on a devpts file system") return 6;
    // Another terminal of the same file system, in the place of its ptmx.
    if (::umount(ptmx.c_str()) < 0) return 7;
    if (::mount((path + "/0").c_str(), ptmx.c_str(), nullptr, MS_BIND, nullptr) < 0) return 8;
    const auto other = open_pty(devpts);
    if (other) return 9;
    return other.error().text() ==
                   "ptmx: not the pseudo-terminal multiplexer (character device 5:2)"
               ? 0
               : 10;
  });
  if (!outcome) SKIP("user namespaces are not allowed here");
  CHECK(*outcome == 0);
}

TEST_CASE("an adopted terminal is the controlling one, and the standard descriptors", "[linux]") {
  const auto pty = open_host_pty();
  REQUIRE(pty);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setsid();
    if (!adopt(pty->slave)) ::_exit(1);
    for (int fd = 0; fd <= 2; ++fd)
      if (::isatty(fd) != 1 || ::fcntl(fd, F_GETFD) != 0) ::_exit(2);
    const Fd controlling(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    ::_exit(controlling && ::tcgetpgrp(controlling.get()) == ::getpid() ? 0 : 3);
  }
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a descriptor arrives over a socket with its name", "[linux]") {
  const tests::Scratch tmp;
  const Fd listener = listen_at(tmp.root(), "console.sock");
  const auto socket = connect_socket(tmp.root() + "/console.sock");
  REQUIRE(socket);
  CHECK(is_close_on_exec(*socket));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  REQUIRE(send_fd(*socket, null.get(), "/dev/ptmx"));
  const Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const Received received = receive(accepted);
  CHECK(received.payload == "/dev/ptmx");
  CHECK(::write(received.fd.get(), "x", 1) == 1);
}

TEST_CASE("a socket is found at the end of any path", "[linux]") {
  const tests::Scratch tmp;
  std::string deep = tmp.root();
  while (deep.size() < 300) deep += "/" + std::string(50, 'd');
  std::filesystem::create_directories(deep);
  const Fd listener = listen_at(deep, "console.sock");
  CHECK(connect_socket(deep + "/console.sock"));
  const auto none = connect_socket(deep + "/none");
  REQUIRE_FALSE(none);
  CHECK(none.error().text() ==
        fmt::format("connect to \"{}/none\": open: No such file or directory", deep));
}

TEST_CASE("a socket that is not there, or nobody listens at, is an error", "[linux]") {
  const tests::Scratch tmp;
  CHECK(connect_socket(tmp.root() + "/none").error().text() ==
        fmt::format("connect to \"{}/none\": No such file or directory", tmp.root()));
  { const Fd listener = listen_at(tmp.root(), "deaf"); }
  CHECK(connect_socket(tmp.root() + "/deaf").error().is(ECONNREFUSED));
}

TEST_CASE("sending to a socket whose peer is gone is an error and no signal", "[linux]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd socket(ends[0]);
  ::close(ends[1]);
  CHECK(send_fd(socket, 0, "x").error().text() == "send a descriptor: Broken pipe");
}

}  // namespace skiff::console
