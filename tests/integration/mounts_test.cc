// Mounts: their types, options, sources, destinations and propagation.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

TEST_CASE("the usual mounts have their types and options", "[mounts]") {
  Bundle bundle;
  const auto mounts = mounts_inside(bundle);
  CHECK(find_mount(mounts, "/proc").type == "proc");
  CHECK(find_mount(mounts, "/dev/mqueue").type == "mqueue");

  const MountLine dev = find_mount(mounts, "/dev");
  CHECK(dev.type == "tmpfs");
  CHECK(has_option(dev.options, "nosuid"));
  CHECK_FALSE(has_option(dev.options, "relatime"));
  CHECK(has_option(dev.super_options, "size=65536k"));
  CHECK(has_option(dev.super_options, "mode=755"));

  const MountLine pts = find_mount(mounts, "/dev/pts");
  CHECK(pts.type == "devpts");
  CHECK(has_option(pts.options, "noexec"));
  CHECK(has_option(pts.super_options, "ptmxmode=666"));
  CHECK(has_option(pts.super_options, "mode=620"));

  const MountLine shm = find_mount(mounts, "/dev/shm");
  CHECK(shm.type == "tmpfs");
  for (const char* option : {"nosuid", "nodev", "noexec"}) CHECK(has_option(shm.options, option));

  const MountLine sys = find_mount(mounts, "/sys");
  CHECK(sys.type == "sysfs");
  CHECK(has_option(sys.options, "ro"));
}

TEST_CASE("nothing of the host's mounts is left in the container", "[mounts]") {
  Bundle bundle;
  for (const MountLine& mount : mounts_inside(bundle)) {
    INFO(mount.target);
    CHECK((mount.target == "/" || mount.target.rfind("/dev", 0) == 0 || mount.target == "/proc" ||
           mount.target == "/sys"));
    CHECK_FALSE(contains(mount.target, environment().scratch));
  }
  CHECK(output_of(bundle, "ls /.. | tr '\\n' ' '") == output_of(bundle, "ls / | tr '\\n' ' '"));
}

TEST_CASE("the container's mounts do not appear on the host", "[mounts]") {
  Bundle bundle;
  bundle.mount("/mnt", "tmpfs", "tmpfs").sh("sleep 100");
  const std::string before = read_file("/proc/self/mountinfo");
  Container container(bundle);
  container.launch();
  CHECK(read_file("/proc/self/mountinfo") == before);
}

TEST_CASE("mount flags", "[mounts]") {
  const std::pair<const char*, const char*> flags[] = {{"ro", "ro"},
                                                       {"nosuid", "nosuid"},
                                                       {"nodev", "nodev"},
                                                       {"noexec", "noexec"},
                                                       {"noatime", "noatime"},
                                                       {"nodiratime", "nodiratime"},
                                                       {"relatime", "relatime"}};
  for (const auto& [option, shown] : flags) {
    INFO(option);
    Bundle bundle;
    bundle.mount("/mnt", "tmpfs", "tmpfs", option);
    make_directories(bundle.file("source"));
    bundle.mount("/bound", "bind", bundle.file("source"), std::string("bind,") + option);
    const auto mounts = mounts_inside(bundle);
    CHECK(has_option(find_mount(mounts, "/mnt").options, shown));
    CHECK(has_option(find_mount(mounts, "/bound").options, shown));
  }
}

TEST_CASE("sync, dirsync and mand belong to the file system", "[mounts]") {
  Bundle bundle;
  bundle.mount("/mnt", "tmpfs", "tmpfs", "sync,dirsync");
  const MountLine mount = find_mount(mounts_inside(bundle), "/mnt");
  CHECK(has_option(mount.super_options, "sync"));
  CHECK(has_option(mount.super_options, "dirsync"));
}

TEST_CASE("the later of two contradictory options wins", "[mounts]") {
  DIFFERS(Crun, "1.8.1 only ever adds flags");
  Bundle bundle;
  bundle.mount("/a", "tmpfs", "tmpfs", "ro,rw").mount("/b", "tmpfs", "tmpfs", "rw,ro");
  bundle.mount("/c", "tmpfs", "tmpfs", "noexec,exec,nosuid,suid,dev,nodev");
  const auto mounts = mounts_inside(bundle);
  CHECK(has_option(find_mount(mounts, "/a").options, "rw"));
  CHECK(has_option(find_mount(mounts, "/b").options, "ro"));
  CHECK_FALSE(has_option(find_mount(mounts, "/c").options, "noexec"));
  CHECK_FALSE(has_option(find_mount(mounts, "/c").options, "nosuid"));
  CHECK(has_option(find_mount(mounts, "/c").options, "nodev"));
}

TEST_CASE("a mount without options has the kernel's defaults", "[mounts]") {
  Bundle bundle;
  bundle.mount("/mnt", "tmpfs", "tmpfs");
  CHECK(find_mount(mounts_inside(bundle), "/mnt").options == "rw,relatime");
  DIFFERS(Runc, "1.1.5 passes \"defaults\" on to the file system");
  bundle.mount("/other", "tmpfs", "tmpfs", "defaults");
  CHECK(find_mount(mounts_inside(bundle), "/other").options == "rw,relatime");
}

TEST_CASE("tmpfs takes size and mode, and keeps the mode of its place without one", "[mounts]") {
  Bundle bundle;
  make_directories(bundle.rootfs() + "/kept");
  ::chmod((bundle.rootfs() + "/kept").c_str(), 0710);
  bundle.mount("/sized", "tmpfs", "tmpfs", "size=128k,mode=1750,nr_inodes=50");
  bundle.mount("/kept", "tmpfs", "tmpfs");
  const std::string out = output_of(
      bundle,
      "stat -c %a /sized; dd if=/dev/zero of=/sized/big bs=1k count=200 2>&1 | grep -c 'No space'");
  CHECK(out == "1750\n1\n");
  if (!testing(Program::Skiff)) return;
  CHECK(output_of(bundle, "stat -c %a /kept") == "710\n");
}

TEST_CASE("unknown options are data for the file system, which may refuse them", "[mounts]") {
  Bundle bundle;
  bundle.mount("/mnt", "tmpfs", "tmpfs", "no_such_option=1");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  if (testing(Program::Skiff))
    CHECK_THAT(output.err, Catch::Contains("/mnt") && Catch::Contains("mounts[6]"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a file system that the kernel does not know is named", "[mounts]") {
  Bundle bundle;
  bundle.mount("/mnt", "nosuchfs", "none");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("mnt"));
  if (testing(Program::Skiff)) CHECK_THAT(output.err, Catch::Contains("nosuchfs"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a bind mount shows a directory or a file, and writes go through", "[mounts]") {
  Bundle bundle;
  write_file(bundle.file("dir/inner"), "in dir\n");
  write_file(bundle.file("single"), "in file\n");
  bundle.mount("/made/deep/dir", "bind", bundle.file("dir"), "bind,rw");
  bundle.mount("/made/deep/file", "bind", bundle.file("single"), "rbind,rw");
  // "none" and no type at all are what engines write, too.
  bundle.mount("/none", "none", bundle.file("dir"), "bind");
  bundle.mount("/untyped", "", bundle.file("dir"), "rbind");
  CHECK(output_of(bundle,
                  "cat /made/deep/dir/inner /made/deep/file /none/inner /untyped/inner; "
                  "echo new > /made/deep/dir/new; echo changed > /made/deep/file") ==
        "in dir\nin file\nin dir\nin dir\n");
  CHECK(read_file(bundle.file("dir/new")) == "new\n");
  CHECK(read_file(bundle.file("single")) == "changed\n");
}

TEST_CASE("a read-only bind mount refuses writes", "[mounts]") {
  Bundle bundle;
  write_file(bundle.file("dir/inner"), "x");
  bundle.mount("/dir", "bind", bundle.file("dir"), "bind,ro");
  bundle.sh("echo y > /dir/inner");
  const Output output = Container(bundle).run();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("Read-only file system"));
  CHECK(read_file(bundle.file("dir/inner")) == "x");
}

TEST_CASE("rbind brings the source's own mounts along, bind does not", "[mounts]") {
  Bundle bundle;
  make_directories(bundle.file("dir/sub"));
  REQUIRE(::mount("tmpfs", bundle.file("dir/sub").c_str(), "tmpfs", 0, nullptr) == 0);
  write_file(bundle.file("dir/sub/deep"), "x");
  bundle.mount("/with", "bind", bundle.file("dir"), "rbind");
  bundle.mount("/without", "bind", bundle.file("dir"), "bind");
  CHECK(output_of(bundle, "ls /with/sub; ls /without/sub") == "deep\n");
}

TEST_CASE("a relative bind source is relative to the bundle", "[mounts]") {
  DIFFERS(Crun, "1.8.1 takes it from its own directory");
  Bundle bundle;
  write_file(bundle.file("data/file"), "relative\n");
  bundle.mount("/data", "bind", "data", "bind");
  CHECK(output_of(bundle, "cat /data/file") == "relative\n");
}

TEST_CASE("a bind source that is a symbolic link is followed on the host", "[mounts]") {
  Bundle bundle;
  write_file(bundle.file("real/file"), "followed\n");
  REQUIRE(::symlink("real", bundle.file("link").c_str()) == 0);
  bundle.mount("/data", "bind", bundle.file("link"), "bind");
  CHECK(output_of(bundle, "cat /data/file") == "followed\n");
}

TEST_CASE("a missing bind source is named and nothing is left behind", "[mounts]") {
  Bundle bundle;
  bundle.mount("/data", "bind", "/nonexistent/source", "bind");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("/nonexistent/source"));
  CHECK_THAT(output.err, Catch::Contains("no such file or directory", Catch::CaseSensitive::No));
  if (testing(Program::Skiff)) CHECK_THAT(output.err, Catch::Contains("mounts[6]"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a directory cannot be bound over a file", "[mounts]") {
  Bundle bundle;
  make_directories(bundle.file("dir"));
  bundle.mount("/etc/passwd", "bind", bundle.file("dir"), "bind");
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("not a directory", Catch::CaseSensitive::No));
}

TEST_CASE("mounts are made in their order, later ones on earlier ones", "[mounts]") {
  Bundle bundle;
  write_file(bundle.file("dir/file"), "below\n");
  bundle.mount("/mnt", "tmpfs", "tmpfs").mount("/mnt/in", "bind", bundle.file("dir"), "bind");
  bundle.mount("/hidden", "bind", bundle.file("dir"), "bind").mount("/hidden", "tmpfs", "tmpfs");
  CHECK(output_of(bundle, "cat /mnt/in/file; ls /hidden | wc -l") == "below\n0\n");
}

TEST_CASE("a destination's symbolic links are resolved inside the rootfs", "[mounts][attack]") {
  Bundle bundle;
  REQUIRE(::symlink("/target", (bundle.rootfs() + "/absolute").c_str()) == 0);
  REQUIRE(::symlink("../../../../../../target", (bundle.rootfs() + "/climbing").c_str()) == 0);
  make_directories(bundle.rootfs() + "/target");
  write_file(bundle.file("dir/file"), "x\n");
  for (const char* link : {"/absolute", "/climbing"}) {
    Bundle other;
    REQUIRE(::symlink("/target", (other.rootfs() + "/absolute").c_str()) == 0);
    REQUIRE(::symlink("../../../../../../target", (other.rootfs() + "/climbing").c_str()) == 0);
    make_directories(other.rootfs() + "/target");
    other.mount(link, "bind", bundle.file("dir"), "bind");
    CHECK(output_of(other, "cat /target/file") == "x\n");
  }
}

TEST_CASE("devpts is a new instance with its own ptmx", "[mounts]") {
  Bundle bundle;
  CHECK(output_of(bundle, "ls /dev/pts; readlink /dev/ptmx; stat -c %a /dev/pts/ptmx") ==
        "ptmx\npts/ptmx\n666\n");
}

TEST_CASE("mqueue shows the ipc namespace's queues", "[mounts]") {
  Bundle bundle;
  CHECK(output_of(bundle, "touch /dev/mqueue/queue && ls /dev/mqueue") == "queue\n");
  CHECK_FALSE(exists("/dev/mqueue/queue"));
}

TEST_CASE("proc and sysfs belong to the container's namespaces", "[mounts]") {
  Bundle bundle;
  // The shell looks before it forks.
  CHECK(output_of(bundle, "echo /proc/[0-9]*; ls /sys/class/net") == "/proc/1\nlo\n");
}

TEST_CASE("the cgroup mount shows the container its own cgroup, read-only", "[mounts][cgroup]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro");
  if (environment().layout == CgroupLayout::V2) {
    bundle.ns("cgroup");
    CHECK(output_of(bundle, "cat /sys/fs/cgroup/cgroup.procs | head -1") == "1\n");
    CHECK(find_mount(mounts_inside(bundle), "/sys/fs/cgroup").type == "cgroup2");
  } else {
    CHECK(output_of(bundle,
                    "cat /sys/fs/cgroup/memory/cgroup.procs /sys/fs/cgroup/pids/cgroup.procs "
                    "| grep -c '^1$'") == "2\n");
    CHECK(find_mount(mounts_inside(bundle), "/sys/fs/cgroup").type == "tmpfs");
  }
  const bool v2 = environment().layout == CgroupLayout::V2;
  bundle.sh(v2 ? "mkdir /sys/fs/cgroup/x" : "mkdir /sys/fs/cgroup/memory/x");
  const Output output = Container(bundle).run();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("Read-only file system"));
  DIFFERS(Runc, "leaves the tmpfs around v1 hierarchies writable");
  CHECK(Container(bundle.sh("mkdir /sys/fs/cgroup/x")).run().status == 1);
}

TEST_CASE("the cgroup mount works in a cgroup namespace on every layout", "[mounts][cgroup]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.ns("cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,ro");
  const bool v2 = environment().layout == CgroupLayout::V2;
  const std::string file =
      v2 ? "/sys/fs/cgroup/cgroup.procs" : "/sys/fs/cgroup/memory/cgroup.procs";
  CHECK(output_of(bundle, "head -1 " + file) == "1\n");
  CHECK(output_of(bundle, "cut -d: -f3 /proc/self/cgroup | sort -u") == "/\n");
}

struct Propagated {
  const char* option;
  const char* shown;  // what mountinfo's optional fields contain, "" for none
};

TEST_CASE("propagation of a mount", "[mounts][propagation]") {
  for (const Propagated& which :
       {Propagated{"shared", "shared:"}, Propagated{"rshared", "shared:"},
        Propagated{"slave", "master:"}, Propagated{"rslave", "master:"}, Propagated{"private", ""},
        Propagated{"rprivate", ""}, Propagated{"unbindable", "unbindable"},
        Propagated{"runbindable", "unbindable"}}) {
    INFO(which.option);
    Bundle bundle;
    make_directories(bundle.file("source/sub"));
    // A shared source is what gives a slave its master.
    REQUIRE(::mount("tmpfs", bundle.file("source").c_str(), "tmpfs", 0, nullptr) == 0);
    REQUIRE(::mount(nullptr, bundle.file("source").c_str(), nullptr, MS_SHARED, nullptr) == 0);
    make_directories(bundle.file("source/sub"));
    REQUIRE(::mount("tmpfs", bundle.file("source/sub").c_str(), "tmpfs", 0, nullptr) == 0);
    REQUIRE(::mount(nullptr, bundle.file("source/sub").c_str(), nullptr, MS_SHARED, nullptr) == 0);
    // Engines set it so, as some runtimes apply it to every mount in the end.
    bundle.set("/linux/rootfsPropagation",
               contains(which.option, "shared") ? "\"shared\"" : "\"rslave\"");
    bundle.mount("/vol", "bind", bundle.file("source"), std::string("rbind,") + which.option);
    const auto mounts = mounts_inside(bundle);
    const std::string top = find_mount(mounts, "/vol").optional;
    const std::string sub = find_mount(mounts, "/vol/sub").optional;
    if (std::string(which.shown).empty()) {
      CHECK_FALSE(contains(top, "shared:"));
      CHECK_FALSE(contains(top, "master:"));
    } else {
      CHECK_THAT(top, Catch::Contains(which.shown));
    }
    if (which.option[0] == 'r' && *which.shown != '\0')
      CHECK_THAT(sub, Catch::Contains(which.shown));
    ::umount2(bundle.file("source/sub").c_str(), MNT_DETACH);
    ::umount2(bundle.file("source").c_str(), MNT_DETACH);
  }
}

TEST_CASE("a mount made inside a shared volume reaches the host", "[mounts][propagation]") {
  DIFFERS(Crun, "1.8.1 makes it a slave");
  Bundle bundle;
  make_directories(bundle.file("source"));
  REQUIRE(::mount("tmpfs", bundle.file("source").c_str(), "tmpfs", 0, nullptr) == 0);
  REQUIRE(::mount(nullptr, bundle.file("source").c_str(), nullptr, MS_SHARED, nullptr) == 0);
  make_directories(bundle.file("source/made"));
  bundle.set("/linux/rootfsPropagation", "\"shared\"");
  bundle.mount("/vol", "bind", bundle.file("source"), "rbind,rshared");
  for (const char* set : {"bounding", "effective", "permitted"})
    bundle.set(("/process/capabilities/" + std::string(set)).c_str(), R"(["CAP_SYS_ADMIN"])");
  output_of(bundle, "mount -t tmpfs inner /vol/made");
  const auto mounts = parse_mountinfo(read_file("/proc/self/mountinfo"));
  CHECK(find_mount(mounts, bundle.file("source/made")).source == "inner");
  ::umount2(bundle.file("source/made").c_str(), MNT_DETACH);
  ::umount2(bundle.file("source").c_str(), MNT_DETACH);
}

TEST_CASE("a mount made on the host reaches a slave", "[mounts][propagation]") {
  Bundle bundle;
  make_directories(bundle.file("source"));
  REQUIRE(::mount("tmpfs", bundle.file("source").c_str(), "tmpfs", 0, nullptr) == 0);
  REQUIRE(::mount(nullptr, bundle.file("source").c_str(), nullptr, MS_SHARED, nullptr) == 0);
  make_directories(bundle.file("source/later"));
  bundle.set("/linux/rootfsPropagation", "\"rslave\"");
  bundle.mount("/vol", "bind", bundle.file("source"), "rbind,rslave").sh("sleep 100");
  Container container(bundle);
  container.launch();
  REQUIRE(::mount("tmpfs", bundle.file("source/later").c_str(), "tmpfs", 0, nullptr) == 0);
  write_file(bundle.file("source/later/file"), "arrived\n");
  CHECK(container.sh("cat /vol/later/file").out == "arrived\n");
  ::umount2(bundle.file("source/later").c_str(), MNT_DETACH);
  ::umount2(bundle.file("source").c_str(), MNT_DETACH);
}

TEST_CASE("rootfsPropagation is the propagation of /", "[mounts][propagation]") {
  DIFFERS(Runc, "applies it to the mount that the rootfs is on");
  for (const Propagated& which :
       {Propagated{"shared", "shared:"}, Propagated{"rshared", "shared:"},
        Propagated{"slave", "master:"}, Propagated{"rslave", "master:"}, Propagated{"private", ""},
        Propagated{"rprivate", ""}, Propagated{"unbindable", "unbindable"},
        Propagated{"runbindable", "unbindable"}}) {
    if (testing(Program::Crun) && contains(which.option, "slave")) continue;  // loses its master
    INFO(which.option);
    Bundle bundle;
    // The rootfs is a mount of its own on a shared one, as an engine's overlay is.
    REQUIRE(::mount(bundle.rootfs().c_str(), bundle.rootfs().c_str(), nullptr, MS_BIND, nullptr) ==
            0);
    REQUIRE(::mount(nullptr, bundle.rootfs().c_str(), nullptr, MS_SHARED, nullptr) == 0);
    bundle.set("/linux/rootfsPropagation", quote(which.option));
    const std::string before = read_file("/proc/self/mountinfo");
    const std::string optional = find_mount(mounts_inside(bundle), "/").optional;
    if (std::string(which.shown).empty()) {
      CHECK(optional == "");
    } else {
      CHECK_THAT(optional, Catch::Contains(which.shown));
    }
    CHECK(read_file("/proc/self/mountinfo") == before);
    ::umount2(bundle.rootfs().c_str(), MNT_DETACH);
  }
}

TEST_CASE("an unknown rootfsPropagation is refused", "[mounts][propagation]") {
  DIFFERS(Crun, "ignores it");
  Bundle bundle;
  bundle.set("/linux/rootfsPropagation", "\"sideways\"");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("ropagation"));
  CHECK(leftovers.found() == "");
}

}  // namespace
}  // namespace tests
