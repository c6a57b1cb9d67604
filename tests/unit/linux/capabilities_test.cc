#include "src/linux/capabilities.h"

#include <linux/capability.h>

#include <catch2/catch.hpp>

using namespace skiff;

TEST_CASE("a capability has a number by any writing of its name", "[linux]") {
  for (const char* name :
       {"CAP_SYS_ADMIN", "cap_sys_admin", "SYS_ADMIN", "sys_admin", "Sys_Admin"}) {
    CAPTURE(name);
    CHECK(capabilities::number(name) == unsigned{CAP_SYS_ADMIN});
  }
  CHECK(capabilities::number("CAP_CHOWN") == 0u);
  CHECK(capabilities::number("CAP_CHECKPOINT_RESTORE") == unsigned{CAP_CHECKPOINT_RESTORE});
}

TEST_CASE("what is no capability's name has no number", "[linux]") {
  for (const char* name : {"", "CAP_", "CAP_FLY", "CAP_CAP_CHOWN", "CAP_CHOWN ", " CAP_CHOWN",
                           "CAP_CHOWN=ep", "CAP_CHOWN,CAP_KILL", "0", "21", "CAP_21", "CAPCHOWN"}) {
    CAPTURE(name);
    CHECK_FALSE(capabilities::number(name));
  }
}

TEST_CASE("a number has the name in capitals, and none beyond the table", "[linux]") {
  CHECK(capabilities::name(CAP_CHOWN) == "CAP_CHOWN");
  CHECK(capabilities::name(CAP_BPF) == "CAP_BPF");
  CHECK(capabilities::name(63) == "63");
}

TEST_CASE("all names go from the first to the kernel's last", "[linux]") {
  const auto names = capabilities::all_names();
  REQUIRE(names.size() > CAP_SYSLOG);  // Linux 2.6.37
  CHECK(names[0] == "CAP_CHOWN");
  for (unsigned n = 0; n < names.size(); ++n) CHECK(capabilities::number(names[n]) == n);
}
