#include "src/base/path.h"

#include <catch2/catch.hpp>

using namespace skiff;

TEST_CASE("a cleaned path has no empty, . or .. parts that can be resolved", "[base]") {
  const std::pair<const char*, const char*> table[] = {
      {"/a/b", "/a/b"},
      {"/a//b/", "/a/b"},
      {"/./a/./b/.", "/a/b"},
      {"/a/../b", "/b"},
      {"/../../etc", "/etc"},
      {"/", "/"},
      {"//", "/"},
      {"/a/..", "/"},
      {"a/b/../c", "a/c"},
      {"../a", "../a"},
      {"a/../../b", "../b"},
      {"../../a", "../../a"},
      {"a/..", "."},
      {"", "."},
      {".", "."},
      {"./a", "a"},
      {"/...", "/..."},
  };
  for (const auto& [path, cleaned] : table) {
    CAPTURE(path);
    CHECK(path::clean(path) == cleaned);
  }
}

TEST_CASE("joining leaves an absolute path alone", "[base]") {
  CHECK(path::join("/base", "rootfs") == "/base/rootfs");
  CHECK(path::join("/base", "/rootfs") == "/rootfs");
  CHECK(path::join("/base", "../rootfs") == "/rootfs");
  CHECK(path::join("base", "a/./b") == "base/a/b");
  CHECK(path::join("/", "a") == "/a");
}

TEST_CASE("a path parts into parent and base name", "[base]") {
  CHECK(path::base_name("/a/b") == "b");
  CHECK(path::base_name("b") == "b");
  CHECK(path::base_name("/a/").empty());
  CHECK(path::parent("/a/b") == "/a");
  CHECK(path::parent("/a") == "/");
  CHECK(path::parent("a") == ".");
}

TEST_CASE("a path is below a directory by its parts, not by its letters", "[base]") {
  CHECK(path::is_below("/proc/sys", "/proc"));
  CHECK(path::is_below("/proc", "/proc/"));
  CHECK(path::is_below("/a/../proc/sys", "/proc"));
  CHECK(path::is_below("/anything", "/"));
  CHECK_FALSE(path::is_below("/process", "/proc"));
  CHECK_FALSE(path::is_below("/proc/../etc", "/proc"));
  CHECK_FALSE(path::is_below("/", "/proc"));
  CHECK(path::is_below("a", "."));
  CHECK_FALSE(path::is_below("../a", "."));
  CHECK_FALSE(path::is_below("/a", "."));
  CHECK_FALSE(path::is_below("a", "/"));
}
