#include "src/linux/filesystem.h"

#include <catch2/catch.hpp>

using namespace skiff;
using filesystem::find_option;
using filesystem::split_options;

using Options = std::vector<std::string_view>;

TEST_CASE("options are divided at their commas, but for quoted and escaped ones", "[linux]") {
  CHECK(split_options("") == Options{});
  CHECK(split_options("size=1k") == Options{"size=1k"});
  CHECK(split_options("size=1k,mode=755,,noacl,") == Options{"size=1k", "mode=755", "noacl"});
  CHECK(split_options(R"(mode=1,context="a:b:c1,c2",uid=3)") ==
        Options{"mode=1", R"(context="a:b:c1,c2")", "uid=3"});
  CHECK(split_options(R"(lowerdir=/a\,b:/c,upperdir=/u)") ==
        Options{R"(lowerdir=/a\,b:/c)", "upperdir=/u"});
  CHECK(split_options("a\\") == Options{"a\\"});
  CHECK(split_options("\"unclosed,b") == Options{"\"unclosed,b"});
}

TEST_CASE("an option is found by its whole name, the last one counts", "[linux]") {
  CHECK(find_option("xmode=1,mode=2,mode=\"3\",modes=4", "mode") == "3");
  CHECK(find_option("xmode=1,mode", "mode").empty());
}
