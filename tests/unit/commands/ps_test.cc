#include "src/commands/ps.h"

#include <catch2/catch.hpp>

using namespace skiff::commands;

TEST_CASE("of ps's lines those about the container's processes are kept", "[commands]") {
  constexpr const char* kListing =
      "UID        PID  PPID CMD\n"
      "root         1     0 /sbin/init 20\n"
      "root        20     1 sleep 1\n"
      "me         200    20 sh -c 20\n";
  CHECK(*select_processes(kListing, {20, 999}) ==
        "UID        PID  PPID CMD\n"
        "root        20     1 sleep 1\n");
  CHECK(*select_processes(kListing, {}) == "UID        PID  PPID CMD\n");
}

TEST_CASE("the pid column may be anywhere, also beyond what a line has", "[commands]") {
  CHECK(*select_processes("COMMAND PID\ninit 1\n\nx\n", {1}) == "COMMAND PID\ninit 1\n");
}

TEST_CASE("without a pid column nothing can be selected", "[commands]") {
  CHECK(select_processes("COMMAND\ninit\n", {1}).error().text() ==
        "ps printed no PID column (hint: let the ps options include pid)");
  CHECK_FALSE(select_processes("", {1}));
}
