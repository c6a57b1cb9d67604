#include "src/commands/values.h"

#include <signal.h>

#include <catch2/catch.hpp>

using namespace skiff;
using namespace skiff::commands;

TEST_CASE("a signal has a number and a name, with or without SIG, in any case", "[commands]") {
  for (const char* word : {"9", "KILL", "SIGKILL", "kill", "sigKill"}) {
    INFO(word);
    const Result<int> signal = parse_signal(word);
    REQUIRE(signal);
    CHECK(*signal == SIGKILL);
  }
  CHECK(*parse_signal("WINCH") == SIGWINCH);
  CHECK(*parse_signal("IOT") == SIGABRT);
  CHECK(*parse_signal("0") == 0);
  CHECK(*parse_signal("64") == 64);
}

TEST_CASE("real-time signals count from RTMIN up and from RTMAX down", "[commands]") {
  CHECK(*parse_signal("RTMIN") == 34);
  CHECK(*parse_signal("SIGRTMIN+3") == 37);
  CHECK(*parse_signal("rtmin+30") == 64);
  CHECK(*parse_signal("RTMAX") == 64);
  CHECK(*parse_signal("RTMAX-14") == 50);
}

TEST_CASE("what is no signal is refused", "[commands]") {
  for (const char* word :
       {"", "SIG", "65", "-1", "-9", "+9", " 9", "9 ", "0x9", "NOPE", "SIGSIGKILL", "RTMIN-1",
        "RTMAX+1", "RTMIN+31", "RTMIN+", "RTMAX-", "RTMIN+x", "4294967305"}) {
    INFO(word);
    CHECK_FALSE(parse_signal(word));
  }
  CHECK(parse_signal("NOPE").error().text() ==
        "unknown signal \"NOPE\" (hint: a number from 0 to 64 or a name such as TERM)");
}

TEST_CASE("a user is a number, perhaps with a group", "[commands]") {
  const Result<User> alone = parse_user("1000");
  REQUIRE(alone);
  CHECK(alone->uid == 1000);
  CHECK_FALSE(alone->gid);
  const Result<User> both = parse_user("0:4294967294");
  REQUIRE(both);
  CHECK(both->uid == 0);
  CHECK(both->gid == 4294967294);
}

TEST_CASE("a misread user would be root, so nothing is guessed", "[commands]") {
  for (const char* word :
       {"", "x", "root", "4294967295", "4294967296", "18446744073709551616", "1:2:3", " 0", "0 ",
        "-1", "+1", "0:", ":0", ":", "0x0", "1.0", "1:-1", "1:x"}) {
    INFO(word);
    CHECK_FALSE(parse_user(word));
  }
  CHECK(parse_user("4294967296").error().text() ==
        "user id: expected a number from 0 to 4294967294, found \"4294967296\"");
  CHECK(parse_user("1:2:3").error().text() ==
        "group id: expected a number from 0 to 4294967294, found \"2:3\"");
}

TEST_CASE("a descriptor count has bounds", "[commands]") {
  CHECK(*parse_descriptor_count("0") == 0);
  CHECK(*parse_descriptor_count("1048576") == 1048576);
  CHECK(parse_descriptor_count("1048577").error().text() ==
        "expected a number from 0 to 1048576, found \"1048577\"");
  CHECK_FALSE(parse_descriptor_count("-1"));
  CHECK_FALSE(parse_descriptor_count(""));
}

TEST_CASE("an environment entry has a name and an equals sign", "[commands]") {
  CHECK(check_environment("A=1"));
  CHECK(check_environment("A="));
  CHECK(check_environment("A=b=c"));
  CHECK(check_environment("A").error().text() == "expected KEY=VALUE, found \"A\"");
  CHECK_FALSE(check_environment("=1"));
  CHECK_FALSE(check_environment(""));
}

TEST_CASE("a directory in the container is an absolute path", "[commands]") {
  CHECK(check_absolute_path("/"));
  CHECK(check_absolute_path("tmp").error().text() == "expected an absolute path, found \"tmp\"");
  CHECK_FALSE(check_absolute_path(""));
}

TEST_CASE("a capability is known by name", "[commands]") {
  CHECK(check_capability("CAP_SYS_ADMIN"));
  CHECK(check_capability("CAP_NOPE").error().text() == "unknown capability \"CAP_NOPE\"");
  CHECK_FALSE(check_capability(""));
}

TEST_CASE("a listing is a table or JSON", "[commands]") {
  CHECK(check_listing_format("table"));
  CHECK(check_listing_format("json"));
  CHECK(check_listing_format("yaml").error().text() == "expected table or json, found \"yaml\"");
}
