// Namespaces: new, joined by path, shared with the host; id mappings.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

struct Kind {
  const char* type;  // in linux.namespaces
  const char* file;  // in /proc/PID/ns
};

constexpr Kind kKinds[] = {{"pid", "pid"},   {"network", "net"},   {"ipc", "ipc"},  {"uts", "uts"},
                           {"mount", "mnt"}, {"cgroup", "cgroup"}, {"time", "time"}};

bool supported(const Kind& kind) {
  if (!exists(std::string("/proc/self/ns/") + kind.file)) return false;
  return std::string(kind.type) != "time" || testing(Program::Skiff);
}

std::string namespace_of(pid_t pid, const char* file) {
  return read_link("/proc/" + std::to_string(pid) + "/ns/" + file);
}

TEST_CASE("a namespace that is listed is new, one that is not is the caller's", "[namespaces]") {
  for (const Kind& kind : kKinds) {
    INFO(kind.type);
    if (!supported(kind)) continue;
    const std::string ours = read_link(std::string("/proc/self/ns/") + kind.file);
    Bundle bundle;
    bundle.sh("sleep 100").ns(kind.type);
    {
      Container container(bundle);
      container.launch();
      CHECK(namespace_of(container.pid(), kind.file) != ours);
    }
    // A mount namespace of its own is what makes a rootfs possible at all.
    if (std::string(kind.type) == "mount") continue;
    bundle.ns(kind.type, "-");
    if (std::string(kind.type) == "uts") bundle.remove("/hostname");
    if (std::string(kind.type) == "network")  // sysfs shows a network namespace we own: it mounts
      bundle.remove("/mounts/5");
    Container container(bundle);
    container.launch();
    CHECK(namespace_of(container.pid(), kind.file) == ours);
  }
}

TEST_CASE("a new network is there on one processor as on several", "[namespaces]") {
  const std::string ours = read_link("/proc/self/ns/net");
  Bundle bundle;
  bundle.sh("readlink /proc/self/ns/net; cat /sys/class/net/lo/flags");
  const Words pinned = {"taskset", "--cpu-list", std::to_string(::sched_getcpu())};
  for (const Words& prefix : {Words(), pinned}) {
    Container container(bundle);
    Words words = container.words("run", {});
    words.insert(words.begin(), prefix.begin(), prefix.end());
    const Output output = run_command(words);
    INFO(output.err);
    CHECK(output.out.starts_with("net:["));
    CHECK_FALSE(output.out.starts_with(ours));
    CHECK(output.out.ends_with("\n0x9\n"));  // IFF_UP, IFF_LOOPBACK
  }
}

TEST_CASE("why the kernel makes no network comes back", "[namespaces]") {
  DIFFERS(Runc, "has other words");
  DIFFERS(Crun, "has other words");
  Bundle bundle;
  bundle.sh("true");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  // As root of a user namespace, which the limit is set for.
  Words words = {"unshare", "--user", "--map-root-user",
                 "sh",      "-c",     "echo 0 >/proc/sys/user/max_net_namespaces && exec \"$@\"",
                 "sh"};
  Words runtime = container.words("run", {});
  runtime.insert(runtime.begin() + 1, {"--cgroup-manager", "disabled"});
  words.insert(words.end(), runtime.begin(), runtime.end());
  const Output output = run_command(words);
  CHECK(output.status == 1);
  CHECK(output.err == "skiff: run " + container.id() +
                          ": linux.namespaces: network: unshare: No space left on device\n");
  CHECK(leftovers.found() == "");
}

TEST_CASE("a namespace is joined by path", "[namespaces]") {
  for (const Kind& kind : kKinds) {
    INFO(kind.type);
    if (!supported(kind)) continue;
    Bundle donor_bundle;
    donor_bundle.ns("cgroup").sh("sleep 100");
    if (supported({"time", "time"})) donor_bundle.ns("time");
    Container donor(donor_bundle);
    donor.launch();

    Bundle bundle;
    bundle.sh("sleep 100")
        .ns(kind.type, "/proc/" + std::to_string(donor.pid()) + "/ns/" + kind.file);
    if (std::string(kind.type) == "uts") bundle.remove("/hostname");
    Container container(bundle);
    if (std::string(kind.type) == "mount") {
      // The donor's mount namespace no longer holds our rootfs: it cannot be found there.
      if (testing(Program::Skiff)) CHECK(container.create().status == 1);
      continue;
    }
    const Output created = container.create();
    INFO(created.err);
    REQUIRE(created.ok());
    REQUIRE(container.start().ok());
    CHECK(namespace_of(container.pid(), kind.file) == namespace_of(donor.pid(), kind.file));
  }
}

TEST_CASE("a joined pid namespace: init is not its first process, and delete ends it alone",
          "[namespaces]") {
  Bundle donor_bundle;
  donor_bundle.sh("sleep 100");
  Container donor(donor_bundle);
  donor.launch();
  Bundle bundle;
  bundle.sh("echo $$ > /tmp/pid; sleep 100 & sleep 100");
  bundle.ns("pid", "/proc/" + std::to_string(donor.pid()) + "/ns/pid");
  Container container(bundle);
  container.launch();
  REQUIRE(wait_until([&] { return read_file(bundle.rootfs() + "/tmp/pid") != ""; }));
  CHECK(trim(read_file(bundle.rootfs() + "/tmp/pid")) != "1");
  CHECK(container.remove({"--force"}).ok());
  CHECK(donor.status() == "running");
}

TEST_CASE("a namespace path that is missing or of another type is refused", "[namespaces]") {
  const std::pair<const char*, std::string> cases[] = {{"network", "/nonexistent/ns"},
                                                       {"network", "/proc/self/ns/ipc"},
                                                       {"ipc", "/etc/passwd"},
                                                       {"uts", "/proc/self/ns/net"},
                                                       {"pid", "/proc/self/ns/uts"}};
  for (const auto& [type, path] : cases) {
    INFO(type << " by " << path);
    Bundle bundle;
    bundle.ns(type, path);
    if (std::string(type) == "uts") bundle.remove("/hostname");
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    if (testing(Program::Skiff)) {
      CHECK_THAT(output.err, Catch::Contains(path));
      CHECK_THAT(output.err, Catch::Contains("linux.namespaces"));
    }
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("the loopback device of a new network namespace is up", "[namespaces]") {
  Bundle bundle;
  CHECK_THAT(output_of(bundle, "ifconfig lo"),
             Catch::Contains("127.0.0.1") && Catch::Contains("UP"));
}

TEST_CASE("a time namespace is seen inside", "[namespaces]") {
  SKIFF_ONLY("among the tested rivals knows it");
  NEEDS(exists("/proc/self/ns/time"), "the kernel has no time namespaces");
  Bundle bundle;
  bundle.ns("time");
  const std::string inside = output_of(bundle, "readlink /proc/self/ns/time");
  CHECK(trim(inside) != read_link("/proc/self/ns/time"));
}

TEST_CASE("a user namespace maps ids, and files belong to the mapped ones", "[userns]") {
  Bundle bundle;
  bundle.user_namespace(300000, 5000);
  const std::string out =
      output_of(bundle,
                "cat /proc/self/uid_map /proc/self/gid_map; id -u; touch /tmp/file; "
                "chown 7:8 /tmp/file; stat -c %u:%g /tmp/file; readlink /proc/self/ns/user");
  const Words found = lines(out);
  REQUIRE(found.size() == 5);
  CHECK_THAT(found[0], Catch::Matches(" *0 +300000 +5000"));
  CHECK_THAT(found[1], Catch::Matches(" *0 +300000 +5000"));
  CHECK(found[2] == "0");
  CHECK(found[3] == "7:8");
  CHECK(found[4] != read_link("/proc/self/ns/user"));
  struct stat status {};
  REQUIRE(::stat((bundle.rootfs() + "/tmp/file").c_str(), &status) == 0);
  CHECK(status.st_uid == 300007);
  CHECK(status.st_gid == 300008);
}

TEST_CASE("several ranges may be mapped", "[userns]") {
  Bundle bundle;
  bundle.user_namespace(300000, 1000);
  bundle.set("/linux/uidMappings", R"([{"containerID": 0, "hostID": 300000, "size": 1000},
                                       {"containerID": 5000, "hostID": 400000, "size": 10}])");
  bundle.set("/process/user", R"({"uid": 5003, "gid": 3, "additionalGids": [9]})");
  CHECK(output_of(bundle, "cat /proc/self/uid_map | wc -l; id -u; id -G") == "2\n5003\n3 9\n");
}

TEST_CASE("in a user namespace the default devices are the host's, bound", "[userns]") {
  Bundle bundle;
  bundle.user_namespace();
  CHECK(output_of(bundle,
                  "for d in null zero full random urandom tty; do stat -c %t:%T /dev/$d; done; "
                  "echo x > /dev/null && echo works") == "1:3\n1:5\n1:7\n1:8\n1:9\n5:0\nworks\n");
}

TEST_CASE("in a user namespace masked, read-only and all the usual mounts work too", "[userns]") {
  Bundle bundle;
  bundle.user_namespace();
  bundle.set("/linux/maskedPaths", R"(["/proc/version", "/sys/firmware", "/proc/scsi"])");
  bundle.set("/linux/readonlyPaths", R"(["/proc/sys", "/proc/bus"])");
  bundle.set("/root/readonly", "true");
  bundle.set("/linux/sysctl", R"({"net.ipv4.ip_forward": "1"})");
  bundle.sh(
      "head -c 1 /proc/version | wc -c; echo x > /proc/sys/kernel/domainname; touch /x; "
      "hostname; cat /proc/sys/net/ipv4/ip_forward");
  const Output output = Container(bundle).run();
  CHECK(output.out == "0\ninside\n1\n");
  CHECK(count(output.err, "Read-only file system") == 2);
}

TEST_CASE("root of a user namespace is nobody on the host", "[userns]") {
  Bundle bundle;
  bundle.user_namespace();
  write_file(bundle.file("secret/file"), "secret", 0600);
  bundle.mount("/secret", "bind", bundle.file("secret"), "bind");
  bundle.sh("cat /secret/file");
  const Output output = Container(bundle).run();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("Permission denied"));
}

TEST_CASE("a bind source that only real root can reach is bound in a user namespace", "[userns]") {
  DIFFERS(Runc, "1.1.5 cannot");
  Bundle bundle;
  bundle.user_namespace();
  write_file(bundle.file("closed/open/file"), "reached\n");
  ::chmod(bundle.file("closed").c_str(), 0700);
  bundle.mount("/data", "bind", bundle.file("closed/open"), "bind");
  CHECK(output_of(bundle, "cat /data/file") == "reached\n");
}

TEST_CASE("a user namespace is joined by path, with its mappings", "[userns]") {
  Bundle donor_bundle;
  donor_bundle.user_namespace(250000, 7000).sh("sleep 100");
  Container donor(donor_bundle);
  donor.launch();
  Bundle bundle;
  bundle.user_namespace(250000, 7000);
  bundle.ns("user", "/proc/" + std::to_string(donor.pid()) + "/ns/user");
  // engines pass the mappings along with the path; the specification says they are ignored.
  bundle.sh("cat /proc/self/uid_map; readlink /proc/self/ns/user");
  const Output output = Container(bundle).run();
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK_THAT(output.out,
             Catch::Contains("250000") && Catch::Contains(namespace_of(donor.pid(), "user")));
}

TEST_CASE("a user whom no mapping covers is refused by create", "[userns]") {
  DIFFERS(Crun, "finds out late");
  Bundle bundle;
  bundle.user_namespace(300000, 1000).set("/process/user", R"({"uid": 5000, "gid": 0})");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  if (testing(Program::Skiff))
    CHECK_THAT(output.err, Catch::Contains("process.user.uid") && Catch::Contains("5000"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a user namespace without mappings, and mappings without a namespace, are refused",
          "[userns]") {
  DIFFERS(Crun, "makes mappings up");
  Bundle bundle;
  const Leftovers leftovers(bundle);
  bundle.ns("user");
  const Output unmapped = Container(bundle).create();
  CHECK(unmapped.status == 1);
  CHECK_THAT(unmapped.err, Catch::Contains("apping"));

  bundle.user_namespace().ns("user", "-");
  const Output unused = Container(bundle).create();
  if (testing(Program::Skiff)) {
    CHECK(unused.status == 1);
    CHECK_THAT(unused.err, Catch::Contains("apping"));
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("a terminal, hooks and exec work with a user namespace", "[userns]") {
  Bundle bundle;
  bundle.user_namespace(350000).sh("sleep 100");
  write_file(bundle.file("hook"), "#!/bin/sh\ncat > " + bundle.file("seen") + "\n", 0755);
  bundle.set("/hooks/createRuntime", "[{\"path\": " + quote(bundle.file("hook")) + "}]");
  Container container(bundle);
  container.launch();
  CHECK(string_at(parse_json(read_file(bundle.file("seen"))), "/id") == container.id());
  CHECK(container.sh("id -u; stat -L -c %u /proc/self").out == "0\n0\n");
  const std::string status = read_file("/proc/" + std::to_string(container.pid()) + "/status");
  CHECK_THAT(field(status, "Uid"), Catch::StartsWith("350000"));
}

}  // namespace
}  // namespace tests
