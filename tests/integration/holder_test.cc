// A container without a process: created, entered by exec, deleted, never started.
#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

TEST_CASE("a container without a process is created and holds its namespaces", "[holder]") {
  SKIFF_ONLY("takes a configuration without a process");
  Bundle bundle;
  bundle.remove("/process");
  const Leftovers leftovers(bundle);
  {
    Container container(bundle);
    const Output created = container.create();
    INFO(created.err);
    REQUIRE(created.ok());
    CHECK(container.status() == "created");
    const std::string status = read_file("/proc/" + std::to_string(container.pid()) + "/status");
    for (const char* set : {"CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"})
      CHECK(field(status, set) == "0000000000000000");

    CHECK(container.sh("hostname; echo $PPID").out == "inside\n0\n");
    CHECK(container.remove({"--force"}).ok());
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("start of a container without a process is an error and changes nothing", "[holder]") {
  SKIFF_ONLY("takes a configuration without a process");
  Bundle bundle;
  bundle.remove("/process");
  Container container(bundle);
  REQUIRE(container.create().ok());
  for (int i = 0; i < 2; ++i) {
    const Output started = container.start();
    CHECK(started.status == 1);
    CHECK_THAT(started.err, Catch::Contains("process: missing: there is nothing to start"));
    CHECK(container.status() == "created");
  }
}

TEST_CASE("run of a configuration without a process is an error", "[holder]") {
  Bundle bundle;
  bundle.remove("/process");
  const Leftovers leftovers(bundle);
  for (const Words& flags : {Words{}, Words{"--detach"}}) {
    const Output output = Container(bundle).run(flags);
    CHECK(output.status == 1);
    if (testing(Program::Skiff)) CHECK_THAT(output.err, Catch::Contains("process: missing"));
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("init of a container without a process reaps orphans and ends with SIGTERM", "[holder]") {
  SKIFF_ONLY("takes a configuration without a process");
  Bundle bundle;
  bundle.remove("/process");
  Container container(bundle);
  REQUIRE(container.create().ok());
  REQUIRE(container.sh("(sleep 0.1; true) & (true &) ; true").ok());
  CHECK(wait_until([&] { return !contains(container.sh("cat /proc/[0-9]*/stat").out, ") Z "); }));
  REQUIRE(container.kill({"TERM"}).ok());
  CHECK(container.becomes("stopped"));
  CHECK(container.remove().ok());
}

TEST_CASE("hooks of a container without a process run but those of start", "[holder]") {
  SKIFF_ONLY("takes a configuration without a process");
  Bundle bundle;
  bundle.remove("/process");
  write_file(bundle.file("hook"), "#!/bin/sh\necho $1 >> " + bundle.file("order") + "\n", 0755);
  for (const char* kind : {"prestart", "createRuntime", "poststart", "poststop"})
    bundle.set((std::string("/hooks/") + kind).c_str(),
               "[{\"path\": " + quote(bundle.file("hook")) + ", \"args\": [\"hook\", " +
                   quote(kind) + "]}]");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK_FALSE(container.start().ok());
  REQUIRE(container.remove({"--force"}).ok());
  CHECK(read_file(bundle.file("order")) == "prestart\ncreateRuntime\npoststop\n");
}

}  // namespace
}  // namespace tests
