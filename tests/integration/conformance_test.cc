// What the specification demands of a runtime and no other test shows: see docs/conformance.md.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

void install_hook(Bundle& bundle, const char* kind, const std::string& script) {
  const std::string name = std::string("hook-") + kind;
  write_file(bundle.file(name), "#!/bin/sh\n" + script + "\n", 0755);
  bundle.set((std::string("/hooks/") + kind).c_str(),
             "[{\"path\": " + quote(bundle.file(name)) + R"(, "env": ["PATH=/usr/bin:/bin"]}])");
}

TEST_CASE("every operation on a container demands its id", "[conformance]") {
  for (const char* command : {"state", "create", "start", "kill", "delete"}) {
    INFO(command);
    const Output output = runtime({command});
    CHECK(output.status != 0);
    if (!testing(Program::Runc)) CHECK(output.out == "");
  }
}

TEST_CASE("a configuration that changes after create changes nothing", "[conformance]") {
  Bundle bundle;
  bundle.sh("echo first > /tmp/ran");
  install_hook(bundle, "poststart", "echo poststart >> " + bundle.file("hooks"));
  install_hook(bundle, "poststop", "echo poststop >> " + bundle.file("hooks"));
  Container container(bundle);
  REQUIRE(container.create().ok());
  write_file(bundle.file("config.json"), "{}");
  REQUIRE(container.start().ok());
  REQUIRE(container.becomes("stopped"));
  CHECK(read_file(bundle.rootfs() + "/tmp/ran") == "first\n");
  CHECK(container.remove().ok());
  CHECK(read_file(bundle.file("hooks")) == "poststart\npoststop\n");
}

TEST_CASE("a relative destination is below the root", "[conformance][mounts]") {
  Bundle bundle;
  bundle.mount("some/where", "tmpfs", "tmpfs", "size=64k");
  bundle.set("/process/cwd", "\"/tmp\"");
  const auto mounts = parse_mountinfo(output_of(bundle, "cat /proc/self/mountinfo"));
  CHECK(find_mount(mounts, "/some/where").type == "tmpfs");
}

TEST_CASE("a capability that cannot be granted is a warning", "[conformance][process]") {
  DIFFERS(Crun, "says nothing");
  DIFFERS(Runc, "1.1.5 says nothing");
  constexpr unsigned kSysResource = 24;
  NEEDS(!has_capability(kSysResource), "every capability can be granted here");
  Bundle bundle;
  const char* set = R"(["CAP_KILL", "CAP_SYS_RESOURCE"])";
  for (const char* name : {"bounding", "permitted", "effective"})
    bundle.set((std::string("/process/capabilities/") + name).c_str(), set);
  const Output output = Container(bundle.args({"/bin/cat", "/proc/self/status"})).run();
  CHECK(output.ok());
  CHECK_THAT(output.err, Catch::Contains("CAP_SYS_RESOURCE") && Catch::Contains("ignoring"));
  CHECK(field(output.out, "CapEff") == "0000000000000020");
}

/// A poststop hook that notes which of the container's processes and cgroups are left.
void note_what_is_left(Bundle& bundle, const Container& container) {
  install_hook(bundle, "poststop",
               "grep -s '^State:.[RSDT]' /proc/$(cat " + bundle.file("pid") + ")/status > " +
                   bundle.file("left") + "\nfind /sys/fs/cgroup -name '" + container.id() +
                   "' >> " + bundle.file("left") + "\ntouch " + bundle.file("ran"));
}

TEST_CASE("poststop hooks come when the container's processes and cgroups are gone",
          "[conformance][hooks]") {
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  note_what_is_left(bundle, container);
  container.launch();
  write_file(bundle.file("pid"), std::to_string(container.pid()));
  REQUIRE(container.remove({"--force"}).ok());
  CHECK(exists(bundle.file("ran")));
  CHECK(read_file(bundle.file("left")) == "");
}

TEST_CASE("poststop hooks follow a failing hook, when the container is gone",
          "[conformance][hooks]") {
  SKIFF_ONLY("keeps the order of the lifecycle");
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "startContainer"}) {
    INFO(kind);
    Bundle bundle;
    Container container(bundle);
    note_what_is_left(bundle, container);
    const bool is_first = kind == std::string("prestart");
    install_hook(bundle, "prestart",
                 "sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/' > " + bundle.file("pid") +
                     (is_first ? "; exit 3" : ""));
    if (kind == std::string("startContainer")) {
      write_file(bundle.rootfs() + "/hook", "#!/bin/sh\nexit 3\n", 0755);
      bundle.set("/hooks/startContainer", R"([{"path": "/hook"}])");
    } else if (!is_first) {
      install_hook(bundle, kind, "exit 3");
    }
    const Leftovers leftovers(bundle);
    const Output output = container.run();
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains(kind) && Catch::Contains("exit status 3"));
    CHECK(exists(bundle.file("ran")));
    CHECK(std::atoi(read_file(bundle.file("pid")).c_str()) > 1);
    CHECK(read_file(bundle.file("left")) == "");
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("what was there before create is there after delete", "[conformance]") {
  NEEDS_CGROUPFS;
  Bundle bundle;
  write_file(bundle.file("data/file"), "kept\n");
  write_file(bundle.rootfs() + "/place/below", "kept, too\n");
  bundle.mount("/place", "bind", bundle.file("data"), "bind");
  Bundle donor_bundle;
  Container donor(donor_bundle.sh("sleep 100"));
  donor.launch();
  bundle.ns("network", "/proc/" + std::to_string(donor.pid()) + "/ns/net");
  const std::string cgroup = "/" + environment().prefix + "before";
  if (testing(Program::Skiff)) bundle.set("/linux/cgroupsPath", quote(cgroup));
  for (const std::string& root : cgroup_roots()) ::mkdir((root + cgroup).c_str(), 0755);
  Container container(bundle.sh("sleep 100"));
  container.launch();
  REQUIRE(container.remove({"--force"}).ok());
  CHECK(read_file(bundle.file("data/file")) == "kept\n");
  CHECK(read_file(bundle.rootfs() + "/place/below") == "kept, too\n");
  CHECK(exists(bundle.file("config.json")));
  CHECK(donor.status() == "running");
  CHECK(donor.sh("ifconfig lo").ok());
  for (const std::string& root : cgroup_roots()) {
    INFO(root);
    CHECK(::rmdir((root + cgroup).c_str()) == 0);
  }
}

/// Where resctrl is mounted, "" if it is not.
std::string resctrl() {
  for (const MountLine& mount : parse_mountinfo(read_file("/proc/self/mountinfo")))
    if (mount.type == "resctrl") return mount.target;
  return "";
}

TEST_CASE("without intelRdt no group is made or entered", "[conformance][intelrdt]") {
  NEEDS(resctrl() != "", "resctrl is not mounted");
  const auto before = list_directory(resctrl());
  Bundle bundle;
  Container container(bundle.sh("sleep 100"));
  container.launch();
  CHECK(list_directory(resctrl()) == before);
  CHECK_THAT(lines(read_file(resctrl() + "/tasks")),
             Catch::VectorContains(std::to_string(container.pid())));
}

TEST_CASE("a resctrl group with closID outlives its container", "[conformance][intelrdt]") {
  SKIFF_ONLY("follows version 1.3");
  NEEDS(resctrl() != "", "resctrl is not mounted");
  const std::string group = environment().prefix + "class";
  const std::string directory = resctrl() + "/" + group;
  const std::string all = read_file(resctrl() + "/schemata");
  Bundle bundle;
  bundle.set("/linux/intelRdt", "{\"closID\": " + quote(group) + ", \"schemata\": [" +
                                    quote(trim(lines(all).front())) + "]}");
  {
    Container container(bundle.sh("sleep 100"));
    container.launch();
    REQUIRE(container.remove({"--force"}).ok());
    CHECK(exists(directory));
    ::rmdir(directory.c_str());
  }
  CHECK(Container(bundle.args({"/nonexistent"})).create().status == 1);
  CHECK_FALSE(exists(directory));
}

TEST_CASE("without the kernel's list three files are delegated", "[conformance][cgroup]") {
  SKIFF_ONLY("follows the specification here");
  NEEDS(environment().layout == CgroupLayout::V2, "only cgroup v2 is delegated");
  NEEDS(exists("/sys/kernel/cgroup"), "the kernel has no such list anyway");
  const std::string empty = environment().scratch + "/empty";
  make_directories(empty);
  REQUIRE(::mount(empty.c_str(), "/sys/kernel/cgroup", nullptr, MS_BIND, nullptr) == 0);
  Bundle bundle;
  bundle.sh("sleep 100").ns("cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid");
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000})");
  Container container(bundle);
  const Output created = container.create();
  ::umount2("/sys/kernel/cgroup", MNT_DETACH);
  REQUIRE(created.ok());
  const std::string directory = container.v2_cgroup();
  for (const char* file : {"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}) {
    INFO(file);
    struct stat status {};
    REQUIRE(::stat((directory + "/" + file).c_str(), &status) == 0);
    CHECK(status.st_uid == 1000);
  }
}

}  // namespace
}  // namespace tests
