// tmpcopyup: a tmpfs that begins with what it covers.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/intruder.h"

namespace tests {
namespace {

TEST_CASE("tmpcopyup fills a tmpfs with what it covers", "[mounts][copyup]") {
  DIFFERS(Crun, "1.8.1 loses links, times and attributes");
  DIFFERS(Runc, "1.1.5 loses links and attributes");
  Bundle bundle;
  const std::string base = bundle.rootfs() + "/data";
  write_file(base + "/file", "text\n", 04755);
  write_file(base + "/deep/er/inner", "inner\n", 0600);
  REQUIRE(::link((base + "/file").c_str(), (base + "/deep/hard").c_str()) == 0);
  make_link("../file", base + "/deep/soft");
  make_link("/nowhere/at all", base + "/dangling");
  ::mkfifo((base + "/pipe").c_str(), 0640);
  ::mknod((base + "/node").c_str(), S_IFCHR | 0600, makedev(1, 3));
  write_file(base + "/hole", "");
  REQUIRE(::truncate((base + "/hole").c_str(), off_t{1} << 40) == 0);  // more than there is memory
  REQUIRE(::chown((base + "/file").c_str(), 12, 34) == 0);
  REQUIRE(::lchown((base + "/dangling").c_str(), 56, 78) == 0);
  ::chmod((base + "/file").c_str(), 04755);
  ::chmod((base + "/deep").c_str(), 02710);
  REQUIRE(::chown(base.c_str(), 7, 8) == 0);
  ::chmod(base.c_str(), 01751);
  REQUIRE(::setxattr((base + "/file").c_str(), "trusted.skiff", "kept", 4, 0) == 0);
  const timespec times[2] = {{1000000000, 1}, {1100000000, 2}};
  ::utimensat(AT_FDCWD, (base + "/deep/er/inner").c_str(), times, 0);
  ::utimensat(AT_FDCWD, (base + "/dangling").c_str(), times, AT_SYMLINK_NOFOLLOW);
  ::utimensat(AT_FDCWD, (base + "/deep").c_str(), times, 0);
  bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup,nosuid");
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  CHECK(container
            .sh("cd /data; cat file deep/er/inner deep/soft; stat -c '%n %a %u:%g %F' . file deep "
                "pipe node; stat -c '%h %s' file hole; readlink dangling; stat -c %u:%g dangling; "
                "stat -c '%n %Y' deep deep/er/inner dangling; "
                "[ $(stat -c %i file) = $(stat -c %i deep/hard) ] && echo one")
            .out ==
        "text\ninner\ntext\n"
        ". 1751 7:8 directory\nfile 4755 12:34 regular file\ndeep 2710 0:0 directory\n"
        "pipe 640 0:0 fifo\nnode 600 0:0 character special file\n"
        "2 5\n1 1099511627776\n/nowhere/at all\n56:78\n"
        "deep 1100000000\ndeep/er/inner 1100000000\ndangling 1100000000\none\n");
  const std::string inside = "/proc/" + std::to_string(container.pid()) + "/root/data/file";
  char value[16] = {};
  CHECK(::getxattr(inside.c_str(), "trusted.skiff", value, sizeof value) == 4);
  CHECK(std::string(value) == "kept");
  // The copy is a copy.
  container.sh("echo changed > /data/file; rm -rf /data/deep");
  CHECK(read_file(base + "/file") == "text\n");
  CHECK(exists(base + "/deep/soft"));
}

TEST_CASE("tmpcopyup keeps to the options given, and to ro at the end", "[mounts][copyup]") {
  DIFFERS(Runc, "1.1.5 makes it read-only before it is complete");
  Bundle bundle;
  write_file(bundle.rootfs() + "/data/file", "text\n");
  bundle.mount("/data", "tmpfs", "tmpfs", "ro,mode=0711,tmpcopyup");
  bundle.mount("/data/inner", "tmpfs", "tmpfs");
  const std::string out =
      output_of(bundle, "cat /data/file; stat -c %a /data; touch /data/x 2>&1 | grep -c Read-only");
  CHECK(out == "text\n711\n1\n");
}

TEST_CASE("tmpcopyup of nothing is an empty tmpfs", "[mounts][copyup]") {
  DIFFERS(Runc, "wants the directory");
  DIFFERS(Crun, "wants the directory");
  Bundle bundle;
  bundle.mount("/not/there", "tmpfs", "tmpfs", "tmpcopyup");
  CHECK(output_of(bundle, "ls -A /not/there | wc -l; touch /not/there/x && echo made") ==
        "0\nmade\n");
}

TEST_CASE("tmpcopyup that does not fit is an error", "[mounts][copyup]") {
  SKIFF_ONLY("has this message");
  Bundle bundle;
  write_file(bundle.rootfs() + "/data/big", std::string(100000, 'x'));
  bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup,size=16k");
  CHECK_THAT(refusal(bundle),
             Catch::Contains("mounts[6]: mount tmpfs at /data: tmpcopyup: \"big\": copy: No space "
                             "left on device"));
}

TEST_CASE("tmpcopyup follows no link out of what it copies", "[mounts][copyup][attack]") {
  Bundle bundle;
  write_file(bundle.file("secret/file"), "secret\n");
  const std::string out = "../../../../../../../../../../" + bundle.file("secret");
  make_directories(bundle.rootfs() + "/data");
  make_link(out.c_str(), bundle.rootfs() + "/data/dir");
  make_link((out + "/file").c_str(), (bundle.rootfs() + "/data/file").c_str());
  make_link((bundle.file("secret")).c_str(), (bundle.rootfs() + "/linked").c_str());
  bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup")
      .mount("/linked", "tmpfs", "tmpfs", "tmpcopyup");
  const Output output =
      Container(bundle.sh("find /data /linked/ | sort; cat /data/file /data/dir/file")).run();
  CHECK_FALSE(contains(output.out, "secret\n"));
  if (testing(Program::Crun)) return;  // fails on /linked
  CHECK_THAT(output.out, Catch::Contains("/data/dir\n") && Catch::Contains("/data/file\n"));
}

TEST_CASE("tmpcopyup of a tree that changes meanwhile copies nothing else",
          "[mounts][copyup][attack]") {
  DIFFERS(Crun, "1.8.1 copies what the name leads to later");
  DIFFERS(Runc, "1.1.5 copies what the name leads to later");
  Bundle bundle;
  write_file(bundle.file("victim/secret"), "secret");
  const std::string data = bundle.rootfs() + "/data";
  for (int i = 0; i < 20; ++i) write_file(data + "/dir/f" + std::to_string(i), "harmless");
  make_link(("../../../../../../../../.." + bundle.file("victim")).c_str(),
            (data + "/link").c_str());
  write_file(data + "/file", "harmless");
  make_link(("../../../../../../../../.." + bundle.file("victim/secret")).c_str(),
            (data + "/leak").c_str());
  bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup");
  bundle.sh("find /data -type f -exec cat {} + | grep -c secret; true");
  const Exchanger directories(data + "/dir", data + "/link");
  const Exchanger files(data + "/file", data + "/leak");
  int started = 0;
  for (int round = 0; round < 60; ++round) {
    const Output output = Container(bundle).run();
    if (!output.ok()) continue;
    ++started;
    CHECK(output.out == "0\n");
  }
  CHECK(started > 0);
}

TEST_CASE("tmpcopyup gives up on a tree without a bottom", "[mounts][copyup][attack]") {
  SKIFF_ONLY("has a limit");
  Bundle bundle;
  std::string path = bundle.rootfs() + "/data";
  make_directories(path);
  skiff::Fd at(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 400; ++depth) {
    REQUIRE(::mkdirat(at.get(), "d", 0755) == 0);
    at = skiff::Fd(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup");
  CHECK_THAT(refusal(bundle), Catch::Contains("more than 256 directories deep"));
}

TEST_CASE("tmpcopyup copies no other file system", "[mounts][copyup]") {
  SKIFF_ONLY("stays on one");
  Bundle bundle;
  make_directories(bundle.rootfs() + "/data/vol");
  write_file(bundle.file("volume/file"), "x");
  bundle.mount("/data/vol", "bind", bundle.file("volume"), "bind");
  bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup");
  CHECK(output_of(bundle, "ls /data; ls -A /data/vol | wc -l") == "vol\n0\n");
}

TEST_CASE("tmpcopyup works in a user namespace", "[mounts][copyup][userns]") {
  DIFFERS(Runc, "1.1.5 cannot");
  Bundle bundle;
  write_file(bundle.rootfs() + "/data/file", "text\n");
  bundle.user_namespace(300000);
  REQUIRE(::chown((bundle.rootfs() + "/data/file").c_str(), 300005, 300006) == 0);
  bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup");
  CHECK(output_of(bundle, "cat /data/file; stat -c %u:%g /data/file") == "text\n5:6\n");
}

TEST_CASE("a tmpfs on / is filled by what follows it", "[mounts][copyup]") {
  DIFFERS(Runc, "refuses it");
  DIFFERS(Crun, "1.8.1 copies nothing to it");
  Bundle bundle;
  bundle.set("/mounts/0", R"({"destination": "/", "type": "tmpfs", "source": "tmpfs",
                              "options": ["tmpcopyup", "size=64m", "nodev"]})");
  bundle.mount("/proc", "proc", "proc");
  CHECK(output_of(bundle, "echo x > /gone; ls /gone; grep ' / / ' /proc/self/mountinfo | wc -l") ==
        "/gone\n1\n");
  CHECK_FALSE(exists(bundle.rootfs() + "/gone"));
  const MountLine root = find_mount(mounts_inside(bundle), "/");
  CHECK(root.type == "tmpfs");
  CHECK(has_option(root.options, "nodev"));
}

}  // namespace
}  // namespace tests
