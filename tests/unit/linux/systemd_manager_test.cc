#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>

#include "src/linux/systemd/manager.h"
#include "tests/support/fake_systemd.h"

namespace skiff::systemd {
namespace {

using tests::FakeSystemd;
using Clock = std::chrono::steady_clock;

constexpr int kShort = 300;

struct Peer {
  explicit Peer(FakeSystemd::Manners manners)
      : path(fmt::format("/tmp/skiff-fake-systemd-{}", ::getpid())),
        fake(path, std::move(manners)) {}
  ~Peer() { ::unlink(path.c_str()); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  Result<Manager> manager() {
    auto bus = Bus::connect({"unix:path=" + path, false}, kShort);
    if (!bus) return std::move(bus).error();
    return Manager(*std::move(bus));
  }

  std::string path;
  FakeSystemd fake;
};

TEST_CASE("a unit is made, and its job's end waited for", "[systemd]") {
  Peer peer({});
  auto manager = peer.manager();
  REQUIRE(manager);
  const auto facts = manager->facts();
  REQUIRE(facts);
  CHECK(facts->version == 252);
  CHECK(facts->control_group.empty());
  CHECK(manager->start("a.scope",
                       {{"Delegate", boolean(true)}, {"PIDs", array("u", {unsigned32(7)})}}));
  CHECK(manager->set("a.scope", {{"DeviceAllow", array("(ss)", {})}}));
  CHECK(manager->attach("a.scope", "/sub", 7));
  CHECK(manager->stop("a.scope"));
  const auto calls = peer.fake.calls();
  const auto called = [&](const char* call) {
    return std::find(calls.begin(), calls.end(), call) != calls.end();
  };
  CHECK(called("StartTransientUnit a.scope"));
  CHECK(called("SetUnitProperties a.scope"));
  CHECK(called("AttachProcessesToUnit a.scope"));
  CHECK(called("StopUnit a.scope"));
  CHECK(called("ResetFailedUnit a.scope"));
}

TEST_CASE("a call without an answer ends at its deadline, named", "[systemd]") {
  FakeSystemd::Manners manners;
  manners.silent = {"StartTransientUnit", "StopUnit", "SetUnitProperties", "AttachProcessesToUnit"};
  Peer peer(manners);
  auto manager = peer.manager();
  REQUIRE(manager);
  const auto begin = Clock::now();
  CHECK(manager->start("a.scope", {}).error().text() ==
        "systemd: unit a.scope: StartTransientUnit: no answer within 0.3 s");
  CHECK(manager->stop("a.scope").error().text() ==
        "systemd: unit a.scope: StopUnit: no answer within 0.3 s");
  CHECK(manager->set("a.scope", {{"TasksMax", unsigned64(1)}}).error().is(ETIMEDOUT));
  CHECK(manager->attach("a.scope", "", 7).error().is(ETIMEDOUT));
  CHECK(Clock::now() - begin < std::chrono::seconds(10));
}

TEST_CASE("a job that does not end ends at its deadline, and a failed one says so", "[systemd]") {
  FakeSystemd::Manners manners;
  manners.job_result = "";
  {
    Peer peer(manners);
    auto manager = peer.manager();
    REQUIRE(manager);
    CHECK(manager->start("a.scope", {}).error().text() ==
          "systemd: unit a.scope: StartTransientUnit: its job is not done after 0.3 s");
  }
  manners.job_result = "failed";
  Peer peer(manners);
  auto manager = peer.manager();
  REQUIRE(manager);
  CHECK(
      manager->start("a.scope", {}).error().text() ==
      "systemd: unit a.scope: StartTransientUnit: its job ended with \"failed\" (hint: journalctl "
      "--unit a.scope may know more)");
}

TEST_CASE("what systemd refuses is told in its words", "[systemd]") {
  FakeSystemd::Manners manners;
  manners.errors["StartTransientUnit"] = {"org.freedesktop.systemd1.UnitExists",
                                          "org.freedesktop.DBus.Error.AccessDenied"};
  manners.errors["StopUnit"] = {"org.freedesktop.systemd1.NoSuchUnit",
                                "org.freedesktop.DBus.Error.Failed"};
  Peer peer(manners);
  auto manager = peer.manager();
  REQUIRE(manager);
  CHECK(manager->start("a.scope", {}).error().is(EEXIST));
  const auto denied = manager->start("a.scope", {});
  CHECK(denied.error().is(EACCES));
  CHECK(denied.error().text() ==
        "systemd: unit a.scope: StartTransientUnit: says the fake "
        "(org.freedesktop.DBus.Error.AccessDenied)");
  CHECK(manager->stop("a.scope"));  // none to stop
  CHECK(manager->stop("a.scope").error().text() ==
        "systemd: unit a.scope: StopUnit: says the fake (org.freedesktop.DBus.Error.Failed)");
}

TEST_CASE("a systemd that hangs up is an error, and no signal", "[systemd]") {
  FakeSystemd::Manners manners;
  manners.hangs_up = {"StartTransientUnit"};
  Peer peer(manners);
  auto manager = peer.manager();
  REQUIRE(manager);
  struct sigaction before {};
  ::sigaction(SIGPIPE, nullptr, &before);
  CHECK_FALSE(manager->start("a.scope", {}));
  CHECK_FALSE(manager->stop("a.scope"));
  struct sigaction after {};
  ::sigaction(SIGPIPE, nullptr, &after);
  CHECK(before.sa_handler == after.sa_handler);
}

TEST_CASE("a bus that never greets is given up", "[systemd]") {
  FakeSystemd::Manners manners;
  manners.mute = true;
  Peer peer(manners);
  const auto manager = peer.manager();
  REQUIRE_FALSE(manager);
  CHECK(manager.error().is(ETIMEDOUT));
}

TEST_CASE("where nobody listens the error names the address", "[systemd]") {
  const auto bus = Bus::connect({"unix:path=/nowhere/bus", false}, kShort);
  REQUIRE_FALSE(bus);
  CHECK_THAT(bus.error().text(), Catch::StartsWith("unix:path=/nowhere/bus: "));
}

TEST_CASE("a property that is no UTF-8 is refused before it is sent", "[systemd]") {
  Peer peer({});
  auto manager = peer.manager();
  REQUIRE(manager);
  CHECK_FALSE(manager->start("a.scope", {{"Description", string("\xff\xfe")}}));
  CHECK(manager->start("a.scope", {{"Description", string("fine")}}));
}

TEST_CASE("the connection is not inherited", "[systemd]") {
  Peer peer({});
  const auto manager = peer.manager();
  REQUIRE(manager);
  for (int fd = 3; fd < 64; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    sockaddr_un address{};
    socklen_t size = sizeof(address);
    if (flags < 0 || ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) continue;
    if (peer.path == address.sun_path) CHECK((flags & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("where systemd is looked for", "[systemd]") {
  const auto texts = [](const Surroundings& around) {
    std::vector<std::string> found;
    for (const Address& address : addresses(around))
      found.push_back(address.address + (address.direct ? " direct" : ""));
    return found;
  };
  using Texts = std::vector<std::string>;
  CHECK(texts({{false, 0}, "", ""}) ==
        Texts{"unix:path=/run/dbus/system_bus_socket", "unix:path=/run/systemd/private direct"});
  CHECK(texts({{false, 0}, "unix:path=/x", "/run/user/0"}) == Texts{"unix:path=/x"});
  CHECK(texts({{true, 1000}, "", ""}) ==
        Texts{"unix:path=/run/user/1000/bus", "unix:path=/run/user/1000/systemd/private direct"});
  CHECK(texts({{true, 1000}, "", "/r"}) ==
        Texts{"unix:path=/r/bus", "unix:path=/r/systemd/private direct"});
}

}  // namespace
}  // namespace skiff::systemd
