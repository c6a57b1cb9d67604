// linux.netDevices: network devices moved into a container, and back when it is gone.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

Output ip(const std::string& words) {
  Words argv{"ip"};
  for (const std::string& word : split(words, ' ')) argv.push_back(word);
  return run_command(argv);
}

/// A pair of devices in the tests' network namespace, the first of which is given away.
struct Pair {
  Pair() { made = ip("link add " + name + " mtu 1400 type veth peer name " + peer).ok(); }
  ~Pair() { ip("link del " + peer); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  std::string name = "skt0";
  std::string peer = "skt0-peer";
  bool made = false;
};

std::string here(const std::string& device) { return ip("-o addr show dev " + device).out; }
bool is_here(const std::string& device) { return ip("link show dev " + device).ok(); }

#define NEEDS_PAIR(pair)                       \
  SKIFF_ONLY("and newer rivals move devices"); \
  const Pair pair;                             \
  NEEDS(pair.made, "no veth devices can be made here")

TEST_CASE("a device is moved with its addresses, renamed and up", "[netdevices]") {
  NEEDS_PAIR(pair);
  REQUIRE(ip("addr add 10.9.8.7/24 broadcast 10.9.8.255 dev " + pair.name).ok());
  REQUIRE(ip("addr add 10.9.7.1 peer 10.9.7.2 dev " + pair.name).ok());
  REQUIRE(ip("-6 addr add fd00:1::7/64 nodad dev " + pair.name).ok());
  REQUIRE(ip("addr add 10.9.6.1/24 valid_lft 3600 preferred_lft 3600 dev " + pair.name).ok());
  REQUIRE(ip("addr add 10.9.5.1/24 scope link dev " + pair.name).ok());
  const std::string mac = trim(read_file("/sys/class/net/" + pair.name + "/address"));
  Bundle bundle;
  bundle.set("/linux/netDevices", R"({"skt0": {"name": "eth0"}})").sh("sleep 100");
  const Leftovers leftovers(bundle);
  {
    Container container(bundle);
    container.launch();
    CHECK_FALSE(is_here("skt0"));
    const Output inside = container.sh("ip addr show dev eth0; ip link show dev eth0");
    INFO(inside.out);
    CHECK_THAT(inside.out, Catch::Contains("inet 10.9.8.7/24 brd 10.9.8.255 scope global eth0") &&
                               Catch::Contains("inet 10.9.7.1 peer 10.9.7.2/32") &&
                               Catch::Contains("inet6 fd00:1::7/64 scope global"));
    CHECK_THAT(inside.out, !Catch::Contains("10.9.6.1") && !Catch::Contains("10.9.5.1"));
    CHECK_THAT(inside.out, Catch::Contains("mtu 1400") && Catch::Contains(mac));
    CHECK_THAT(inside.out, Catch::Contains(",UP"));
    // And it carries something.
    REQUIRE(ip("addr add 10.9.8.1/24 dev skt0-peer").ok());
    REQUIRE(ip("link set skt0-peer up").ok());
    CHECK(container.sh("ping -c 1 -W 2 10.9.8.1").ok());
    CHECK(container.remove({"--force"}).ok());
  }
  CHECK_THAT(here("skt0"), Catch::Contains("inet 10.9.8.7/24 brd 10.9.8.255") &&
                               Catch::Contains("inet 10.9.7.1 peer 10.9.7.2/32") &&
                               Catch::Contains("inet6 fd00:1::7/64"));
  CHECK_THAT(ip("-o link show dev skt0").out, Catch::Contains("state DOWN"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a device that was up is up again on the host", "[netdevices]") {
  NEEDS_PAIR(pair);
  REQUIRE(ip("link set skt0 up").ok());
  REQUIRE(ip("link set skt0-peer up").ok());
  Bundle bundle;
  bundle.set("/linux/netDevices", R"({"skt0": {}})");
  bundle.sh("ip link show dev skt0");
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(output.ok());
  CHECK_THAT(ip("-o link show dev skt0").out, Catch::Contains(",UP"));
}

TEST_CASE("a device comes back after its container was killed", "[netdevices]") {
  NEEDS_PAIR(pair);
  Bundle bundle;
  bundle.set("/linux/netDevices", R"({"skt0": {"name": "wan%d"}})").sh("sleep 100");
  for (const char* set : {"bounding", "effective", "permitted"})
    bundle.set((std::string("/process/capabilities/") + set + "/-").c_str(), "\"CAP_NET_ADMIN\"");
  const Leftovers leftovers(bundle);
  {
    Container container(bundle);
    container.launch();
    CHECK(container.sh("ip link show dev wan0").ok());
    // What the container does to the device stays there.
    CHECK(container.sh("ip addr add 10.66.0.1/24 dev wan0").ok());
    REQUIRE(::kill(container.pid(), SIGKILL) == 0);
    REQUIRE(container.becomes("stopped"));
    CHECK_FALSE(is_here("skt0"));
    CHECK(container.remove().ok());
  }
  CHECK(is_here("skt0"));
  CHECK_THAT(here("skt0"), !Catch::Contains("10.66.0.1"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a device is there before hooks and kernel parameters", "[netdevices][sysctl]") {
  NEEDS_PAIR(pair);
  Bundle bundle;
  // A dot in the name, as VLANs have it: sysctl.d(5) writes it as a slash, or all separators as
  // such.
  bundle.set("/linux/netDevices", R"({"skt0": {"name": "eth0.100"}})");
  bundle.set("/linux/sysctl", R"({"net.ipv4.conf.eth0/100.forwarding": "1",
                                  "net/ipv4/conf/eth0.100/arp_ignore": "2"})");
  write_file(
      bundle.file("hook"),
      "#!/bin/sh\npid=$(jq .pid)\ngrep eth0.100 /proc/$pid/net/dev > " + bundle.file("seen") + "\n",
      0755);
  bundle.set("/hooks/createRuntime",
             "[{\"path\": " + quote(bundle.file("hook")) + R"(, "env": ["PATH=/usr/bin:/bin"]}])");
  bundle.sh(
      "cat /proc/sys/net/ipv4/conf/eth0.100/forwarding "
      "/proc/sys/net/ipv4/conf/eth0.100/arp_ignore");
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(output.out == "1\n2\n");
  if (exists("/usr/bin/jq"))
    CHECK_THAT(read_file(bundle.file("seen")), Catch::Contains("eth0.100"));
}

TEST_CASE("a device in a container with a user namespace, or one that joins a network",
          "[netdevices][userns]") {
  NEEDS_PAIR(pair);
  Bundle donor_bundle;
  Container donor(donor_bundle.sh("sleep 100"));
  donor.launch();
  Bundle bundle;
  bundle.set("/linux/netDevices", R"({"skt0": {"name": "eth0"}})");
  bundle.sh("ip link show dev eth0");
  SECTION("a user namespace") { bundle.user_namespace(); }
  SECTION("a network that is joined") {
    bundle.ns("network", "/proc/" + std::to_string(donor.pid()) + "/ns/net");
  }
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(output.ok());
  CHECK(is_here("skt0"));
  CHECK_FALSE(donor.sh("ip link show dev eth0").ok());
}

TEST_CASE("devices that cannot be given are errors, and stay where they are", "[netdevices]") {
  NEEDS_PAIR(pair);
  const std::pair<const char*, const char*> table[] = {
      {R"({"nosuch0": {}})", "linux.netDevices.nosuch0: find it on the host: No such device"},
      {R"({"lo": {"name": "lo1"}})",
       "linux.netDevices.lo: the loopback device cannot leave its network namespace"},
      {R"({"skt0": {"name": "lo"}})",
       "linux.netDevices.skt0: the container has a device lo already"},
      {R"({"skt0": {"name": "eth0"}, "skt0-peer": {"name": "eth0"}})",
       "linux.netDevices.skt0-peer: skt0 is to be called eth0, too"},
      {R"({"skt0": {"name": "eth0"}, "nosuch0": {}})",
       "linux.netDevices.nosuch0: find it on the host: No such device"},
      {R"({"skt0": {"name": "a-name-too-long-"}})",
       "linux.netDevices.skt0.name: \"a-name-too-long-\" is not the name of a network device"},
  };
  for (const auto& [json, message] : table) {
    INFO(json);
    Bundle bundle;
    bundle.set("/linux/netDevices", json);
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains(message));
    CHECK(is_here("skt0"));
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("devices of a container that could not be made are back", "[netdevices]") {
  NEEDS_PAIR(pair);
  REQUIRE(ip("addr add 10.9.8.7/24 dev skt0").ok());
  Bundle bundle;
  bundle.set("/linux/netDevices", R"({"skt0": {"name": "eth0"}})").args({"/no/such/program"});
  const Leftovers leftovers(bundle);
  CHECK(Container(bundle).create().status == 1);
  CHECK_THAT(here("skt0"), Catch::Contains("10.9.8.7/24"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a name that is taken on the host by now", "[netdevices]") {
  NEEDS_PAIR(pair);
  Bundle bundle;
  bundle.set("/linux/netDevices", R"({"skt0": {"name": "eth0"}})").sh("sleep 100");
  Container container(bundle);
  container.launch();
  REQUIRE(ip("link add skt0 type veth peer name skt0-other").ok());
  const Output removed = container.remove({"--force"});
  CHECK(removed.ok());
  CHECK_THAT(removed.err, Catch::Contains("linux.netDevices.skt0: the name is taken"));
  CHECK(is_here("dev0"));
  ip("link del skt0");
}

TEST_CASE("netDevices without a network namespace are refused", "[netdevices]") {
  SKIFF_ONLY("and newer rivals know the field");
  Bundle bundle;
  bundle.set("/linux/netDevices", R"({"eth0": {}})").ns("network", "-").remove("/mounts/5");
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("linux.netDevices: needs a \"network\" entry"));
}

}  // namespace
}  // namespace tests
