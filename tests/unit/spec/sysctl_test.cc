#include "src/spec/sysctl.h"

#include <catch2/catch.hpp>

using namespace skiff;

TEST_CASE("the first separator of a parameter's name decides what separates", "[spec]") {
  const std::pair<const char*, const char*> table[] = {
      {"kernel.shmmax", "kernel/shmmax"},
      {"kernel/shmmax", "kernel/shmmax"},
      {"net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"},
      {"net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"},
      {"single", "single"},
  };
  for (const auto& [name, file] : table) {
    CAPTURE(name);
    CHECK(*spec::sysctl_file(name) == file);
  }
}

TEST_CASE("the name of a parameter leads nowhere but below /proc/sys", "[spec]") {
  for (const std::string name :
       {"", "/net/core", ".net", "net..core", "net/", "net/../kernel/core_pattern", "net/./core",
        "net.//.kernel.core_pattern", "net./.core", "..", "net.a b", "net.core "}) {
    CAPTURE(name);
    const auto file = spec::sysctl_file(name);
    REQUIRE_FALSE(file);
    CHECK(file.error().text() == "\"" + name + "\" is not the name of a kernel parameter");
  }
}
