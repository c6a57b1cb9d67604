// list, ps, pause and resume: containers seen and held from outside.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

bool can_freeze() { return has_controller("freezer") || environment().layout == CgroupLayout::V2; }

TEST_CASE("list shows a table of containers", "[list]") {
  DIFFERS(Crun, "does not sort");
  Bundle bundle;
  bundle.sh("sleep 1000");
  Container first(bundle, environment().prefix + "aaa");
  Container second(bundle, environment().prefix + "bbb");
  first.launch();
  REQUIRE(second.create().ok());
  const Output output = runtime(bundle, {"list"});
  REQUIRE(output.ok());
  const Words table = lines(output.out);
  REQUIRE(table.size() == 3);
  if (!testing(Program::Crun))
    for (const char* column : {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"})
      CHECK_THAT(table[0], Catch::Contains(column));
  CHECK_THAT(table[1], Catch::StartsWith(first.id()) && Catch::Contains("running") &&
                           Catch::Contains(std::to_string(first.pid())) &&
                           Catch::Contains(bundle.directory()));
  CHECK_THAT(table[2], Catch::StartsWith(second.id()) && Catch::Contains("created"));
  if (testing(Program::Skiff)) CHECK(table[0].find("STATUS") == table[1].find("running"));
}

TEST_CASE("list --format json is an array of states", "[list]") {
  Bundle bundle;
  bundle.sh("sleep 1000").set("/annotations", R"({"k": "v"})");
  Container container(bundle);
  container.launch();
  for (const Words& words : {Words{"list", "--format", "json"}, Words{"list", "-f", "json"}}) {
    const Output output = runtime(bundle, words);
    REQUIRE(output.ok());
    const Json list = parse_json(output.out);
    REQUIRE(list.IsArray());
    REQUIRE(list.Size() == 1);
    CHECK(string_at(list, "/0/id") == container.id());
    CHECK(string_at(list, "/0/status") == "running");
    CHECK(json_at(list, "/0/pid") == std::to_string(container.pid()));
    CHECK(string_at(list, "/0/bundle") == bundle.directory());
    CHECK_FALSE(string_at(list, "/0/created").empty());
    CHECK(string_at(list, "/0/owner") == "root");
    if (!testing(Program::Crun)) {
      CHECK(string_at(list, "/0/annotations/k") == "v");
      CHECK(count(output.out, "\n") <= 1);
    }
  }
}

TEST_CASE("list --quiet prints ids alone", "[list]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(runtime(bundle, {"list", "--quiet"}).out == container.id() + "\n");
  CHECK(runtime(bundle, {"list", "-q"}).out == container.id() + "\n");
}

TEST_CASE("list of an empty root", "[list]") {
  Bundle bundle;
  make_directories(bundle.state_root());
  CHECK(runtime(bundle, {"list", "-q"}).out == "");
  CHECK(lines(runtime(bundle, {"list"}).out).size() == 1);
  const Output json = runtime(bundle, {"list", "-f", "json"});
  CHECK(json.ok());
  CHECK((trim(json.out) == "null" || trim(json.out) == "[]" || testing(Program::Crun)));
}

TEST_CASE("list refuses an unknown format", "[list]") {
  DIFFERS(Crun, "prints usage");
  Bundle bundle;
  make_directories(bundle.state_root());
  const Output output = runtime(bundle, {"list", "--format", "yaml"});
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("format"));
}

TEST_CASE("list is not disturbed by strangers in its root", "[list]") {
  DIFFERS(Crun, "is");
  Bundle bundle;
  Container container(bundle);
  REQUIRE(container.create().ok());
  write_file(bundle.state_root() + "/a-file", "");
  make_directories(bundle.state_root() + "/not a container");
  CHECK_THAT(runtime(bundle, {"list", "-q"}).out, Catch::Contains(container.id() + "\n"));
}

TEST_CASE("ps lists the container's processes, also exec'ed ones", "[ps]") {
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.sh("sleep 1000 & wait");
  Container container(bundle);
  container.launch();
  REQUIRE(container.exec({"-d", "--pid-file", bundle.file("pid")}, {"/bin/sleep", "888"}).ok());
  std::vector<int> pids;
  REQUIRE(wait_until([&] {
    pids.clear();
    const Json list = parse_json(runtime(bundle, {"ps", "--format", "json", container.id()}).out);
    if (!list.IsArray()) return false;
    for (const auto& pid : list.GetArray()) pids.push_back(pid.GetInt());
    return pids.size() == 3;
  }));
  CHECK(std::count(pids.begin(), pids.end(), container.pid()) == 1);
  CHECK(std::count(pids.begin(), pids.end(), std::stoi(read_file(bundle.file("pid")))) == 1);
}

TEST_CASE("ps prints a table, with ps(1)'s own options on request", "[ps]") {
  DIFFERS(Crun, "prints pids alone");
  NEEDS(environment().layout != CgroupLayout::None, "no cgroups");
  Bundle bundle;
  bundle.args({"/bin/sleep", "999"});
  Container container(bundle);
  container.launch();
  const std::string comm = "/proc/" + std::to_string(container.pid()) + "/comm";
  REQUIRE(wait_until([&] { return read_file(comm) == "sleep\n"; }));
  const Output plain = runtime(bundle, {"ps", container.id()});
  INFO(plain.err);
  REQUIRE(plain.ok());
  const Words table = lines(plain.out);
  REQUIRE(table.size() == 2);
  CHECK_THAT(table[0], Catch::Contains("PID") && Catch::Contains("UID"));
  CHECK_THAT(table[1], Catch::Contains("sleep 999"));

  const Output chosen = runtime(bundle, {"ps", container.id(), "-o", "pid,comm"});
  INFO(chosen.err);
  REQUIRE(chosen.ok());
  const Words rows = lines(chosen.out);
  REQUIRE(rows.size() == 2);
  CHECK(trim(rows[1]) == std::to_string(container.pid()) + " sleep");
}

TEST_CASE("pause holds every process and resume lets them go on", "[pause]") {
  NEEDS(can_freeze(), "no freezer");
  Bundle bundle;
  bundle.sh("while :; do echo -n x >> /tmp/count; sleep 0.005; done");
  Container container(bundle);
  container.launch();
  const std::string file = bundle.rootfs() + "/tmp/count";
  REQUIRE(wait_until([&] { return read_file(file).size() > 3; }));

  REQUIRE(container.call("pause").ok());
  CHECK(container.status() == "paused");
  const size_t held = read_file(file).size();
  ::usleep(60'000);
  CHECK(read_file(file).size() == held);

  REQUIRE(container.call("resume").ok());
  CHECK(container.status() == "running");
  CHECK(wait_until([&] { return read_file(file).size() > held; }));
}

TEST_CASE("pause and resume are refused in the wrong state", "[pause]") {
  DIFFERS(Crun, "allows them");
  NEEDS(can_freeze(), "no freezer");
  Bundle bundle;
  bundle.sh("sleep 1000");
  Container container(bundle);
  container.launch();
  CHECK(container.call("resume").status == 1);
  REQUIRE(container.call("pause").ok());
  if (!testing(Program::Crun)) CHECK(container.call("pause").status == 1);
  REQUIRE(container.call("resume").ok());
  REQUIRE(container.kill({"KILL"}).ok());
  REQUIRE(container.becomes("stopped"));
  CHECK(container.call("pause").status == 1);
}

TEST_CASE("a paused container can be killed and deleted", "[pause]") {
  DIFFERS(Crun, "leaves it frozen");
  DIFFERS(Runc, "1.1.5 leaves it frozen");
  NEEDS(can_freeze(), "no freezer");
  Bundle bundle;
  bundle.sh("sleep 1000");
  Container container(bundle);
  container.launch();
  REQUIRE(container.call("pause").ok());
  const Output refused = container.remove();
  CHECK(refused.status == 1);
  CHECK(container.remove({"--force"}).ok());
  CHECK(container.status() == "");
  CHECK(find_cgroups(container.id()).empty());
}

/// A cgroup below the container's that has a freezer, with a process of the container in it.
class Nested {
 public:
  explicit Nested(Container& container) {
    const bool v1 = has_controller("freezer");
    std::string above = v1 ? container.cgroup("freezer") : "";
    if (!v1)
      for (const std::string& directory : find_cgroups(container.id()))
        if (exists(directory + "/cgroup.freeze")) above = directory;
    file_ = above + "/nested/" + (v1 ? "freezer.state" : "cgroup.freeze");
    frozen_ = v1 ? "FROZEN" : "1";
    ::mkdir((above + "/nested").c_str(), 0755);
    const std::string pid_file = container.bundle().file("nested-pid");
    REQUIRE(container.exec({"-d", "--pid-file", pid_file}, {"/bin/sleep", "777"}).ok());
    pid = std::stoi(read_file(pid_file));
    write_file(above + "/nested/cgroup.procs", std::to_string(pid));
  }
  void freeze() const {
    write_file(file_, frozen_);
    REQUIRE(wait_until([&] { return is_frozen(); }));
  }
  bool is_frozen() const { return trim(read_file(file_)) == frozen_; }

  pid_t pid = 0;

 private:
  std::string file_;
  std::string frozen_;
};

TEST_CASE("ps lists processes of cgroups below the container's", "[ps]") {
  NEEDS(can_freeze(), "no freezer");
  Bundle bundle;
  bundle.sh("sleep 1000");
  Container container(bundle);
  container.launch();
  const Nested nested(container);
  CHECK_THAT(runtime(bundle, {"ps", "-f", "json", container.id()}).out,
             Catch::Contains(std::to_string(nested.pid)));
}

TEST_CASE("resume thaws what is frozen further down", "[pause]") {
  SKIFF_ONLY("goes down the tree");
  NEEDS(can_freeze(), "no freezer");
  Bundle bundle;
  bundle.sh("sleep 1000");
  Container container(bundle);
  container.launch();
  const Nested nested(container);
  nested.freeze();
  REQUIRE(container.call("pause").ok());
  REQUIRE(container.call("resume").ok());
  CHECK_FALSE(nested.is_frozen());
  CHECK(container.status() == "running");
}

TEST_CASE("a process that is frozen further down is killed with the rest", "[pause]") {
  SKIFF_ONLY("goes down the tree");
  NEEDS(can_freeze(), "no freezer");
  Bundle bundle;
  bundle.sh("sleep 1000");
  for (const bool own_pids : {true, false}) {
    if (!own_pids) bundle.ns("pid", "-");
    Container killed(bundle);
    killed.launch();
    const Nested first(killed);
    first.freeze();
    REQUIRE(killed.kill({"KILL"}).ok());
    CHECK(killed.becomes("stopped"));
    CHECK(killed.remove().ok());

    Container deleted(bundle);
    deleted.launch();
    const Nested second(deleted);
    second.freeze();
    const Output output = deleted.remove({"--force"});
    INFO(output.err);
    CHECK(output.ok());
    CHECK(find_cgroups(deleted.id()).empty());
  }
}

TEST_CASE("list tells of more containers than it may open files", "[list]") {
  SKIFF_ONLY("keeps its state in state.json alone");
  Bundle bundle;
  bundle.sh("sleep 1000");
  Container container(bundle);
  container.launch();
  const std::string record = read_file(bundle.state_root() + "/" + container.id() + "/state.json");
  const std::string many = bundle.file("many");
  constexpr size_t kContainers = 1000;
  for (size_t i = 0; i < kContainers; ++i) {
    const std::string id = "copy" + std::to_string(i);
    std::string copy = record;
    copy.replace(copy.find(container.id()), container.id().size(), id);
    write_file(many + "/" + id + "/state.json", copy);
  }
  const Output output = run_command({"/bin/sh", "-c", "ulimit -n 32; exec \"$@\"", "sh",
                                     environment().runtime, "--root", many, "list"});
  CHECK(output.err.empty());
  CHECK(lines(output.out).size() == kContainers + 1);
  CHECK(count(output.out, "running") == kContainers);
}

}  // namespace
}  // namespace tests
