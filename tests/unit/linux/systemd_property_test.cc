#include <bit>
#include <catch2/catch.hpp>

#include "src/linux/systemd/property.h"

namespace skiff::systemd {
namespace {

Value parsed(const char* text) {
  INFO(text);
  auto value = parse_value(text);
  INFO((value ? std::string() : value.error().text()));
  REQUIRE(value);
  return *std::move(value);
}

Value number(const char* type, uint64_t bits) {
  Value value;
  value.type = type;
  value.number = bits;
  return value;
}

TEST_CASE("values in GVariant's text format", "[systemd]") {
  CHECK(parsed("true") == boolean(true));
  CHECK(parsed(" false ") == boolean(false));
  CHECK(parsed("5") == number("i", 5));
  CHECK(parsed("-5") == number("i", static_cast<uint64_t>(-5)));
  CHECK(parsed("0x10") == number("i", 16));
  CHECK(parsed("uint64 18446744073709551615") == unsigned64(kInfinity));
  CHECK(parsed("int64 -1") == number("x", static_cast<uint64_t>(-1)));
  CHECK(parsed("byte 0xff") == number("y", 255));
  CHECK(parsed("2.5") == number("d", std::bit_cast<uint64_t>(2.5)));
  CHECK(parsed("double 2") == number("d", std::bit_cast<uint64_t>(2.0)));
  CHECK(parsed("'it\\'s'") == string("it's"));
  CHECK(parsed("\"two words\"") == string("two words"));
  CHECK(parsed("['a', 'b']") == array("s", {string("a"), string("b")}));
  CHECK(parsed("[uint32 1, 2]") == array("u", {unsigned32(1), unsigned32(2)}));
  CHECK(parsed("@as []") == array("s", {}));
  CHECK(parsed("@at [1, 2]") == array("t", {unsigned64(1), unsigned64(2)}));
  CHECK(parsed("('a', true)") == structure({string("a"), boolean(true)}));
  CHECK(parsed("[('/dev/null', 'rw')]") ==
        array("(ss)", {structure({string("/dev/null"), string("rw")})}));
  CHECK(parsed("@a(st) [('a', 1)]") == array("(st)", {structure({string("a"), unsigned64(1)})}));
  CHECK(parsed("@ay [1, 2]") == bytes(std::string("\1\2")));
  CHECK(parsed("b'a'") == bytes(std::string("a\0", 2)));
  CHECK(parsed("objectpath '/a'").type == "o");
  CHECK(parsed("<'a'>").items.front() == string("a"));
}

TEST_CASE("what is no value is refused", "[systemd]") {
  for (const char* text : {"",
                           "word",
                           "[",
                           "[]",
                           "['a'",
                           "['a' 'b']",
                           "'open",
                           "5x",
                           "0x",
                           "-",
                           "uint32 -1",
                           "byte 256",
                           "2147483648",
                           "uint64 18446744073709551616",
                           "'a' 'b'",
                           "[1, 'a']",
                           "@as [1]",
                           "@zz 1",
                           "@as",
                           "()",
                           "@(s) ('a', 'b')",
                           "{'a': 1}",
                           "just 1",
                           "nothing",
                           "uint64 true",
                           "'a\\u0041'",
                           "1.2.3",
                           "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"}) {
    INFO(text);
    CHECK_FALSE(parse_value(text));
  }
}

Result<Properties> of(const char* name, const char* value) {
  return properties_from(
      {{std::string("org.systemd.property.") + name, value}, {"org.example.other", "not a value"}});
}

TEST_CASE("annotations become properties, seconds microseconds", "[systemd]") {
  struct Row {
    const char* name;
    const char* text;
    const char* becomes;
    Value value;
  };
  const Row rows[] = {
      {"Documentation", "['man:a(1)']", "Documentation", array("s", {string("man:a(1)")})},
      {"CollectMode", "'inactive'", "CollectMode", string("inactive")},
      {"TimeoutStopSec", "7", "TimeoutStopUSec", unsigned64(7000000)},
      {"TimeoutStopSec", "uint64 7", "TimeoutStopUSec", unsigned64(7000000)},
      {"TimeoutStopSec", "1.5", "TimeoutStopUSec", unsigned64(1500000)},
      {"TimeoutStopUSec", "uint64 7", "TimeoutStopUSec", unsigned64(7)},
      {"RuntimeMaxSec", "uint64 18446744073709551615", "RuntimeMaxUSec", unsigned64(kInfinity)},
  };
  for (const Row& row : rows) {
    INFO(row.name << " " << row.text);
    const auto properties = of(row.name, row.text);
    REQUIRE(properties);
    REQUIRE(properties->size() == 1);
    CHECK(properties->front().name == row.becomes);
    CHECK(properties->front().value == row.value);
  }
}

TEST_CASE("annotations that are no properties are told by name", "[systemd]") {
  for (const auto& [name, text] :
       std::vector<std::pair<const char*, const char*>>{{"Documentation", "unquoted"},
                                                        {"", "1"},
                                                        {"x", "1"},
                                                        {"lower", "1"},
                                                        {"Two Words", "1"},
                                                        {"TimeoutStopSec", "'7'"},
                                                        {"TimeoutStopSec", "-1"},
                                                        {"TimeoutStopSec", "['a']"},
                                                        {"PIDs", "[uint32 1]"},
                                                        {"Slice", "'a.slice'"},
                                                        {"Delegate", "false"},
                                                        {"DefaultDependencies", "true"}}) {
    INFO(name << " " << text);
    const auto properties = of(name, text);
    REQUIRE_FALSE(properties);
    CHECK_THAT(properties.error().text(), Catch::StartsWith("annotations[\"org.systemd.property." +
                                                            std::string(name) + "\"]: "));
  }
}

TEST_CASE("what differs between two sets of properties", "[systemd]") {
  const Properties none;
  const Properties some = {
      {"MemoryMax", unsigned64(1)},
      {"MemoryLow", unsigned64(2)},
      {"AllowedCPUs", bytes("\1")},
      {"IOReadBandwidthMax", array("(st)", {structure({string("/dev/a"), unsigned64(1)})})}};
  CHECK(changes(some, some).empty());
  CHECK(changes(none, some).size() == 4);
  const Properties undone = changes(some, none);
  REQUIRE(undone.size() == 4);
  CHECK(undone[0].value == unsigned64(kInfinity));
  CHECK(undone[1].value == unsigned64(0));
  CHECK(undone[2].value == array("y", {}));
  CHECK(undone[3].value == array("(st)", {}));
  Properties other = some;
  set(other, "IOReadBandwidthMax", array("(st)", {structure({string("/dev/b"), unsigned64(1)})}));
  // systemd adds to lists: the old entries go first.
  const Properties replaced = changes(some, other);
  REQUIRE(replaced.size() == 2);
  CHECK(replaced[0].value.items.empty());
  CHECK(replaced[1].value.items.size() == 1);
}

}  // namespace
}  // namespace skiff::systemd
