#include "src/commands/selection.h"

#include <catch2/catch.hpp>

using namespace skiff::commands;
using Words = std::vector<std::string>;

TEST_CASE("a regular expression may match anywhere in an id", "[commands]") {
  const Words ids = {"db", "web-1", "web-2", "old.web-10"};
  CHECK(*matching("web", ids) == Words{"web-1", "web-2", "old.web-10"});
  CHECK(*matching("^web-[0-9]$", ids) == Words{"web-1", "web-2"});
  CHECK(*matching("^(db|web-2)$", ids) == Words{"db", "web-2"});
  CHECK(matching("^nothing$", ids)->empty());
}

TEST_CASE("a malformed regular expression is refused, with the reason", "[commands]") {
  CHECK(matching("(", {"a"}).error().text() == "--regex: \"(\": Unmatched ( or \\(");
}
