#include "src/commands/list.h"

#include <catch2/catch.hpp>

using namespace skiff::commands;

TEST_CASE("the columns of a table are aligned, without trailing spaces", "[commands]") {
  CHECK(format_table(
            {{"ID", "PID", "OWNER"}, {"a-long-name", "1", "root"}, {"b", "12345", "1000"}}) ==
        "ID            PID     OWNER\n"
        "a-long-name   1       root\n"
        "b             12345   1000\n");
}

TEST_CASE("a table without rows is its header", "[commands]") {
  CHECK(format_table({{"ID", "PID"}}) == "ID   PID\n");
}

TEST_CASE("a cell cannot break the table or steer the terminal", "[commands]") {
  CHECK(format_table({{"BUNDLE", "X"}, {"/a\nb\x1b[2J", "y"}}) ==
        "BUNDLE           X\n"
        "\"/a\\nb\\x1b[2J\"   y\n");
}

TEST_CASE("a user's name comes from the passwd file, else it is the number", "[commands]") {
  constexpr const char* kPasswd =
      "root:x:0:0:root:/root:/bin/sh\n# a "
      "comment\nbroken\n:x:7:7::/:\nme:x:1000:1000::/home/me:/bin/sh";
  CHECK(user_name(0, kPasswd) == "root");
  CHECK(user_name(1000, kPasswd) == "me");
  CHECK(user_name(7, kPasswd) == "7");
  CHECK(user_name(42, kPasswd) == "42");
  CHECK(user_name(4294967295, "") == "4294967295");
}
