#include "src/linux/procfs.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "src/linux/syscalls.h"

using namespace skiff;

TEST_CASE("a file of this process is opened through procfs", "[linux]") {
  const auto root = procfs::open_root();
  REQUIRE(root);
  const auto file = procfs::open(*root, "thread-self/stat", O_RDONLY);
  REQUIRE(file);
  CHECK(sys::read_all(*file, 4096, "stat")->starts_with(fmt::format("{} (", ::getpid())));
}

TEST_CASE("nothing leads out of procfs", "[linux]") {
  const auto root = procfs::open_root();
  REQUIRE(root);
  CHECK(procfs::open(*root, "self/root/etc/passwd", O_RDONLY).error().is(ELOOP));
  CHECK(procfs::open(*root, "../etc/passwd", O_RDONLY).error().is(EXDEV));
  CHECK(procfs::open(*root, "/etc/passwd", O_RDONLY).error().is(EXDEV));
  CHECK(procfs::open(*root, "nothing", O_RDONLY).error().text() ==
        "open /proc/nothing: No such file or directory");
}
