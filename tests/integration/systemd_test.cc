// Containers as systemd's units. On a machine without systemd these are skipped.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

#define NEEDS_SYSTEMD                                                           \
  NEEDS(exists("/run/systemd/system") && exists("/run/dbus/system_bus_socket"), \
        "systemd does not run here");                                           \
  NEEDS(::geteuid() == 0 || environment().systemd_cgroup, "not root")

/// A container whose cgroup systemd makes, and its unit.
struct Managed {
  Managed() : container(bundle) {
    bundle.sh("sleep 100");
    const std::string id = container.id();
    name = id.substr(id.find('-') + 1);
    bundle.set("/linux/cgroupsPath", quote("skiff-test.slice:it:" + name));
    unit = "it-" + name + ".scope";
    path = "/skiff.slice/skiff-test.slice/" + unit;
    // One that systemd itself makes units in, on every layout.
    directory = cgroup_directory("pids", path).value_or("");
  }

  Output call(const std::string& command, const Words& flags = {}) {
    Words words = {"--systemd-cgroup", "--root", bundle.state_root(), command};
    words.insert(words.end(), flags.begin(), flags.end());
    if (command == "create" || command == "run")
      words.insert(words.end(), {"--bundle", bundle.path(container.id())});
    words.push_back(container.id());
    Words argv = {environment().runtime};
    argv.insert(argv.end(), words.begin(), words.end());
    return run_command(argv);
  }

  std::string property(const std::string& property_name) const {
    return trim(
        run_command({"systemctl", "show", "--value", "--property", property_name, unit}).out);
  }
  /// Of the unit's cgroup in the hierarchy of the controller that the file is named after, or of
  /// one `below` it.
  std::string file(const std::string& file_name, const std::string& below = "") const {
    const std::string controller = file_name.substr(0, file_name.find('.'));
    return trim(
        read_file(cgroup_directory(controller, path + below).value_or("") + "/" + file_name));
  }
  /// "" once systemd has forgotten it.
  std::string state() const {
    return trim(
        run_command({"systemctl", "list-units", "--all", "--no-legend", "--plain", unit}).out);
  }

  /// Deletes it, and checks that neither unit nor cgroup remains.
  void removed() {
    CHECK(call("delete", {"--force"}).ok());
    CHECK(state() == "");
    CHECK_FALSE(exists(directory));
  }

  Bundle bundle;
  Container container;
  std::string name;
  std::string unit;
  std::string path;
  std::string directory;
};

TEST_CASE("a container is a scope with limits, delegated, and gone when it is", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  managed.bundle
      .set("/linux/resources/memory",
           R"({"limit": 67108864, "reservation": 33554432, "swap": 134217728})")
      .set("/linux/resources/cpu",
           R"({"shares": 512, "quota": 25000, "period": 50000, "cpus": "0", "mems": "0"})")
      .set("/linux/resources/pids", R"({"limit": 50})");
  const Leftovers leftovers(managed.bundle);
  const Output created = managed.call("create");
  INFO(created.err);
  REQUIRE(created.ok());
  CHECK(managed.property("ActiveState") == "active");
  CHECK(managed.property("Slice") == "skiff-test.slice");
  CHECK(managed.property("Delegate") == "yes");
  CHECK(managed.property("DefaultDependencies") == "no");
  const bool v2 = environment().layout == CgroupLayout::V2;
  CHECK(managed.property(v2 ? "MemoryMax" : "MemoryLimit") == "67108864");
  CHECK(managed.property("TasksMax") == "50");
  if (v2) {
    CHECK(managed.property("MemoryLow") == "33554432");
    CHECK(managed.property("MemorySwapMax") == "67108864");
    CHECK(managed.property("AllowedCPUs") == "0");
    CHECK(managed.property("AllowedMemoryNodes") == "0");
  } else {
    CHECK(managed.property("CPUShares") == "512");
    CHECK(managed.file("memory.soft_limit_in_bytes") == "33554432");
    CHECK(managed.file("cpuset.cpus") == "0");
  }
  CHECK(managed.property("CPUQuotaPerSecUSec") == "500ms");
  CHECK(managed.property("CPUQuotaPeriodUSec") == "50ms");
  for (const char* name : {"MemoryAccounting", "CPUAccounting", "TasksAccounting",
                           v2 ? "IOAccounting" : "BlockIOAccounting"})
    CHECK(managed.property(name) == "yes");
  managed.removed();
  CHECK(leftovers.found() == "");
}

TEST_CASE("limits and device rules survive what systemd does with the unit", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  managed.bundle
      .set("/linux/resources/memory",
           R"({"limit": 67108864, "reservation": 33554432, "swap": 134217728})")
      .set("/linux/resources/cpu",
           R"({"shares": 512, "quota": 25000, "period": 50000, "cpus": "0", "mems": "0"})")
      .set("/linux/resources/pids", R"({"limit": 50})")
      .set("/linux/resources/hugepageLimits", R"([{"pageSize": "2MB", "limit": 4194304}])");
  const bool v2 = environment().layout == CgroupLayout::V2;
  if (v2) managed.bundle.set("/linux/resources/unified", R"({"memory.high": "60000000"})");
  const Words names =
      v2 ? Words{"memory.max", "memory.low",  "memory.high", "memory.swap.max", "cpu.max",
                 "cpu.weight", "cpuset.cpus", "cpuset.mems", "pids.max",        "hugetlb.2MB.max"}
         : Words{"memory.limit_in_bytes",
                 "memory.soft_limit_in_bytes",
                 "memory.memsw.limit_in_bytes",
                 "cpu.shares",
                 "cpu.cfs_quota_us",
                 "cpu.cfs_period_us",
                 "cpuset.cpus",
                 "cpuset.mems",
                 "pids.max",
                 "hugetlb.2MB.limit_in_bytes"};
  REQUIRE(managed.call("create").ok());
  REQUIRE(managed.container.start().ok());
  const auto files = [&] {
    std::string all;
    for (const std::string& name : names) all += name + " " + managed.file(name) + "\n";
    const std::string devices =
        "for d in null zero full; do head -c 0 /dev/$d && echo $d; done; mknod /tmp/d b 8 0; "
        "head -c 1 /tmp/d || echo refused; rm /tmp/d";
    return all + managed.container.sh(devices).out;
  };
  const std::string before = files();
  const std::string suffix = v2 ? "max " : "limit_in_bytes ";
  CHECK_THAT(before, Catch::Contains("memory." + suffix + "67108864") &&
                         Catch::Contains("hugetlb.2MB." + suffix + "4194304") &&
                         Catch::Contains(v2 ? "cpu.max 25000 50000" : "cpu.cfs_quota_us 25000") &&
                         Catch::Contains("refused"));
  REQUIRE(run_command({"systemctl", "daemon-reload"}).ok());
  CHECK(files() == before);
  REQUIRE(
      run_command({"systemctl", "set-property", "--runtime", managed.unit,
                   v2 ? "CPUWeight=59" : "CPUShares=512", v2 ? "IOWeight=50" : "BlockIOWeight=500"})
          .ok());
  CHECK(files() == before);
  REQUIRE(managed.container.call("update", {"--pids-limit", "60"}).ok());
  REQUIRE(run_command({"systemctl", "daemon-reload"}).ok());
  CHECK(managed.file("pids.max") == "60");
  CHECK(managed.property("TasksMax") == "60");
  CHECK(managed.file("memory." + trim(suffix)) == "67108864");
}

TEST_CASE("later commands need not be told of systemd", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  const Leftovers leftovers(managed.bundle);
  REQUIRE(managed.call("create").ok());
  REQUIRE(managed.container.start().ok());
  CHECK(managed.container.sh("true").ok());
  CHECK(managed.container.call("pause").ok());
  CHECK(managed.container.status() == "paused");
  CHECK(managed.container.call("resume").ok());
  CHECK_THAT(managed.container.call("ps").out, Catch::Contains("sleep"));
  CHECK(managed.container.kill({"KILL"}).ok());
  CHECK(managed.container.becomes("stopped"));
  CHECK(managed.container.remove().ok());
  CHECK(managed.state() == "");
  CHECK(leftovers.found() == "");
}

TEST_CASE("an update that fails leaves the unit as it was", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  managed.bundle.set("/linux/resources/pids", R"({"limit": 50})");
  REQUIRE(managed.call("create").ok());
  REQUIRE(managed.container.start().ok());
  CommandOptions input;
  input.input = R"({"pids": {"limit": 70}, "unified": {"memory.high": "nonsense"}})";
  CHECK_FALSE(
      runtime(managed.bundle, {"update", "--resources", "-", managed.container.id()}, input).ok());
  CHECK(managed.property("TasksMax") == "50");
  CHECK(managed.file("pids.max") == "50");
}

TEST_CASE("annotations are properties of the unit", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  managed.bundle.set("/annotations", R"({
      "org.systemd.property.TimeoutStopSec": "7",
      "org.systemd.property.Documentation": "['man:skiff(1)']",
      "org.systemd.property.TasksMax": "uint64 77"})");
  REQUIRE(managed.call("create").ok());
  CHECK(managed.property("TimeoutStopUSec") == "7s");
  CHECK_THAT(managed.property("Documentation"), Catch::Contains("man:skiff(1)"));
  CHECK(managed.property("TasksMax") == "77");
}

TEST_CASE("a property that systemd refuses fails create and leaves nothing", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  for (const char* value : {"'text'", "not a value"}) {
    managed.bundle.set("/annotations", "{\"org.systemd.property.TasksMax\": " + quote(value) + "}");
    const Leftovers leftovers(managed.bundle);
    const Output output = managed.call("create");
    CHECK(output.status == 1);
    CHECK(count(output.err, "\n") == 1);
    if (testing(Program::Skiff))
      CHECK_THAT(output.err, Catch::Contains(managed.unit) || Catch::Contains("annotations"));
    CHECK(managed.state() == "");
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("a create that fails leaves no unit", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  managed.bundle.args({"/no/such/program"});
  const Leftovers leftovers(managed.bundle);
  CHECK(managed.call("create").status == 1);
  CHECK(managed.state() == "");
  CHECK_FALSE(exists(managed.directory));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a container may have a cgroup of its own below its unit's", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  managed.bundle.set("/annotations", R"({"run.oci.systemd.subgroup": "inner"})")
      .set("/linux/resources/pids", R"({"limit": 50})");
  const Leftovers leftovers(managed.bundle);
  const Output created = managed.call("create");
  INFO(created.err);
  REQUIRE(created.ok());
  CHECK_THAT(read_file("/proc/" + std::to_string(managed.container.pid()) + "/cgroup"),
             Catch::Contains(managed.unit + "/inner\n"));
  CHECK(managed.file("pids.max", "/inner") == "50");
  CHECK(managed.property("TasksMax") == "50");
  managed.removed();
  CHECK(leftovers.found() == "");
}

TEST_CASE("a unit of that name that failed gives way, one that lives does not", "[systemd]") {
  NEEDS_SYSTEMD;
  Managed managed;
  const Leftovers leftovers(managed.bundle);
  REQUIRE(run_command({"systemd-run", "--scope", "--unit", managed.unit, "--slice",
                       "skiff-test.slice", "--property", "RuntimeMaxSec=1", "sleep", "20"})
              .status != 0);
  CHECK(managed.property("ActiveState") == "failed");
  const Output created = managed.call("create");
  INFO(created.err);
  REQUIRE(created.ok());
  Container second(managed.bundle);
  Words words = {environment().runtime,
                 "--systemd-cgroup",
                 "--root",
                 managed.bundle.state_root(),
                 "create",
                 "--bundle",
                 managed.bundle.path(second.id()),
                 second.id()};
  const Output output = run_command(words);
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains(managed.unit) && Catch::Contains("not empty"));
  CHECK(managed.property("ActiveState") == "active");
  CHECK(managed.container.status() == "created");
  managed.removed();
  CHECK(leftovers.found() == "");
}

TEST_CASE("a slice can be the container's unit", "[systemd]") {
  NEEDS_SYSTEMD;
  DIFFERS(Crun, "takes it for a prefix");
  Managed managed;
  managed.unit = "skifftest" + managed.name + ".slice";
  managed.unit.erase(std::remove(managed.unit.begin(), managed.unit.end(), '-'),
                     managed.unit.end());
  managed.bundle.set("/linux/cgroupsPath", quote("-.slice:it:" + managed.unit))
      .set("/linux/resources/pids", R"({"limit": 50})");
  const Leftovers leftovers(managed.bundle);
  const Output created = managed.call("create");
  INFO(created.err);
  REQUIRE(created.ok());
  CHECK_THAT(read_file("/proc/" + std::to_string(managed.container.pid()) + "/cgroup"),
             Catch::Contains("/" + managed.unit + "\n"));
  CHECK(managed.property("TasksMax") == "50");
  managed.removed();
  CHECK(leftovers.found() == "");
}

TEST_CASE("cgroupsPaths that name no unit are refused", "[systemd]") {
  SKIFF_ONLY("names the field");
  NEEDS_SYSTEMD;
  Managed managed;
  for (const char* path : {"/web", "system:p:web", "a--b.slice:p:web", ":p:"}) {
    managed.bundle.set("/linux/cgroupsPath", quote(path));
    const Output output = managed.call("create");
    INFO(path);
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains("linux.cgroupsPath: "));
  }
}

TEST_CASE("without cgroupsPath the unit is named after the container", "[systemd]") {
  SKIFF_ONLY("has that prefix");
  NEEDS_SYSTEMD;
  Managed managed;
  managed.bundle.without_cgroups_path().remove("/linux/cgroupsPath");
  managed.unit = "skiff-" + managed.container.id() + ".scope";
  REQUIRE(managed.call("create").ok());
  CHECK(managed.property("Slice") == "system.slice");
  CHECK(managed.property("ActiveState") == "active");
}

TEST_CASE("a killed create is cleaned up with its unit", "[systemd]") {
  SKIFF_ONLY("notes what it is about to make");
  NEEDS_SYSTEMD;
  Managed managed;
  managed.bundle.set("/hooks/createRuntime", R"([{"path": "/bin/sleep", "args": ["sleep", "3"]}])");
  const Leftovers leftovers(managed.bundle);
  {
    Command create({environment().runtime, "--systemd-cgroup", "--root",
                    managed.bundle.state_root(), "create", "--bundle",
                    managed.bundle.path(managed.container.id()), managed.container.id()});
    REQUIRE(wait_until([&] { return exists(managed.directory); }, 10));
    create.signal(SIGKILL);
    create.wait();
  }
  CHECK(managed.container.remove({"--force"}).ok());
  CHECK(managed.state() == "");
  CHECK_FALSE(exists(managed.directory));
}

TEST_CASE("two hundred containers at once leave no unit and no cgroup", "[.soak][systemd]") {
  NEEDS_SYSTEMD;
  Bundle bundle;
  bundle.args({"/bin/true"}).without_cgroups_path().remove("/linux/cgroupsPath");
  const Leftovers leftovers(bundle);
  const std::string path = bundle.path("soak");
  const std::string script =
      "seq 200 | xargs -P 16 -I{} \"$1\" --systemd-cgroup --root \"$2\" run --bundle \"$3\" "
      "soak-{} || exit 1; systemctl list-units --all --no-legend --plain '*soak-*'";
  CommandOptions options;
  options.seconds = 120;
  const Output output = run_command(
      {"/bin/sh", "-c", script, "sh", environment().runtime, bundle.state_root(), path}, options);
  INFO(output.err);
  CHECK(output.ok());
  CHECK(output.out == "");
  CHECK(leftovers.found() == "");
}

}  // namespace
}  // namespace tests
