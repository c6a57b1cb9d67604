// The root file system: devices, links, masked and read-only paths, names and kernel settings.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

TEST_CASE("root.readonly", "[rootfs]") {
  Bundle bundle;
  CHECK(output_of(bundle, "touch /file && ls /file") == "/file\n");
  bundle.set("/root/readonly", "true");
  bundle.sh("touch /other; touch /tmp/x; touch /dev/shm/fine && echo shm");
  const Output output = Container(bundle).run();
  CHECK(count(output.err, "Read-only file system") == 2);
  CHECK(output.out == "shm\n");
  CHECK_FALSE(exists(bundle.rootfs() + "/other"));
}

TEST_CASE("a read-only root still gets the mount points it lacks", "[rootfs]") {
  Bundle bundle;
  bundle.set("/root/readonly", "true").mount("/new/place", "tmpfs", "tmpfs");
  CHECK(output_of(bundle, "touch /new/place/file && ls /new/place") == "file\n");
}

TEST_CASE("root.path may be relative, absolute or outside the bundle", "[rootfs]") {
  Bundle bundle;
  Bundle elsewhere;
  write_file(elsewhere.rootfs() + "/mark", "elsewhere\n");
  bundle.set("/root/path", quote(elsewhere.rootfs()));
  CHECK(output_of(bundle, "cat /mark") == "elsewhere\n");
}

TEST_CASE("the container cannot climb out of its root", "[rootfs]") {
  Bundle bundle;
  write_file(bundle.file("secret"), "secret");
  bundle.sh("cat /../secret /proc/1/root/../secret; cd /; cd ..; cat secret");
  const Output output = Container(bundle).run();
  CHECK(output.out == "");
  CHECK(output.status != 0);
}

TEST_CASE("the default devices are there, with their numbers, modes and links", "[rootfs]") {
  Bundle bundle;
  CHECK(output_of(bundle,
                  "for d in null zero full random urandom tty; do "
                  "stat -c '%n %F %t:%T %a %u:%g' /dev/$d; done") ==
        "/dev/null character special file 1:3 666 0:0\n"
        "/dev/zero character special file 1:5 666 0:0\n"
        "/dev/full character special file 1:7 666 0:0\n"
        "/dev/random character special file 1:8 666 0:0\n"
        "/dev/urandom character special file 1:9 666 0:0\n"
        "/dev/tty character special file 5:0 666 0:0\n");
  CHECK(output_of(bundle,
                  "for l in fd stdin stdout stderr ptmx; do echo $l $(readlink /dev/$l); done") ==
        "fd /proc/self/fd\nstdin /proc/self/fd/0\nstdout /proc/self/fd/1\n"
        "stderr /proc/self/fd/2\nptmx pts/ptmx\n");
  if (exists("/proc/kcore")) CHECK(output_of(bundle, "readlink /dev/core") == "/proc/kcore\n");
}

TEST_CASE("the default devices work", "[rootfs]") {
  Bundle bundle;
  CHECK(output_of(bundle,
                  "echo x > /dev/null && head -c 4 /dev/zero | wc -c && "
                  "head -c 4 /dev/urandom | wc -c; echo x 2>&1 > /dev/full | grep -c space") ==
        "4\n4\n1\n");
}

TEST_CASE("an image's own files at /dev do not become devices of the host", "[rootfs]") {
  Bundle bundle;
  write_file(bundle.rootfs() + "/dev/null", "a file");
  CHECK(output_of(bundle, "stat -c %F /dev/null") == "character special file\n");
  CHECK(read_file(bundle.rootfs() + "/dev/null") == "a file");
}

TEST_CASE("masked files read as empty and masked directories as empty and read-only", "[rootfs]") {
  Bundle bundle;
  write_file(bundle.rootfs() + "/secret/file", "secret");
  write_file(bundle.rootfs() + "/plain", "secret");
  bundle.set("/linux/maskedPaths",
             R"(["/secret", "/plain", "/proc/version", "/proc/nonexistent", "/plain"])");
  const std::string out =
      output_of(bundle,
                "ls -A /secret | wc -l; cat /plain | wc -c; stat -c %t:%T /plain; "
                "touch /secret/x 2>&1 | grep -c -E 'Read-only|No space'; "
                "head -c 1 /proc/version | wc -c");
  CHECK(out == "0\n0\n1:3\n1\n0\n");
  CHECK(read_file(bundle.rootfs() + "/secret/file") == "secret");
}

TEST_CASE("masked paths may be fifos and devices, and are not opened", "[rootfs][attack]") {
  Bundle bundle;
  REQUIRE(::mkfifo((bundle.rootfs() + "/pipe").c_str(), 0644) == 0);
  bundle.set("/linux/maskedPaths", R"(["/pipe", "/dev/zero"])");
  CommandOptions options;
  options.seconds = 10;
  bundle.sh("stat -c %t:%T /pipe /dev/zero");
  CHECK(Container(bundle).run({}, options).out == "1:3\n1:3\n");
}

TEST_CASE("read-only paths are read-only, with what is below them", "[rootfs]") {
  Bundle bundle;
  write_file(bundle.rootfs() + "/ro/file", "x");
  write_file(bundle.rootfs() + "/single", "x");
  bundle.set("/linux/readonlyPaths",
             R"(["/ro", "/single", "/proc/sys", "/proc/version", "/nonexistent"])");
  bundle.sh(
      "cat /ro/file /single; echo y > /ro/file; echo y > /single; "
      "echo x > /proc/sys/kernel/hostname; echo h > /proc/version; "
      "cat /proc/self/mountinfo | grep /proc/sys");
  const Output output = Container(bundle).run();
  CHECK_THAT(output.out, Catch::StartsWith("xx"));
  CHECK(count(output.err, "Read-only file system") == 4);
  if (testing(Program::Crun)) return;  // 1.8.1 forgets the flags
  // The flags that /proc itself was mounted with are kept.
  bundle.set("/mounts/0", R"({"destination": "/proc", "type": "proc", "source": "proc",
                              "options": ["nosuid", "noexec", "nodev"]})");
  const auto mounts = parse_mountinfo(output_of(bundle, "cat /proc/self/mountinfo"));
  for (const char* flag : {"ro", "nosuid", "nodev", "noexec"})
    CHECK(has_option(find_mount(mounts, "/proc/sys").options, flag));
}

TEST_CASE("sysctls are set in the container's namespaces alone", "[rootfs]") {
  Bundle bundle;
  bundle.set("/linux/sysctl", R"({"net.ipv4.ip_forward": "1", "kernel.shmmax": "123456",
      "fs.mqueue.queues_max": "77", "kernel.msgmax": "8191"})");
  const std::string outside = read_file("/proc/sys/kernel/shmmax");
  CHECK(output_of(bundle,
                  "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax "
                  "/proc/sys/fs/mqueue/queues_max /proc/sys/kernel/msgmax") ==
        "1\n123456\n77\n8191\n");
  CHECK(read_file("/proc/sys/kernel/shmmax") == outside);
}

TEST_CASE("a sysctl of an interface whose name has a dot", "[rootfs]") {
  SKIFF_ONLY("converts names as sysctl.d(5) says");
  // "net/ipv4/conf/eth0.100/forwarding": slashes first, so the dots are the name's own.
  Bundle bundle;
  bundle.set("/linux/sysctl", R"({"net/ipv4/conf/lo/forwarding": "1"})");
  CHECK(output_of(bundle, "cat /proc/sys/net/ipv4/conf/lo/forwarding") == "1\n");
}

TEST_CASE("a sysctl of the host or of a shared namespace is refused", "[rootfs]") {
  const std::pair<const char*, const char*> cases[] = {{"kernel.core_pattern", "pid"},
                                                       {"vm.swappiness", "pid"},
                                                       {"net.ipv4.ip_forward", "network"},
                                                       {"kernel.shmmax", "ipc"}};
  for (const auto& [name, shared] : cases) {
    INFO(name);
    Bundle bundle;
    if (std::string(shared) != "pid") bundle.ns(shared, "-");
    bundle.set("/linux/sysctl", "{" + quote(name) + ": \"1\"}");
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    if (!testing(Program::Crun)) CHECK_THAT(output.err, Catch::Contains(name));
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("a sysctl that does not exist or a value the kernel refuses is named", "[rootfs]") {
  Bundle bundle;
  for (const char* sysctl :
       {R"({"net.ipv4.no_such_setting": "1"})", R"({"net.ipv4.ip_local_port_range": "words"})"}) {
    bundle.set("/linux/sysctl", sysctl);
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    CHECK_THAT(output.err,
               Catch::Contains("no_such_setting") || Catch::Contains("ip_local_port_range"));
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("a sysctl's name cannot lead elsewhere", "[rootfs][attack]") {
  const std::string before = read_file("/proc/sys/kernel/core_pattern");
  for (const char* name : {"net/../kernel/core_pattern", "net.././kernel.core_pattern",
                           "net/ipv4/../../kernel/core_pattern"}) {
    INFO(name);
    Bundle bundle;
    bundle.set("/linux/sysctl", "{" + quote(name) + ": \"owned\"}");
    CHECK(Container(bundle).create().status == 1);
    CHECK(read_file("/proc/sys/kernel/core_pattern") == before);
  }
}

TEST_CASE("hostname and domainname are the container's own", "[rootfs]") {
  char before[256];
  ::gethostname(before, sizeof before);
  Bundle bundle;
  bundle.set("/hostname", "\"some-host\"");
  CHECK(output_of(bundle, "hostname") == "some-host\n");
  char after[256];
  ::gethostname(after, sizeof after);
  CHECK(std::string(before) == after);
}

TEST_CASE("domainname", "[rootfs]") {
  DIFFERS(Runc, "1.1.5 is older than the field");
  DIFFERS(Crun, "1.8.1 is older than the field");
  Bundle bundle;
  bundle.set("/domainname", "\"example.org\"");
  CHECK(output_of(bundle, "cat /proc/sys/kernel/domainname") == "example.org\n");
}

TEST_CASE("without a uts namespace a hostname is refused", "[rootfs]") {
  DIFFERS(Crun, "accepts");
  Bundle bundle;
  bundle.ns("uts", "-");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err,
             Catch::Contains("hostname", Catch::CaseSensitive::No) || Catch::Contains("UTS"));
  CHECK(leftovers.found() == "");
}

}  // namespace
}  // namespace tests
