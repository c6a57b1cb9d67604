// linux.devices: nodes made, found, refused and bound.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

TEST_CASE("linux.devices makes the devices it lists", "[devices]") {
  Bundle bundle;
  bundle.set("/linux/devices", R"([
      {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 7, "gid": 8},
      {"path": "/dev/deep/node", "type": "b", "major": 7, "minor": 200, "fileMode": 384},
      {"path": "/dev/unbuffered", "type": "u", "major": 1, "minor": 5, "fileMode": 8576},
      {"path": "/somewhere/else", "type": "c", "major": 1, "minor": 3},
      {"path": "/dev/pipe", "type": "p", "fileMode": 416, "gid": 9}])");
  CHECK(output_of(bundle,
                  "stat -c '%n %F %t:%T %a %u:%g' /dev/fuse /dev/deep/node /dev/unbuffered "
                  "/somewhere/else /dev/pipe; echo x > /somewhere/else && echo works") ==
        "/dev/fuse character special file a:e5 666 7:8\n"
        "/dev/deep/node block special file 7:c8 600 0:0\n"
        "/dev/unbuffered character special file 1:5 600 0:0\n"
        "/somewhere/else character special file 1:3 666 0:0\n"
        "/dev/pipe fifo 0:0 640 0:9\n"
        "works\n");
}

TEST_CASE("the caller's umask does not reach devices", "[devices]") {
  Bundle bundle;
  bundle.set("/linux/devices", R"([{"path": "/dev/x", "type": "c", "major": 1, "minor": 3,
                                    "fileMode": 511}])");
  const mode_t before = ::umask(077);
  const std::string out = output_of(bundle, "stat -c %a /dev/x /dev/null");
  ::umask(before);
  CHECK(out == "777\n666\n");
}

TEST_CASE("a default device may be listed with a mode and an owner of its own", "[devices]") {
  Bundle bundle;
  bundle.set("/linux/devices", R"([{"path": "/dev/tty", "type": "c", "major": 5, "minor": 0,
                                    "fileMode": 432, "gid": 5}])");
  CHECK(output_of(bundle, "stat -c '%a %u:%g' /dev/tty /dev/null") == "660 0:5\n666 0:0\n");
}

TEST_CASE("a device that is there already is taken", "[devices]") {
  Bundle bundle;
  bundle.set("/linux/devices", R"([{"path": "/node", "type": "c", "major": 1, "minor": 3},
                                   {"path": "/pipe", "type": "p", "fileMode": 384}])");
  REQUIRE(::mknod((bundle.rootfs() + "/node").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0);
  REQUIRE(::mkfifo((bundle.rootfs() + "/pipe").c_str(), 0600) == 0);
  CHECK(output_of(bundle, "stat -c '%F %a' /node /pipe") ==
        "character special file 600\nfifo 600\n");
}

TEST_CASE("a file that is there and is not that device is an error", "[devices]") {
  DIFFERS(Runc, "takes whatever is there");
  DIFFERS(Crun, "takes whatever is there");
  struct Row {
    const char* device;
    const char* error;
  };
  const std::string base = R"({"path": "/node", "type": "c", "major": 1, "minor": )";
  for (const Row& row : {
           Row{R"(5})", "/node exists in the rootfs and is not character device 1:5"},
           Row{R"(3, "fileMode": 438})", "/node exists in the rootfs with mode 0600, not 0666"},
           Row{R"(3, "uid": 3})", "/node exists in the rootfs and is owned by 0:0, not 3:0"},
           Row{R"(3, "fileMode": 384, "gid": 4})",
               "/node exists in the rootfs and is owned by 0:0, not 0:4"},
       }) {
    INFO(row.error);
    Bundle bundle;
    REQUIRE(::mknod((bundle.rootfs() + "/node").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0);
    bundle.set("/linux/devices", "[" + base + row.device + "]");
    CHECK_THAT(refusal(bundle), Catch::Contains(std::string("linux.devices[0]: ") + row.error));
  }
  for (const char* type : {"file", "directory", "link"}) {
    INFO(type);
    Bundle bundle;
    const std::string node = bundle.rootfs() + "/node";
    if (*type == 'f') write_file(node, "x");
    if (*type == 'd') make_directories(node);
    if (*type == 'l') REQUIRE(::symlink("/dev/null", node.c_str()) == 0);
    bundle.set("/linux/devices", "[" + base + "3}]");
    CHECK_THAT(refusal(bundle),
               Catch::Contains("/node exists in the rootfs and is not character device 1:3"));
  }
}

TEST_CASE("a device that says something impossible is refused by its field", "[devices]") {
  SKIFF_ONLY("has these messages");
  struct Row {
    const char* device;
    const char* error;
  };
  for (const Row& row : {
           Row{R"({"path": "/x", "type": "q"})", "linux.devices[0].type: unknown \"q\""},
           Row{R"({"path": "x", "type": "p"})", "linux.devices[0].path"},
           Row{R"({"path": "/x", "type": "c", "major": 1})", "linux.devices[0].minor: missing"},
           Row{R"({"path": "/x", "type": "c", "major": 9999, "minor": 1})",
               "linux.devices[0].major: 9999 is not between"},
       }) {
    INFO(row.error);
    Bundle bundle;
    bundle.set("/linux/devices", std::string("[") + row.device + "]");
    CHECK_THAT(refusal(bundle), Catch::Contains(row.error));
  }
}

TEST_CASE("in a user namespace devices are the host's, bound", "[devices][userns]") {
  Bundle bundle;
  bundle.user_namespace();
  bundle.set("/linux/devices", R"([
      {"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11, "fileMode": 438},
      {"path": "/dev/pipe", "type": "p", "fileMode": 416, "uid": 3, "gid": 4}])");
  NEEDS(exists("/dev/kmsg"), "the host has no /dev/kmsg");
  if (testing(Program::Runc)) bundle.remove("/linux/devices/1");
  if (testing(Program::Crun)) bundle.remove("/linux/devices/1");
  CHECK_THAT(output_of(bundle, "stat -c '%F %t:%T' /dev/kmsg"), Catch::Contains("file 1:b\n"));
  if (!testing(Program::Skiff)) return;
  CHECK(output_of(bundle, "stat -c '%F %a %u:%g' /dev/pipe") == "fifo 640 3:4\n");
}

TEST_CASE("in a user namespace a device that the host lacks is an error", "[devices][userns]") {
  SKIFF_ONLY("has this message");
  Bundle bundle;
  bundle.user_namespace();
  bundle.set("/linux/devices",
             R"([{"path": "/dev/null/x", "type": "b", "major": 4000, "minor": 7}])");
  CHECK_THAT(refusal(bundle),
             Catch::Contains("linux.devices[0]: /dev/null/x: the host has no block device 4000:7 "
                             "there: No such device (hint: in a user namespace"));
  // Another device of that name does not do.
  bundle.set("/linux/devices",
             R"([{"path": "/dev/zero", "type": "c", "major": 4000, "minor": 7}])");
  CHECK_THAT(refusal(bundle), Catch::Contains("the host has no character device 4000:7 there"));
}

TEST_CASE("a volume on /dev gets the listed devices and no others", "[devices]") {
  SKIFF_ONLY("makes them available");
  Bundle bundle;
  make_directories(bundle.file("dev"));
  bundle.set("/mounts/1", "{\"destination\": \"/dev\", \"type\": \"bind\", \"source\": " +
                              quote(bundle.file("dev")) + ", \"options\": [\"bind\"]}");
  bundle.set("/linux/devices", R"([{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}])");
  CHECK(output_of(bundle, "stat -c %t:%T /dev/x; ls /dev | grep -c -E 'null|zero|fd'; true") ==
        "1:3\n0\n");
}

TEST_CASE("links in the image do not lead a device out of it", "[devices][attack]") {
  Bundle bundle;
  const std::string victim = bundle.file("victim");
  make_directories(victim);
  REQUIRE(::symlink(("../../../../../../../.." + victim).c_str(),
                    (bundle.rootfs() + "/out").c_str()) == 0);
  bundle.set("/linux/devices", R"([{"path": "/out/node", "type": "c", "major": 1, "minor": 3}])");
  Container(bundle).create();
  CHECK(list_directory(victim).empty());
}

}  // namespace
}  // namespace tests
