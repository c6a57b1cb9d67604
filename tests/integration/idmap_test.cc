// Id-mapped mounts: whose files are whose, seen from inside and on the host.
#include "src/linux/idmap.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "src/linux/filesystem.h"
#include "src/linux/mounts.h"
#include "tests/integration/support/container.h"

namespace tests {
namespace {

/// Whether this kernel maps the ids of what a clone of `path` shows.
bool can_map(const std::string& path) {
  const auto tree = skiff::mounts::clone_tree(path, false);
  const auto users = skiff::idmap::open_namespace({{0, 1, 1}}, {{0, 1, 1}}, "test");
  return tree && users && skiff::mounts::set_idmap(*tree, *users, false);
}

bool can_map_tmpfs() {
  const auto made = skiff::filesystem::make({"tmpfs", "tmpfs", 0, ""});
  const auto users = skiff::idmap::open_namespace({{0, 1, 1}}, {{0, 1, 1}}, "test");
  return made && users && skiff::mounts::set_idmap(*made, *users, false);
}

void own(const std::string& path, uid_t uid, gid_t gid) {
  write_file(path, "x");
  REQUIRE(::chown(path.c_str(), uid, gid) == 0);
}

std::string owner(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) < 0) return "";
  return std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid);
}

std::string mapping(unsigned inside, unsigned outside, unsigned size) {
  return "[{\"containerID\": " + std::to_string(inside) +
         ", \"hostID\": " + std::to_string(outside) + ", \"size\": " + std::to_string(size) + "}]";
}

TEST_CASE("a volume with mappings of its own shows other owners", "[idmap]") {
  DIFFERS(Runc, "1.1.5 wants a user namespace");
  Bundle bundle;
  make_directories(bundle.file("vol"));
  NEEDS(can_map(bundle.file("vol")), "the file system of the tests cannot be id-mapped");
  own(bundle.file("vol/a"), 0, 10);
  own(bundle.file("vol/b"), 5, 15);
  REQUIRE(::chmod(bundle.file("vol").c_str(), 0777) == 0);
  // In a directory of an owner without a mapping nothing can be made.
  REQUIRE(::chown(bundle.file("vol").c_str(), 0, 10) == 0);
  // No option: what configurations of version 1.0 said.
  for (const char* options : {"bind,idmap", "rbind,ridmap", "bind"}) {
    INFO(options);
    bundle.mount("/vol", "bind", bundle.file("vol"), options);
    bundle.set("/mounts/6/uidMappings", mapping(0, 1000, 100));
    bundle.set("/mounts/6/gidMappings", mapping(10, 2010, 100));
    bundle.set("/process/user", R"({"uid": 1005, "gid": 2015})");
    CHECK(output_of(bundle, "stat -c %u:%g /vol/a /vol/b; rm -f /vol/new; touch /vol/new") ==
          "1000:2010\n1005:2015\n");
    CHECK(owner(bundle.file("vol/new")) == "5:15");
    bundle.remove("/mounts/6");
  }
}

TEST_CASE("crun's way to write a mapping", "[idmap]") {
  DIFFERS(Runc, "does not know it");
  Bundle bundle;
  make_directories(bundle.file("vol"));
  NEEDS(can_map(bundle.file("vol")), "the file system of the tests cannot be id-mapped");
  own(bundle.file("vol/a"), 0, 0);
  own(bundle.file("vol/b"), 20, 30);
  bundle.mount("/vol", "bind", bundle.file("vol"),
               "rbind,idmap=uids=0-1000-10#20-5000-1;gids=0-2000-50");
  CHECK(output_of(bundle, "stat -c %u:%g /vol/a /vol/b") == "1000:2000\n5000:2030\n");
}

TEST_CASE("idmap alone takes the container's mappings", "[idmap][userns]") {
  DIFFERS(Runc, "1.1.5 does not know the option");
  Bundle bundle;
  bundle.user_namespace(300000, 65536);
  make_directories(bundle.file("vol"));
  NEEDS(can_map(bundle.file("vol")), "the file system of the tests cannot be id-mapped");
  own(bundle.file("vol/a"), 0, 0);
  own(bundle.file("vol/b"), 7, 8);
  REQUIRE(::chmod(bundle.file("vol").c_str(), 0777) == 0);
  bundle.mount("/vol", "bind", bundle.file("vol"), "bind,idmap");
  bundle.mount("/plain", "bind", bundle.file("vol"), "bind");
  CHECK(output_of(bundle,
                  "stat -c %u:%g /vol/a /vol/b /plain/a; touch /vol/new; chown 3:4 /vol/new") ==
        "0:0\n7:8\n65534:65534\n");
  CHECK(owner(bundle.file("vol/new")) == "3:4");
}

TEST_CASE("a mapping relative to the container's", "[idmap][userns]") {
  DIFFERS(Runc, "does not know it");
  Bundle bundle;
  bundle.user_namespace(300000, 65536);
  make_directories(bundle.file("vol"));
  NEEDS(can_map(bundle.file("vol")), "the file system of the tests cannot be id-mapped");
  own(bundle.file("vol/a"), 1000, 0);
  bundle.mount("/vol", "bind", bundle.file("vol"), "bind,idmap=uids=@1000-50-10;gids=@0-60-10");
  CHECK(output_of(bundle, "stat -c %u:%g /vol/a") == "50:60\n");
  if (!testing(Program::Skiff)) return;
  // What is left out is the container's own.
  bundle.set("/mounts/6/options/1", "\"idmap=uids=@1000-50-10\"");
  CHECK(output_of(bundle, "stat -c %u:%g /vol/a") == "50:0\n");
  bundle.set("/mounts/6/options/1", "\"idmap=uids=@0-65530-100\"");
  CHECK_THAT(refusal(bundle),
             Catch::Contains("mounts[6]: options: @0-65530-100 is not within one range"));
}

TEST_CASE("idmap maps the mount, ridmap all below it", "[idmap]") {
  DIFFERS(Runc, "1.1.5 does not know the options");
  DIFFERS(Crun, "1.8.1 does not know ridmap");
  Bundle bundle;
  make_directories(bundle.file("vol/below"));
  NEEDS(can_map(bundle.file("vol")), "the file system of the tests cannot be id-mapped");
  write_file(bundle.file("other/file"), "x");
  REQUIRE(::mount(bundle.file("other").c_str(), bundle.file("vol/below").c_str(), nullptr, MS_BIND,
                  nullptr) == 0);
  own(bundle.file("vol/file"), 0, 0);
  bundle.mount("/one", "bind", bundle.file("vol"), "rbind,idmap=uids=0-7-1;gids=0-8-1");
  bundle.mount("/all", "bind", bundle.file("vol"), "rbind,ridmap=uids=0-7-1;gids=0-8-1");
  CHECK(output_of(bundle, "stat -c %u:%g /one/file /one/below/file /all/file /all/below/file") ==
        "7:8\n0:0\n7:8\n7:8\n");
  ::umount2(bundle.file("vol/below").c_str(), MNT_DETACH);
}

TEST_CASE("a file system of any type is id-mapped, if the kernel can", "[idmap]") {
  DIFFERS(Runc, "maps bind mounts only");
  SKIFF_ONLY("has these messages");
  Bundle bundle;
  bundle.mount("/t", "tmpfs", "tmpfs",
               "mode=1777,size=1m,noexec,idmap=uids=0-1000-10;gids=0-2000-10");
  if (!can_map_tmpfs()) {
    CHECK_THAT(refusal(bundle),
               Catch::Contains("mounts[6]: id-map /t: the file system tmpfs cannot be id-mapped by "
                               "this kernel: Invalid argument"));
    SKIP("this kernel maps no tmpfs, and skiff said so");
  }
  bundle.set("/process/user", R"({"uid": 1003, "gid": 2004})");
  CHECK(output_of(bundle,
                  "stat -c '%u:%g %a' /t; touch /t/x; stat -c %u:%g /t/x; "
                  "grep ' /t ' /proc/self/mountinfo | grep -c noexec") ==
        "1000:2000 1777\n1003:2004\n1\n");

  // Made outside, it is the container's own inside.
  Bundle inner;
  inner.user_namespace(300000, 65536);
  inner.mount("/t", "tmpfs", "tmpfs", "mode=700,idmap");
  CHECK(output_of(inner, "stat -c %u:%g /t; touch /t/x; chown 5:6 /t/x; stat -c %u:%g /t/x") ==
        "0:0\n5:6\n");
}

TEST_CASE("a file system that cannot be id-mapped is named", "[idmap]") {
  SKIFF_ONLY("has these messages");
  Bundle bundle;
  bundle.mount("/p", "proc", "proc", "idmap=uids=0-1-1;gids=0-1-1");
  CHECK_THAT(
      refusal(bundle),
      Catch::Contains("mounts[6]: id-map /p: the file system proc cannot be id-mapped by this "
                      "kernel: Invalid argument"));
  Bundle bound;
  bound.mount("/p", "bind", "/proc/sys", "rbind,ridmap=uids=0-1-1;gids=0-1-1");
  CHECK_THAT(
      refusal(bound),
      Catch::Contains("mounts[6]: id-map /p: the file system proc cannot be id-mapped by this "
                      "kernel, or one that is mounted below: Invalid argument"));
}

TEST_CASE("an id-mapped mount takes flags, propagation and a place like any other", "[idmap]") {
  DIFFERS(Runc, "1.1.5 wants a user namespace");
  Bundle bundle;
  write_file(bundle.file("vol/file"), "text\n");
  NEEDS(can_map(bundle.file("vol")), "the file system of the tests cannot be id-mapped");
  bundle.mount("/deep/vol", "bind", bundle.file("vol"),
               "bind,ro,noexec,rprivate,idmap=uids=0-5-1;gids=0-5-1");
  bundle.mount("/deep/file", "bind", bundle.file("vol/file"), "bind,idmap=uids=0-6-1;gids=0-6-1");
  CHECK(output_of(bundle,
                  "cat /deep/vol/file /deep/file; stat -c %u /deep/vol/file /deep/file; "
                  "touch /deep/vol/x 2>&1 | grep -c Read-only") == "text\ntext\n5\n6\n1\n");
  CHECK(owner(bundle.file("vol/file")) == "0:0");
}

TEST_CASE("the mappings of a user namespace that is joined serve idmap", "[idmap][userns]") {
  DIFFERS(Runc, "1.1.5 does not know the option");
  Bundle donor_bundle;
  donor_bundle.user_namespace(250000, 7000).sh("sleep 100");
  Container donor(donor_bundle);
  donor.launch();
  Bundle bundle;
  bundle.user_namespace(250000, 7000);
  bundle.ns("user", "/proc/" + std::to_string(donor.pid()) + "/ns/user");
  make_directories(bundle.file("vol"));
  NEEDS(can_map(bundle.file("vol")), "the file system of the tests cannot be id-mapped");
  own(bundle.file("vol/a"), 7, 8);
  bundle.mount("/vol", "bind", bundle.file("vol"), "bind,idmap");
  CHECK(output_of(bundle, "stat -c %u:%g /vol/a") == "7:8\n");
}

TEST_CASE("an ordinary user's id-mapped mount is refused with what it takes",
          "[idmap][userns][rootless]") {
  SKIFF_ONLY("has this message");
  Bundle bundle;
  make_directories(bundle.file("vol"));
  bundle.ns("user").remove("/linux/resources").without_cgroups_path();
  const std::string own = mapping(0, 1000, 1);
  bundle.set("/linux/uidMappings", own).set("/linux/gidMappings", own);
  bundle.mount("/vol", "bind", bundle.file("vol"), "bind,idmap").args({"/bin/true"});
  const std::string path = bundle.path("rootless");
  make_directories(bundle.file("user-state"));
  REQUIRE(::chown(bundle.file("user-state").c_str(), 1000, 1000) == 0);
  CommandOptions options;
  options.cwd = "/";
  const Output output = runtime_as_user({"--root", bundle.file("user-state"), "--cgroup-manager",
                                         "disabled", "run", "--bundle", path, "rootless"},
                                        options);
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("mounts[6]: source ") &&
                             Catch::Contains("Operation not permitted (hint: a mount to be "
                                             "id-mapped is made on the host"));
}

}  // namespace
}  // namespace tests
