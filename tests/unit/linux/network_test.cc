#include "src/linux/network.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/support/sandbox.h"
#include "tests/support/skip.h"

namespace skiff::network {

TEST_CASE("the loopback interface of a new namespace comes up with its address", "[linux]") {
  const auto outcome = tests::in_namespaces(CLONE_NEWNET, [] {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_port = htons(9);
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* address = reinterpret_cast<const sockaddr*>(&target);
    if (::sendto(socket.get(), "x", 1, 0, address, sizeof target) == 1) return 1;
    if (!bring_up_loopback() || !bring_up_loopback()) return 2;
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0) return 3;
    constexpr int kExpected = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
    if ((request.ifr_flags & kExpected) != kExpected) return 4;
    return ::sendto(socket.get(), "x", 1, 0, address, sizeof target) == 1 ? 0 : 5;
  });
  if (!outcome) SKIP("user namespaces are not allowed here");
  CHECK(*outcome == 0);
}

TEST_CASE("an interface that may not be touched is an error", "[linux]") {
  const auto outcome = tests::in_namespaces(0, [] {  // root here, but not of the network
    const auto refused = bring_up_loopback();
    return !refused &&
                   refused.error().text() == "bring up the interface lo: Operation not permitted"
               ? 0
               : 1;
  });
  if (!outcome) SKIP("user namespaces are not allowed here");
  CHECK(*outcome == 0);
}

TEST_CASE("the interfaces of net/dev, also those whose numbers touch the colon", "[linux]") {
  const auto interfaces = parse_interfaces(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
      "    lo:   54181     664    0    0    0     0          0         0    54182     665    1    2"
      "    0     0       0          0\n"
      "eth0:1:2337624113   50091    3    4    0     0          0         0  2414947   27287    5"
      "    6    0     0       0          0\n");
  REQUIRE(interfaces);
  REQUIRE(interfaces->size() == 2);
  CHECK((*interfaces)[0].name == "lo");
  CHECK((*interfaces)[0].received.bytes == 54181);
  CHECK((*interfaces)[0].sent.packets == 665);
  CHECK((*interfaces)[0].sent.dropped == 2);
  CHECK((*interfaces)[1].name == "eth0:1");
  CHECK((*interfaces)[1].received.bytes == 2337624113);
  CHECK((*interfaces)[1].received.errors == 3);
  CHECK((*interfaces)[1].sent.errors == 5);
  CHECK(parse_interfaces("a\nb\n")->empty());
  CHECK_FALSE(parse_interfaces("a\nb\n lo: 1 2 3\n"));
}

}  // namespace skiff::network
