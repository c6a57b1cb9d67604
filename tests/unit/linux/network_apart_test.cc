#include "src/linux/network_apart.h"

#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "src/linux/syscalls.h"
#include "tests/support/sandbox.h"
#include "tests/support/skip.h"

namespace skiff::network {
namespace {

constexpr int kOneProcessor = 119;

ino_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

bool loopback_is_up() {
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  return ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

/// Runs `body` with what begin_namespace() returns, as root of a user namespace.
template <class Body>
void check(const Body& body) {
  const auto outcome = tests::in_namespaces(0, [&] {
    const auto socket = begin_namespace();
    return socket ? body(*socket) : kOneProcessor;
  });
  if (!outcome) SKIP("user namespaces are not allowed here");
  if (*outcome == kOneProcessor) SKIP("there is one processor");
  CHECK(*outcome == 0);
}

}  // namespace

TEST_CASE("a network namespace is made apart, with its loopback up", "[linux]") {
  check([](const Fd& socket) {
    const auto made = take_namespace(socket);
    const auto again = take_namespace(socket);
    if (!made || !again) return 1;
    if (inode_of(made->get()) != inode_of(again->get())) return 2;
    const auto own = sys::open("/proc/self/ns/net", O_RDONLY);
    if (!own || inode_of(own->get()) == inode_of(made->get())) return 3;
    if (::ioctl(made->get(), NS_GET_NSTYPE) != CLONE_NEWNET) return 4;
    if ((::fcntl(made->get(), F_GETFD) & FD_CLOEXEC) == 0) return 5;
    if (!sys::set_namespace(made->get(), CLONE_NEWNET)) return 6;
    return loopback_is_up() ? 0 : 7;
  });
}

TEST_CASE("why there is no network namespace comes back", "[linux]") {
  const auto outcome = tests::in_namespaces(0, [] {
    if (!tests::write_to("/proc/sys/user/max_net_namespaces", "0")) return 1;
    const auto socket = begin_namespace();
    if (!socket) return kOneProcessor;
    const auto made = take_namespace(*socket);
    return !made && made.error().text() == "unshare: No space left on device" ? 0 : 2;
  });
  if (!outcome) SKIP("user namespaces are not allowed here");
  if (*outcome == kOneProcessor) SKIP("there is one processor");
  CHECK(*outcome == 0);
}

TEST_CASE("with one processor nothing is made apart", "[linux]") {
  const auto outcome = tests::in_namespaces(0, [] {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(static_cast<size_t>(::sched_getcpu()), &own);
    if (::sched_setaffinity(0, sizeof own, &own) < 0) return 1;
    return begin_namespace() ? 2 : 0;
  });
  if (!outcome) SKIP("user namespaces are not allowed here");
  CHECK(*outcome == 0);
}

TEST_CASE("a maker that is gone is an error", "[linux]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  const Fd ours(ends[0]);
  Fd(ends[1]).close();
  CHECK(take_namespace(ours).error().is(EPIPE));
}

}  // namespace skiff::network
