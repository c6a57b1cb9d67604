// What limits do: provoked from inside, read in the kernel's files from outside. Where a
// controller or a file is missing here, the test says so and runs elsewhere.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

#define NEEDS_CONTROLLER(name) NEEDS(has_controller(name), "no " name " controller in this layout")

std::string file_of(Container& container, const std::string& controller, const std::string& v1_file,
                    const std::string& v2_file) {
  return container.cgroup(controller) + "/" + (is_v2(controller) ? v2_file : v1_file);
}

std::string value_of(Container& container, const std::string& controller,
                     const std::string& v1_file, const std::string& v2_file) {
  return trim(read_file(file_of(container, controller, v1_file, v2_file)));
}

/// The number behind `name` in a flat-keyed file.
long number_in(const std::string& text, const std::string& name) {
  for (const std::string& line : lines(text))
    if (line.starts_with(name + " ")) return std::stol(line.substr(name.size() + 1));
  return -1;
}

/// A cgroup of the test's own in every hierarchy; killed and removed at the end.
class OwnCgroup {
 public:
  explicit OwnCgroup(const std::string& name) : name_(environment().prefix + name) {
    for (const std::string& root : cgroup_roots()) ::mkdir((root + "/" + name_).c_str(), 0755);
  }
  ~OwnCgroup() { remove_cgroups(name_); }
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;

  std::string path() const { return "/" + name_; }
  std::string in(const std::string& controller) const {
    return cgroup_directory(controller, path()).value_or("");
  }

 private:
  std::string name_;
};

/// The directory of `own` in the v2 hierarchy, "" without one.
std::string v2_directory(const OwnCgroup& own) {
  for (const std::string& root : cgroup_roots())
    if (exists(root + own.path() + "/cgroup.events")) return root + own.path();
  return "";
}

/// "8:0" of the disk that holds `path`; "" where it is on none.
std::string disk_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || major(status.st_dev) == 0) return "";
  const std::string device =
      std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev));
  // Throttles belong to whole disks.
  if (!exists("/sys/dev/block/" + device + "/partition")) return device;
  return trim(read_file("/sys/dev/block/" + device + "/../dev"));
}

std::string throttle(const std::string& device, unsigned long rate) {
  const Words numbers = split(device, ':');
  return R"([{"major": )" + numbers[0] + R"(, "minor": )" + numbers[1] + R"(, "rate": )" +
         std::to_string(rate) + "}]";
}

TEST_CASE("a quota throttles what would take more", "[cgroup][resources]") {
  NEEDS_CONTROLLER("cpu");
  Bundle bundle;
  bundle.set("/linux/resources/cpu", R"({"quota": 10000, "period": 100000})");
  bundle.sh("while :; do :; done");
  Container container(bundle);
  container.launch();
  const std::string stat = container.cgroup("cpu") + "/cpu.stat";
  CHECK(wait_until([&] { return number_in(read_file(stat), "nr_throttled") > 1; }));
}

TEST_CASE("the kernel counts its kill at the memory limit", "[cgroup][resources]") {
  NEEDS_CONTROLLER("memory");
  Bundle bundle;
  bundle.set("/linux/resources/memory", R"({"limit": 20971520, "swap": 20971520})");
  bundle.sh("(x=x; while :; do x=$x$x; done); sleep 100");
  Container container(bundle);
  container.launch();
  const std::string file = file_of(container, "memory", "memory.oom_control", "memory.events");
  CHECK(wait_until([&] { return number_in(read_file(file), "oom_kill") > 0; }));
}

TEST_CASE("burst and idle reach the scheduler", "[cgroup][resources]") {
  SKIFF_ONLY("has both here");
  NEEDS_CONTROLLER("cpu");
  Bundle bundle;
  bundle.sh("sleep 100");
  bundle.set("/linux/resources/cpu",
             R"({"quota": 50000, "burst": 20000, "idle": 1, "shares": 99})");
  Container container(bundle);
  const Output output = container.create();
  NEEDS(!contains(output.err, "this kernel does not have the file"), "an old kernel");
  REQUIRE(output.ok());
  CHECK(value_of(container, "cpu", "cpu.cfs_burst_us", "cpu.max.burst") == "20000");
  CHECK(value_of(container, "cpu", "cpu.idle", "cpu.idle") == "1");
}

TEST_CASE("real-time is made room for in the cgroups above", "[cgroup][resources]") {
  SKIFF_ONLY("prepares the cgroups above");
  NEEDS_CONTROLLER("cpu");
  NEEDS(!is_v2("cpu"), "cgroup v2 has no real-time limits");
  NEEDS(exists(cgroup_directory("cpu", "/").value_or("") + "/cpu.rt_runtime_us"),
        "a kernel without RT_GROUP_SCHED");
  Bundle bundle;
  bundle.sh("sleep 100");
  const OwnCgroup top("rt");
  bundle.set("/linux/cgroupsPath", quote(top.path() + "/deep/inner"));
  bundle.set("/linux/resources/cpu", R"({"realtimePeriod": 500000, "realtimeRuntime": 5000})");
  {
    Container container(bundle);
    REQUIRE(container.create().ok());
    CHECK(value_of(container, "cpu", "cpu.rt_runtime_us", "") == "5000");
    CHECK(value_of(container, "cpu", "cpu.rt_period_us", "") == "500000");
    CHECK(trim(read_file(top.in("cpu") + "/deep/cpu.rt_runtime_us")) == "10000");
    CHECK(trim(read_file(top.in("cpu") + "/cpu.rt_runtime_us")) == "10000");
  }
  bundle.set("/linux/resources/cpu/realtimeRuntime", "499999");
  const Leftovers leftovers(bundle);
  const std::string before = read_file(top.in("cpu") + "/cpu.rt_runtime_us");
  const Output refused = Container(bundle).create();
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("linux.resources.cpu.realtimeRuntime"));
  CHECK(read_file(top.in("cpu") + "/cpu.rt_runtime_us") == before);
  CHECK(leftovers.found() == "");
}

TEST_CASE("block weights reach the kernel", "[cgroup][resources]") {
  const std::string controller = has_controller("blkio") ? "blkio" : "io";
  NEEDS(has_controller(controller), "no controller for block devices in this layout");
  Bundle bundle;
  bundle.sh("sleep 100").set("/linux/resources/blockIO", R"({"weight": 500})");
  Container container(bundle);
  const Output output = container.create();
  NEEDS(!contains(output.err, "this kernel does not have the file"), "no scheduler with weights");
  REQUIRE(output.ok());
  const std::string directory = container.cgroup(controller);
  std::string found;
  for (const char* file : {"blkio.bfq.weight", "blkio.weight", "io.bfq.weight", "io.weight"})
    if (exists(directory + "/" + file)) found += trim(read_file(directory + "/" + file)) + ";";
  INFO(found);
  CHECK((contains(found, "500;") || contains(found, "4950;")));
}

TEST_CASE("a throttle slows a writer down", "[cgroup][resources]") {
  const std::string controller = has_controller("blkio") ? "blkio" : "io";
  NEEDS(has_controller(controller), "no controller for block devices in this layout");
  Bundle bundle;
  const std::string disk = disk_of(bundle.rootfs());
  NEEDS(!disk.empty(), "the bundle is not on a disk");
  bundle.set("/linux/resources/blockIO", "{}");
  bundle.set("/linux/resources/blockIO/throttleWriteBpsDevice", throttle(disk, 1 << 20));
  bundle.sh("dd if=/dev/zero of=/slow bs=256k count=12 oflag=direct 2>&1");
  const auto begin = std::chrono::steady_clock::now();
  const Output output = Container(bundle).run();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  INFO(output.out << output.err);
  REQUIRE(output.ok());
  NEEDS(!contains(output.out, "invalid"), "this dd cannot write past the page cache");
  CHECK(taken.count() > 1.5);  // 3 MiB at 1 MiB/s
}

/// A disk that can be read from its first byte on: "vda" for 254:0; "" if there is none.
std::string any_disk() {
  for (const std::string& name : list_directory("/sys/block"))
    if (exists("/sys/block/" + name + "/device") && exists("/dev/" + name)) return name;
  return "";
}

TEST_CASE("a throttle slows a reader down", "[cgroup][resources]") {
  const std::string controller = has_controller("blkio") ? "blkio" : "io";
  NEEDS(has_controller(controller), "no controller for block devices in this layout");
  const std::string name = any_disk();
  NEEDS(!name.empty(), "no disk to read");
  const std::string disk = trim(read_file("/sys/block/" + name + "/dev"));
  const Words numbers = split(disk, ':');
  Bundle bundle;
  bundle.set("/linux/resources/devices", R"([{"allow": false, "access": "rwm"}, {"allow": true,
      "type": "b", "major": )" + numbers[0] + R"(, "minor": )" +
                                             numbers[1] + R"(, "access": "r"}])");
  bundle.set("/linux/resources/blockIO", "{}");
  bundle.set("/linux/resources/blockIO/throttleReadBpsDevice", throttle(disk, 1 << 20));
  bundle.sh("mknod /tmp/disk b " + numbers[0] + " " + numbers[1] +
            "; dd if=/tmp/disk of=/dev/null bs=256k count=12 iflag=direct 2>&1");
  const auto begin = std::chrono::steady_clock::now();
  const Output output = Container(bundle).run();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  INFO(output.out << output.err);
  NEEDS(!contains(output.out, "Operation not permitted") && !contains(output.out, "invalid"),
        "the disk cannot be read directly");
  REQUIRE(output.ok());
  CHECK(taken.count() > 1.5);  // 3 MiB at 1 MiB/s
}

TEST_CASE("a throttle of a device that is not there names its field", "[cgroup][resources]") {
  SKIFF_ONLY("names the field");
  NEEDS(has_controller("io") || has_controller("blkio"), "no controller for block devices");
  Bundle bundle;
  bundle.set("/linux/resources/blockIO", "{}");
  bundle.set("/linux/resources/blockIO/throttleReadBpsDevice", throttle("4000:9", 1));
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err,
             Catch::Contains("linux.resources.blockIO.throttleReadBpsDevice[0]: write 4000:9"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("huge pages are limited, in use and in reservation", "[cgroup][resources]") {
  DIFFERS(Crun, "1.8 takes no hugetlb of a v2 tree beside v1");
  DIFFERS(Runc, "1.1.5 uses no v2 tree beside v1");
  NEEDS_CONTROLLER("hugetlb");
  Bundle bundle;
  bundle.sh("sleep 100");
  bundle.set("/linux/resources/hugepageLimits", R"([{"pageSize": "2MB", "limit": 4194304}])");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(value_of(container, "hugetlb", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max") ==
        "4194304");
  const std::string reserved =
      file_of(container, "hugetlb", "hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.max");
  if (exists(reserved)) CHECK(trim(read_file(reserved)) == "4194304");
}

TEST_CASE("a page size that the machine has not is refused", "[cgroup][resources]") {
  SKIFF_ONLY("names the field");
  NEEDS_CONTROLLER("hugetlb");
  Bundle bundle;
  bundle.set("/linux/resources/hugepageLimits", R"([{"pageSize": "3MB", "limit": 4194304}])");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("linux.resources.hugepageLimits[0]: ") &&
                             Catch::Contains("this kernel does not have the file"));
  CHECK(leftovers.found() == "");
}

/// A v1 hierarchy that only the tests' mount namespace sees.
class PrivateHierarchy {
 public:
  explicit PrivateHierarchy(const std::string& controllers)
      : directory_(environment().scratch + "/hierarchy") {
    make_directories(directory_);
    mounted_ = ::mount("none", directory_.c_str(), "cgroup", 0, controllers.c_str()) == 0;
  }
  ~PrivateHierarchy() {
    if (mounted_) ::umount2(directory_.c_str(), MNT_DETACH);
  }
  PrivateHierarchy(const PrivateHierarchy&) = delete;
  PrivateHierarchy& operator=(const PrivateHierarchy&) = delete;

  bool mounted() const { return mounted_; }
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  bool mounted_ = false;
};

TEST_CASE("network classes and priorities on v1", "[cgroup][resources]") {
  SKIFF_ONLY("finds hierarchies wherever they are mounted");
  NEEDS_CGROUPFS;
  NEEDS(environment().layout != CgroupLayout::V2, "v1 controllers are not looked for on a v2 host");
  const PrivateHierarchy hierarchy("net_cls,net_prio");
  NEEDS(hierarchy.mounted(), "net_cls and net_prio cannot be mounted");
  Bundle bundle;
  bundle.sh("sleep 100")
      .set("/linux/resources/network",
           R"({"classID": 1048577, "priorities": [{"name": "lo", "priority": 5}]})");
  Container container(bundle);
  const Output created = container.create();
  INFO(created.err);
  REQUIRE(created.ok());
  const std::string cgroup = hierarchy.directory() + "/" + container.id();
  CHECK(trim(read_file(cgroup + "/net_cls.classid")) == "1048577");
  CHECK_THAT(read_file(cgroup + "/net_prio.ifpriomap"), Catch::Contains("lo 5"));
  CHECK(container.remove({"--force"}).ok());
  CHECK_FALSE(exists(cgroup));
}

TEST_CASE("what needs a controller that is not there is an error of its field",
          "[cgroup][resources]") {
  SKIFF_ONLY("names the field");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  const std::pair<const char*, std::pair<const char*, const char*>> table[] = {
      {"memory", {R"({"memory": {"limit": 33554432}})", "linux.resources.memory.limit: "}},
      {"net_cls", {R"({"network": {"classID": 5}})", "linux.resources.network.classID: "}},
      {"net_prio",
       {R"({"network": {"priorities": [{"name": "lo", "priority": 1}]}})",
        "linux.resources.network.priorities"}},
      {"rdma", {R"({"rdma": {"mlx5_0": {"hcaHandles": 3}}})", "linux.resources.rdma.mlx5_0: "}},
      {"misc", {R"({"unified": {"misc.max": "sev 1"}})", "linux.resources.unified.misc.max: "}},
      {"nothing",
       {R"({"unified": {"nothing.max": "1"}})", "linux.resources.unified.nothing.max: "}},
  };
  for (const auto& [controller, row] : table) {
    if (has_controller(controller)) continue;
    Bundle bundle;
    bundle.set("/linux/resources", row.first);
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    INFO(output.err);
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains(row.second));
    CHECK(leftovers.found() == "");
    CHECK_THAT(runtime({"validate", bundle.directory()}).out,
               Catch::Contains(std::string("error: ") + row.second));
  }
}

TEST_CASE("unified files are written last", "[cgroup][resources]") {
  DIFFERS(Crun, "1.8 takes no unified beside v1");
  DIFFERS(Runc, "1.1.5 takes no unified beside v1");
  NEEDS(has_controller("hugetlb") && is_v2("hugetlb"), "no v2 hugetlb controller");
  Bundle bundle;
  bundle.sh("sleep 100");
  bundle.set("/linux/resources/hugepageLimits", R"([{"pageSize": "2MB", "limit": 4194304}])");
  bundle.set("/linux/resources/unified", R"({"hugetlb.2MB.max": "2097152"})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(trim(read_file(container.cgroup("hugetlb") + "/hugetlb.2MB.max")) == "2097152");
}

TEST_CASE("a unified file that the kernel does not have is refused", "[cgroup][resources]") {
  SKIFF_ONLY("names the field");
  NEEDS(has_controller("hugetlb") && is_v2("hugetlb"), "no v2 hugetlb controller");
  Bundle bundle;
  bundle.set("/linux/resources/unified", R"({"hugetlb.2MB.most": "1"})");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("linux.resources.unified.hugetlb.2MB.most: "));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a failed create gives a reused cgroup its limits back", "[cgroup][resources]") {
  NEEDS_CGROUPFS;
  SKIFF_ONLY("takes limits back");
  NEEDS_CONTROLLER("pids");
  const OwnCgroup own("reused");
  write_file(own.in("pids") + "/pids.max", "77");
  Bundle bundle;
  bundle.set("/linux/cgroupsPath", quote(own.path()));
  bundle.set("/linux/resources/pids", R"({"limit": 50})").args({"/nonexistent"});
  CHECK(Container(bundle).create().status == 1);
  CHECK(trim(read_file(own.in("pids") + "/pids.max")) == "77");
}

TEST_CASE("a failed create leaves no cgroup above its own, either", "[cgroup][resources]") {
  NEEDS_CGROUPFS;
  SKIFF_ONLY("removes them");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.set("/linux/cgroupsPath", quote("/" + environment().prefix + "a/b/c"));
  bundle.args({"/nonexistent"});
  CHECK(Container(bundle).create().status == 1);
  CHECK(find_cgroups(environment().prefix + "a").empty());
}

TEST_CASE("no container is born below a frozen cgroup", "[cgroup][resources]") {
  NEEDS_CGROUPFS;
  SKIFF_ONLY("looks above");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  const OwnCgroup own("cold");
  const bool v1 = has_controller("freezer");
  const std::string file =
      v1 ? own.in("freezer") + "/freezer.state" : v2_directory(own) + "/cgroup.freeze";
  NEEDS(exists(file), "no freezer");
  write_file(file, v1 ? "FROZEN" : "1");
  Bundle bundle;
  bundle.set("/linux/cgroupsPath", quote(own.path() + "/inner"));
  const Output output = Container(bundle).create();
  write_file(file, v1 ? "THAWED" : "0");
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("frozen"));
  CHECK(find_cgroups("inner").empty());
}

TEST_CASE("a cpuset counts, not the processors of the caller", "[cgroup][resources]") {
  SKIFF_ONLY("resets the affinity");
  NEEDS_CONTROLLER("cpuset");
  NEEDS(::sysconf(_SC_NPROCESSORS_ONLN) > 1, "one processor");
  NEEDS(exists("/usr/bin/taskset"), "no taskset");
  Bundle bundle;
  bundle.sh("nproc; sleep 100").set("/linux/resources/cpu", R"({"cpus": "0-1"})");
  Container container(bundle);
  const auto pinned = [](Words words) {
    words.insert(words.begin(), {"/usr/bin/taskset", "-c", "0"});
    return words;
  };
  REQUIRE(run_command(pinned(container.words("create", {}))).ok());
  REQUIRE(container.start().ok());
  const Output inside = run_command(pinned(container.words("exec", {}, {"/bin/nproc"})));
  CHECK(inside.out == "2\n");
  CHECK(field(read_file("/proc/" + std::to_string(container.pid()) + "/status"),
              "Cpus_allowed_list") == "0-1");
}

TEST_CASE("a device rule that comes last denies even a default device", "[cgroup][devices]") {
  SKIFF_ONLY("lets it");
  NEEDS(has_controller("devices") || environment().layout == CgroupLayout::V2,
        "no device control here");
  Bundle bundle;
  bundle.set("/linux/resources/devices", R"([{"allow": false, "access": "rwm"},
      {"allow": false, "type": "c", "major": 1, "minor": 5, "access": "rwm"}])");
  bundle.sh("head -c 1 /dev/zero; : < /dev/null && : < /dev/full && echo others");
  const Output output = Container(bundle).run();
  CHECK_THAT(output.err, Catch::Contains("Operation not permitted"));
  INFO(output.err);
  CHECK(output.out == "others\n");
}

TEST_CASE("a memory limit that is too low is told by name", "[cgroup][resources]") {
  SKIFF_ONLY("tells");
  NEEDS_CONTROLLER("memory");
  // Each lets init get a little further.
  for (const int limit : {4096, 16384, 32768, 65536}) {
    Bundle bundle;
    bundle.set("/linux/resources/memory", R"({"limit": )" + std::to_string(limit) + "}");
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).run();
    INFO(limit << ": " << output.err);
    // 137: init was small enough, but not the program.
    CHECK((output.status == 1 || output.status == 137));
    CHECK_THAT(output.err, Catch::Contains("linux.resources.memory.limit: "));
    if (output.status == 1) CHECK_THAT(output.err, Catch::Contains("memory limit too low"));
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("a container starts in a cgroup that was killed before", "[cgroup][resources]") {
  NEEDS_CGROUPFS;
  const OwnCgroup own("killed");
  const std::string directory = v2_directory(own);
  NEEDS(exists(directory + "/cgroup.kill"), "no cgroup.kill");
  write_file(directory + "/cgroup.kill", "1");
  Bundle bundle;
  bundle.set("/linux/cgroupsPath", quote(own.path()));
  CHECK(output_of(bundle, "echo alive") == "alive\n");
}

TEST_CASE("a runtime whose own cgroup was killed before starts containers", "[cgroup][resources]") {
  const OwnCgroup own("mine");
  const std::string directory = v2_directory(own);
  NEEDS(exists(directory + "/cgroup.kill"), "no cgroup.kill");
  write_file(directory + "/cgroup.kill", "1");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  const auto from_there = [&](const Words& words) {
    Words all = {"/bin/sh", "-c", "echo $$ > " + directory + "/cgroup.procs; exec \"$@\"", "sh"};
    all.insert(all.end(), words.begin(), words.end());
    return run_command(all);
  };
  const Output created = from_there(container.words("create", {}));
  INFO(created.err);
  REQUIRE(created.ok());
  REQUIRE(container.start().ok());
  CHECK(from_there(container.words("exec", {}, {"/bin/echo", "alive"})).out == "alive\n");
  const std::string cgroups = read_file("/proc/" + std::to_string(container.pid()) + "/cgroup");
  CHECK_THAT(cgroups, Catch::Contains("/" + container.id()));
}

TEST_CASE("a writable cgroup belongs to the container's user", "[cgroup][resources]") {
  SKIFF_ONLY("follows the specification here");
  NEEDS(environment().layout == CgroupLayout::V2, "only cgroup v2 is delegated");
  Bundle bundle;
  bundle.sh("sleep 100").ns("cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid");
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  const std::string directory = container.v2_cgroup();
  struct stat status {};
  REQUIRE(::stat(directory.c_str(), &status) == 0);
  CHECK(status.st_uid == 1000);
  REQUIRE(::stat((directory + "/cgroup.procs").c_str(), &status) == 0);
  CHECK(status.st_uid == 1000);
  REQUIRE(::stat((directory + "/cgroup.max.depth").c_str(), &status) == 0);
  CHECK(status.st_uid == 0);
}

}  // namespace
}  // namespace tests
