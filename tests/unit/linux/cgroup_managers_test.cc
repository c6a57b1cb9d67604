// The managers on made-up trees: a directory with the files that the kernel would show.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "src/linux/cgroup/cgroup.h"
#include "src/linux/cgroup/directory.h"
#include "src/linux/cgroup/processes.h"
#include "tests/support/scratch.h"

using namespace skiff;
using namespace skiff::cgroup;

namespace {

/// A directory for hierarchies.
class Tree : public tests::Scratch {
 public:
  /// `controller` of v1 with the cgroup "web" in it, which has `files`.
  void v1(const std::string& controller, const std::map<std::string, std::string>& files) {
    put(controller + "/web/cgroup.procs", "");
    for (const auto& [file, text] : files) put(controller + "/web/" + file, text);
    paths.path = "/web";
    paths.directories.emplace_back(controller, path(controller + "/web"));
  }
  void v2(const std::map<std::string, std::string>& files) {
    put("unified/web/cgroup.procs", "");
    put("unified/web/cgroup.events", "populated 0\nfrozen 0\n");
    put("unified/web/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
    put("unified/web/cgroup.type", "domain\n");
    for (const auto& [file, text] : files) put("unified/web/" + file, text);
    paths.path = "/web";
    paths.directories.emplace_back("", path("unified/web"));
  }

  Paths paths;
};

std::string told(const Result<void>& result) { return result ? "" : result.error().text(); }

spec::Resources memory_limit(int64_t limit) {
  spec::Resources resources;
  resources.memory.emplace();
  resources.memory->limit = limit;
  return resources;
}

}  // namespace

TEST_CASE("v1 limits reach their files", "[linux]") {
  Tree tree;
  tree.v1("cpu", {{"cpu.shares", "1024"},
                  {"cpu.cfs_quota_us", "-1"},
                  {"cpu.cfs_period_us", "100000"},
                  {"cpu.rt_runtime_us", "0"},
                  {"cpu.rt_period_us", "1000000"}});
  tree.v1("memory", {{"memory.limit_in_bytes", ""},
                     {"memory.memsw.limit_in_bytes", ""},
                     {"memory.soft_limit_in_bytes", ""},
                     {"memory.kmem.limit_in_bytes", ""},
                     {"memory.kmem.tcp.limit_in_bytes", ""},
                     {"memory.swappiness", "60"},
                     {"memory.oom_control", ""}});
  tree.v1("pids", {{"pids.max", ""}});
  tree.v1("cpuset", {{"cpuset.cpus", "0-1"}, {"cpuset.mems", "0"}});
  tree.v1("blkio", {{"blkio.weight", ""},
                    {"blkio.leaf_weight", ""},
                    {"blkio.weight_device", ""},
                    {"blkio.throttle.write_bps_device", ""}});
  tree.v1("hugetlb", {{"hugetlb.2MB.limit_in_bytes", ""}});
  tree.v1("net_cls", {{"net_cls.classid", "0"}});
  tree.v1("net_prio", {{"net_prio.ifpriomap", ""}});
  spec::Resources resources;
  resources.memory = {4096, 2048, 8192, 512, 256, 20, true, {}, {}};
  resources.cpu = {512, 50000, {}, 200000, 950000, 1000000, {}, "0", "0"};
  resources.pids_limit = 7;
  resources.block_io.emplace();
  resources.block_io->weight = 100;
  resources.block_io->leaf_weight = 50;
  resources.block_io->weight_device = {{8, 0, 500, {}}};
  resources.block_io->throttle_write_bps = {{8, 0, 1024}};
  resources.hugepage_limits = {{"2MB", 2097152}};
  resources.network = {1048577, {{"eth0", 5}}};
  const auto cgroup = open(tree.paths);
  CHECK(told(cgroup->create(resources)).empty());
  CHECK(told(cgroup->apply_limits(resources)).empty());
  const std::pair<const char*, const char*> table[] = {
      {"cpu/web/cpu.shares", "512"},
      {"cpu/web/cpu.cfs_quota_us", "50000"},
      {"cpu/web/cpu.cfs_period_us", "200000"},
      {"cpu/web/cpu.rt_runtime_us", "950000"},
      {"memory/web/memory.limit_in_bytes", "4096"},
      {"memory/web/memory.memsw.limit_in_bytes", "8192"},
      {"memory/web/memory.soft_limit_in_bytes", "2048"},
      {"memory/web/memory.kmem.limit_in_bytes", "512"},
      {"memory/web/memory.kmem.tcp.limit_in_bytes", "256"},
      {"memory/web/memory.swappiness", "20"},
      {"memory/web/memory.oom_control", "1"},
      {"pids/web/pids.max", "7"},
      {"blkio/web/blkio.weight", "100"},
      {"blkio/web/blkio.leaf_weight", "50"},
      {"blkio/web/blkio.weight_device", "8:0 500"},
      {"blkio/web/blkio.throttle.write_bps_device", "8:0 1024"},
      {"hugetlb/web/hugetlb.2MB.limit_in_bytes", "2097152"},
      {"net_cls/web/net_cls.classid", "1048577"},
      {"net_prio/web/net_prio.ifpriomap", "eth0 5"},
  };
  for (const auto& [file, value] : table) {
    INFO(file);
    CHECK_THAT(tree.content(file), Catch::StartsWith(value));  // a write here does not truncate
  }
}

TEST_CASE("a reused cgroup gets its limits back when its container fails", "[linux]") {
  Tree tree;
  tree.v1("memory", {{"memory.limit_in_bytes", "9000"}});
  tree.v1("pids", {{"pids.max", "500"}});
  tree.v2({{"hugetlb.2MB.max", "7000000"}});
  spec::Resources resources = memory_limit(8000);
  resources.pids_limit = 400;
  resources.hugepage_limits = {{"2MB", 6000000}};
  const auto cgroup = open(tree.paths);
  REQUIRE(told(cgroup->create(resources)).empty());
  CHECK(told(cgroup->apply_limits(resources)).empty());
  CHECK(tree.content("memory/web/memory.limit_in_bytes") == "8000");
  CHECK(tree.content("unified/web/hugetlb.2MB.max") == "6000000");
  cgroup->revert();
  CHECK(tree.content("memory/web/memory.limit_in_bytes") == "9000");
  CHECK(tree.content("pids/web/pids.max") == "500");
  CHECK(tree.content("unified/web/hugetlb.2MB.max") == "7000000");
}

TEST_CASE("an update writes what is new, and takes it back as a whole", "[linux]") {
  Tree tree;
  tree.v2({{"memory.max", "4096"}, {"pids.max", "max"}, {"cpu.weight", "100"}});
  spec::Resources present = memory_limit(4096);
  spec::Resources wanted = memory_limit(5120);
  CHECK(told(open(tree.paths)->update(present, wanted)).empty());
  CHECK(tree.content("unified/web/memory.max") == "5120");
  wanted.memory->limit = 6144;
  wanted.hugepage_limits = {{"2MB", 1}};
  CHECK(told(open(tree.paths)->update(present, wanted)) ==
        "linux.resources.hugepageLimits[0]: write 1 to hugetlb.2MB.max: No such file or directory "
        "(hint: this kernel does not have the file)");
  CHECK(tree.content("unified/web/memory.max") == "5120");
}

TEST_CASE("unified files have the last word", "[linux]") {
  Tree tree;
  tree.v2({{"memory.max", "9999"}, {"memory.high", "max"}});
  spec::Resources resources = memory_limit(1234);
  resources.unified = {{"memory.max", "5678"}, {"memory.high", "500"}};
  const auto cgroup = open(tree.paths);
  CHECK(told(cgroup->update({}, resources)).empty());
  CHECK(tree.content("unified/web/memory.max") == "5678");
  CHECK(tree.content("unified/web/memory.high") == "500");
  resources.unified = {{"memory.unheard-of", "1"}};
  CHECK(told(open(tree.paths)->update({}, resources)) ==
        "linux.resources.unified.memory.unheard-of: write 1 to memory.unheard-of: No such file or "
        "directory (hint: this kernel does not have the file)");
  resources.unified = {{"dmem.max", "x 1"}};
  CHECK_THAT(told(open(tree.paths)->create(resources)),
             Catch::StartsWith("linux.resources.unified.dmem.max: controller \"dmem\" is not "
                               "available in "));
}

TEST_CASE("a directory that was there before stays, and what is below it goes", "[linux]") {
  for (const bool v2 : {false, true}) {
    CAPTURE(v2);
    Tree tree;
    if (v2)
      tree.v2({});
    else
      tree.v1("pids", {});
    const std::string web = tree.paths.directories.at(0).second;
    const auto cgroup = open(tree.paths);
    CHECK(told(cgroup->create({})).empty());
    CHECK(cgroup->found() == std::vector<std::string>{web});
    std::filesystem::create_directories(web + "/below");
    tree.paths.kept = cgroup->found();
    CHECK(told(open(tree.paths)->remove()).empty());
    CHECK(std::filesystem::exists(web));
    CHECK_FALSE(std::filesystem::exists(web + "/below"));
  }
}

TEST_CASE("what is delegated may be missing", "[linux]") {
  Tree tree;
  tree.v2({});
  const auto cgroup = open(tree.paths);
  CHECK(told(cgroup->create({})).empty());
  CHECK(told(cgroup->delegate(::geteuid())).empty());
}

TEST_CASE("a cgroup that is in use or frozen is not reused", "[linux]") {
  Tree v1;
  v1.v1("freezer", {{"freezer.state", "FROZEN\n"}});
  CHECK_THAT(told(open(v1.paths)->create({})), Catch::Contains("container's cgroup is frozen"));
  v1.put("freezer/web/cgroup.procs", "77\n78\n");
  CHECK_THAT(told(open(v1.paths)->create({})),
             Catch::Contains("container's cgroup is not empty: 2 process(es) found"));

  Tree v2;
  v2.v2({{"cgroup.events", "populated 0\nfrozen 1\n"}});
  CHECK_THAT(told(open(v2.paths)->create({})), Catch::Contains("container's cgroup is frozen"));
  v2.put("unified/web/cgroup.events", "populated 1\nfrozen 0\n");
  v2.put("unified/web/cgroup.procs", "77\n");
  CHECK_THAT(told(open(v2.paths)->create({})),
             Catch::Contains("container's cgroup is not empty: 1 process(es) found"));
  v2.put("unified/web/cgroup.events", "populated 0\nfrozen 0\n");
  v2.put("unified/web/cgroup.type", "threaded\n");
  CHECK_THAT(told(open(v2.paths)->create({})), Catch::Contains("cgroup.type is \"threaded\""));
}

TEST_CASE("the state of the freezer is read on either version", "[linux]") {
  Tree v1;
  v1.v1("freezer", {{"freezer.state", "FREEZING\n"}});
  CHECK(*open(v1.paths)->is_frozen());
  v1.put("freezer/web/freezer.state", "THAWED\n");
  CHECK_FALSE(*open(v1.paths)->is_frozen());
  Tree v2;
  v2.v2({{"cgroup.events", "populated 1\nfrozen 1\n"}});
  CHECK(*open(v2.paths)->is_frozen());
  CHECK_FALSE(*open(Tree().paths)->is_frozen());
}

TEST_CASE("processes of nested cgroups are found once each, sorted", "[linux]") {
  Tree tree;
  tree.v1("memory", {{"cgroup.procs", "30\n10\n0\n"}, {"a/cgroup.procs", "20\n"}});
  tree.v2({{"cgroup.procs", "10\n"}, {"b/c/cgroup.procs", "40\n"}});
  CHECK(*open(tree.paths)->processes() == std::vector<pid_t>{10, 20, 30, 40});
}

TEST_CASE("the kernel's refusals and kills for want of memory are counted", "[linux]") {
  Tree v1;
  v1.v1("memory", {{"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"},
                   {"memory.failcnt", "12\n"}});
  CHECK(open(v1.paths)->memory_events().oom_kills == 3);
  CHECK(open(v1.paths)->memory_events().limit_hits == 12);
  Tree v2;
  v2.v2({{"memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n"}});
  CHECK(open(v2.paths)->memory_events().oom_kills == 1);
  CHECK(open(v2.paths)->memory_events().limit_hits == 9);
  CHECK(open(Tree().paths)->memory_events().oom_kills == 0);
}

TEST_CASE("on a hybrid host each controller is used where it is", "[linux]") {
  Tree tree;
  tree.v1("memory", {{"memory.limit_in_bytes", ""}});
  tree.v1("devices", {{"devices.allow", ""}, {"devices.deny", ""}, {"devices.list", "a *:* rwm"}});
  tree.v2({{"pids.max", ""}, {"memory.max", "max"}});
  spec::Resources resources = memory_limit(4096);
  resources.pids_limit = 5;
  const auto cgroup = open(tree.paths);
  REQUIRE(told(cgroup->create(resources)).empty());
  CHECK(told(cgroup->apply_limits(resources)).empty());
  CHECK(told(cgroup->apply_devices(resources)).empty());
  CHECK(tree.content("memory/web/memory.limit_in_bytes") == "4096");
  CHECK(tree.content("unified/web/memory.max") == "max");
  CHECK(tree.content("unified/web/pids.max") == "5");
  CHECK(tree.content("devices/web/devices.deny") == "a");
}

TEST_CASE("a limit whose controller is on the other version says so", "[linux]") {
  Tree tree;
  tree.v1("memory", {});
  tree.v2({{"cgroup.controllers", "hugetlb\n"}});
  spec::Resources resources;
  resources.unified = {{"memory.high", "1"}};
  CHECK_THAT(told(open(tree.paths)->create(resources)),
             Catch::StartsWith("linux.resources.unified.memory.high: controller \"memory\" is not "
                               "available in "));
  resources.unified.clear();
  resources.pids_limit = 5;
  CHECK_THAT(told(open(tree.paths)->create(resources)),
             Catch::StartsWith("linux.resources.pids.limit: controller \"pids\" is not available"));
  resources.pids_limit.reset();
  resources.network = {5, {}};
  CHECK(told(open(tree.paths)->create(resources)) ==
        "linux.resources.network.classID: needs the cgroup v1 controller \"net_cls\", which is not "
        "mounted; cgroup v2 has none");
}

TEST_CASE("numbers in flat-keyed files", "[linux]") {
  CHECK(number_of("low 1\noom_kill 7\n", "oom_kill") == 7);
  CHECK(number_of("oom_kill_disable 1\noom_kill 0\n", "oom_kill") == 0);
  CHECK(number_of("oom_kill text\n", "oom_kill") == 0);
  CHECK(number_of("", "oom_kill") == 0);
}

TEST_CASE("a process that keeps a cgroup busy is described", "[linux]") {
  CHECK(describe({}) == "no process that can be seen from here");
  CHECK_THAT(describe({::getpid()}), Catch::StartsWith(fmt::format("process {} (\"", ::getpid())) &&
                                         Catch::Contains("\") in state "));
  CHECK_THAT(describe({1, 2, 3, 4, 5}), Catch::EndsWith(" and 2 more"));
}
