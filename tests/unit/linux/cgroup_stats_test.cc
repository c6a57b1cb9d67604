// The kernel's numbers, read from made-up trees.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "src/linux/cgroup/oom.h"
#include "src/linux/cgroup/pressure.h"
#include "src/linux/cgroup/stat_files.h"
#include "src/linux/cgroup/stats.h"
#include "tests/support/scratch.h"

using namespace skiff;
using namespace skiff::cgroup;

namespace {

using Files = std::map<std::string, std::string>;

/// A directory for hierarchies.
class Tree : public tests::Scratch {
 public:
  /// The cgroup "web" of a controller, or of v2 ("").
  void add(const std::string& controller, const Files& files) {
    paths.path = "/web";
    const std::string name = (controller.empty() ? "unified" : controller) + "/web";
    std::filesystem::create_directories(path(name));
    for (const auto& [file, text] : files) put(name + "/" + file, text);
    paths.directories.emplace_back(controller, path(name));
  }

  Paths paths;
};

Stats stats_of(const Tree& tree) {
  Stats stats;
  const auto read = read_stats(tree.paths, stats);
  INFO((read ? "" : read.error().text()));
  REQUIRE(read);
  return stats;
}

std::string error_of(const Tree& tree) {
  Stats stats;
  const auto read = read_stats(tree.paths, stats);
  return read ? "" : read.error().text();
}

const Files kMemory = {
    {"memory.stat", "cache 512\nrss 1024\n"}, {"memory.usage_in_bytes", "2048\n"},
    {"memory.max_usage_in_bytes", "4096\n"},  {"memory.failcnt", "100\n"},
    {"memory.limit_in_bytes", "8192\n"},
};

Files with(Files files, const std::string& file, const std::string& text) {
  files[file] = text;
  return files;
}

}  // namespace

TEST_CASE("a file's number: max is none, below zero is zero", "[cgroup][stats]") {
  uint64_t number = 0;
  for (const auto& [text, value] : std::initializer_list<std::pair<const char*, uint64_t>>{
           {"2048", 2048},
           {"2048\n", 2048},
           {"max\n", kUnlimited},
           {"-12345\n", 0},
           {"-99999999999999999999\n", 0},  // below what 64 bits hold
           {"18446744073709551615", UINT64_MAX}}) {
    INFO(text);
    CHECK(parse_number(text, number));
    CHECK(number == value);
  }
  for (const char* wrong : {"", "\n", "abc", "1 2", "1.5", "-", "-1a", "18446744073709551616"}) {
    INFO(wrong);
    CHECK_FALSE(parse_number(wrong, number));
  }
}

TEST_CASE("lines of names and numbers have two words", "[cgroup][stats]") {
  Counters counters;
  REQUIRE(parse_counters("nr_periods 2000\nnr_throttled 200\n\nlimit max\n", counters));
  CHECK(value_of(counters, "nr_periods") == 2000);
  CHECK(value_of(counters, "nr_throttled") == 200);
  CHECK(value_of(counters, "limit") == kUnlimited);
  CHECK(value_of(counters, "nr") == 0);
  for (const char* wrong : {"nr_periods\n", "nr_periods 1 2\n", "nr_periods x\n", "a -1\n"}) {
    INFO(wrong);
    const auto parsed = parse_counters(wrong, counters);
    REQUIRE_FALSE(parsed);
    CHECK_THAT(parsed.error().text(), Catch::StartsWith("malformed line \""));
  }
}

TEST_CASE("the numbers of v1's processor controllers", "[cgroup][stats]") {
  Tree tree;
  tree.add("cpu", {{"cpu.stat",
                    "nr_periods 2000\nnr_throttled 200\nthrottled_time 18446744073709551615\n"
                    "nr_bursts 7\nburst_time 70\n"}});
  tree.add("cpuacct", {{"cpuacct.usage", "12262454190222160\n"},
                       {"cpuacct.stat", "user 452278264\nsystem 291429664\n"},
                       {"cpuacct.usage_percpu", "1564936537989058 1583937096487821 \n"},
                       {"cpuacct.usage_all",
                        "cpu user system\n0 962250696038415 637727786389114\n"
                        "1 0 5\n"}});
  const CpuStats cpu = stats_of(tree).cpu;
  CHECK(cpu.periods == 2000);
  CHECK(cpu.throttled_periods == 200);
  CHECK(cpu.throttled_time == UINT64_MAX);
  CHECK(cpu.bursts == 7);
  CHECK(cpu.burst_time == 70);
  CHECK(cpu.total == 12262454190222160);
  CHECK(cpu.user == 4522782640000000);
  CHECK(cpu.kernel == 2914296640000000);
  CHECK(cpu.percpu == std::vector<uint64_t>{1564936537989058, 1583937096487821});
  CHECK(cpu.percpu_user == std::vector<uint64_t>{962250696038415, 0});
  CHECK(cpu.percpu_kernel == std::vector<uint64_t>{637727786389114, 5});
}

TEST_CASE("files that are missing are zeros, v1's usage of memory excepted", "[cgroup][stats]") {
  {
    Tree tree;
    for (const char* controller : {"cpu", "cpuacct", "cpuset", "pids", "blkio", "hugetlb", "rdma",
                                   "misc", "name=systemd", "freezer"})
      tree.add(controller, {});
    const Stats stats = stats_of(tree);
    CHECK(stats.cpu.periods == 0);
    CHECK(stats.pids.limit == kUnlimited);
    CHECK(stats.block.serviced.empty());
    CHECK(stats.hugetlb.empty());
  }
  Tree tree;
  tree.add("memory", {{"memory.stat", "cache 1\n"}});
  CHECK_THAT(error_of(tree), Catch::Contains("memory.usage_in_bytes: read: No such file"));
}

TEST_CASE("v1's memory: the four limits, and what there is no file for", "[cgroup][stats]") {
  Tree tree;
  tree.add("memory", with(with(kMemory, "memory.memsw.usage_in_bytes", "3000\n"),
                          "memory.memsw.limit_in_bytes", "9223372036854771712\n"));
  const MemoryStats memory = stats_of(tree).memory;
  CHECK(memory.cache == 512);
  CHECK(value_of(memory.raw, "rss") == 1024);
  CHECK(memory.usage.usage == 2048);
  CHECK(memory.usage.max == 4096);
  CHECK(memory.usage.failcnt == 100);
  CHECK(memory.usage.limit == 8192);
  CHECK(memory.swap.usage == 3000);
  CHECK(memory.swap.limit == 9223372036854771712);
  CHECK(memory.kernel.usage == 0);
  CHECK_FALSE(memory.swap_only);
}

TEST_CASE("a malformed line is told with its file", "[cgroup][stats]") {
  const struct {
    std::string controller;
    std::string file;
    std::string text;
  } cases[] = {
      {"cpu", "cpu.stat", "nr_periods\n"},
      {"cpuacct", "cpuacct.usage", "x\n"},
      {"cpuacct", "cpuacct.usage_percpu", "1 x\n"},
      {"cpuacct", "cpuacct.usage_all", "cpu user system\n0 1\n"},
      {"cpuset", "cpuset.sched_relax_domain_level", "x\n"},
      {"memory", "memory.stat", "rss rss\n"},
      {"memory", "memory.usage_in_bytes", "bad\n"},
      {"memory", "memory.max_usage_in_bytes", "bad\n"},
      {"pids", "pids.current", "many\n"},
      {"blkio", "blkio.bfq.io_serviced_recursive", "8:0 Read Write 100\n"},
      {"blkio", "blkio.bfq.io_serviced_recursive", "8:0 Read Write\n"},
      {"blkio", "blkio.throttle.io_service_bytes_recursive", "8 Read 1\n"},
      {"hugetlb", "hugetlb.2MB.usage_in_bytes", "bad\n"},
      {"", "io.stat", "8:0 rbytes\n rbytes=1\n"},
      {"", "io.stat", "8:0 rbytes=x\n"},
      {"", "memory.pressure", "some avg10=0.00 avg60=0.00 total=0\n"},
      {"", "cpu.pressure", "most avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"},
      {"", "rdma.current", "hca_handle=2\n"},
  };
  for (const auto& [controller, file, text] : cases) {
    INFO(file << ": " << text);
    Tree tree;
    tree.add(controller, with(controller == "memory" ? kMemory : Files(), file, text));
    CHECK_THAT(error_of(tree), Catch::Contains("/web: " + file + ": malformed line \""));
  }
}

TEST_CASE("v1's block devices: CFQ's files, else BFQ's, else the throttle's", "[cgroup][stats]") {
  Files files = {
      {"blkio.throttle.io_serviced", "11:0 Read 1\n11:0 Total 1\nTotal 1\n"},
      {"blkio.throttle.io_service_bytes", "11:0 Read 11\n"},
  };
  const auto serviced = [&] {
    Tree tree;
    tree.add("blkio", files);
    return stats_of(tree).block.serviced;
  };
  REQUIRE(serviced().size() == 2);
  CHECK(serviced()[0].major == 11);
  CHECK(serviced()[0].op == "Read");
  CHECK(serviced()[0].value == 1);
  files["blkio.throttle.io_serviced_recursive"] = "11:0 Read 2\n";
  CHECK(serviced()[0].value == 2);
  files["blkio.bfq.io_serviced_recursive"] = "11:0 Read 3\n";
  CHECK(serviced()[0].value == 3);
  files["blkio.io_serviced_recursive"] = "8:0 Read 100\n8:16 Write 200\n\nTotal 300\n";
  files["blkio.time_recursive"] = "8:0 42\n";
  Tree tree;
  tree.add("blkio", files);
  const BlockStats block = stats_of(tree).block;
  REQUIRE(block.serviced.size() == 2);
  CHECK(block.serviced[1].minor == 16);
  CHECK(block.serviced[1].value == 200);
  REQUIRE(block.time.size() == 1);
  CHECK(block.time[0].op.empty());
  CHECK(block.time[0].value == 42);
}

TEST_CASE("huge pages of every size, in use and reserved", "[cgroup][stats]") {
  Tree tree;
  tree.add("hugetlb", {{"hugetlb.2MB.usage_in_bytes", "2097152\n"},
                       {"hugetlb.2MB.max_usage_in_bytes", "4194304\n"},
                       {"hugetlb.2MB.failcnt", "3\n"},
                       {"hugetlb.2MB.limit_in_bytes", "8388608\n"},
                       {"hugetlb.2MB.rsvd.usage_in_bytes", "6291456\n"},
                       {"hugetlb.1GB.usage_in_bytes", "0\n"}});
  auto hugetlb = stats_of(tree).hugetlb;
  REQUIRE(hugetlb.size() == 2);
  if (hugetlb[0].name == "1GB") std::swap(hugetlb[0], hugetlb[1]);
  CHECK(hugetlb[0].name == "2MB");
  CHECK(hugetlb[0].usage.usage == 2097152);
  CHECK(hugetlb[0].usage.max == 4194304);
  CHECK(hugetlb[0].usage.failcnt == 3);
  CHECK(hugetlb[0].usage.limit == 8388608);
  REQUIRE(hugetlb[0].reserved);
  CHECK(hugetlb[0].reserved->usage == 6291456);
  CHECK(hugetlb[1].name == "1GB");
  CHECK_FALSE(hugetlb[1].reserved);
}

TEST_CASE("all of v2", "[cgroup][stats]") {
  Tree tree;
  tree.add("", {
                   {"cpu.stat",
                    "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\nnr_throttled 4\n"
                    "throttled_usec 3\nnr_bursts 2\nburst_usec 1\n"},
                   {"cpu.pressure", "some avg10=0.25 avg60=12.34 avg300=100.00 total=77\n"},
                   {"cpuset.cpus.effective", "0-1\n"},
                   {"memory.current", "1000\n"},
                   {"memory.max", "max\n"},
                   {"memory.peak", "1500\n"},
                   {"memory.stat", "anon 1\nfile 600\nkernel 50\nsock 5\n"},
                   {"memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n"},
                   {"memory.events.local", "max 8\n"},
                   {"memory.swap.current", "200\n"},
                   {"memory.swap.max", "4096\n"},
                   {"memory.pressure",
                    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
                    "full avg10=0.00 avg60=0.00 avg300=0.01 total=2\n"},
                   {"pids.current", "3\n"},
                   {"pids.max", "max\n"},
                   {"pids.peak", "6\n"},
                   {"pids.events", "max 4\n"},
                   {"io.stat",
                    "8:16 8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.vrate=100.00\n"},
                   {"hugetlb.2MB.current", "2097152\n"},
                   {"hugetlb.2MB.max", "max\n"},
                   {"hugetlb.2MB.events", "max 2\n"},
                   {"hugetlb.2MB.rsvd.current", "4194304\n"},
                   {"rdma.current", "mlx4_0 hca_handle=2 hca_object=2000\n"},
                   {"rdma.max", "mlx4_0 hca_handle=2 hca_object=max\n"},
                   {"misc.current", "res_a 3\nres_b 0\n"},
                   {"misc.max", "res_a max\nres_b 4\n"},
                   {"misc.events", "res_a.max 1\nres_b.max 0\n"},
                   {"cgroup.events", "populated 1\nfrozen 0\n"},
                   {"cgroup.stat", "nr_descendants 2\n"},
               });
  const Stats stats = stats_of(tree);
  CHECK(stats.cpu.total == 30000);
  CHECK(stats.cpu.user == 20000);
  CHECK(stats.cpu.kernel == 10000);
  CHECK(stats.cpu.throttled_time == 3000);
  CHECK(stats.cpu.burst_time == 1000);
  REQUIRE(stats.cpu.psi.some);
  CHECK(stats.cpu.psi.some->avg10 == 25);
  CHECK(stats.cpu.psi.some->avg60 == 1234);
  CHECK(stats.cpu.psi.some->avg300 == 10000);
  CHECK(stats.cpu.psi.some->total == 77);
  CHECK_FALSE(stats.cpu.psi.full);
  CHECK(stats.cpuset.cpus == "0-1");
  CHECK(stats.memory.cache == 600);
  CHECK(stats.memory.usage.usage == 1000);
  CHECK(stats.memory.usage.limit == kUnlimited);
  CHECK(stats.memory.usage.max == 1500);
  CHECK(stats.memory.usage.failcnt == 9);
  CHECK(stats.memory.swap.usage == 1200);  // memory and swap
  CHECK(stats.memory.swap.limit == kUnlimited);
  REQUIRE(stats.memory.swap_only);
  CHECK(stats.memory.swap_only->usage == 200);
  CHECK(stats.memory.swap_only->limit == 4096);
  CHECK(stats.memory.kernel.usage == 50);
  CHECK(stats.memory.kernel_tcp.usage == 5);
  CHECK(value_of(stats.memory.events_local, "max") == 8);
  CHECK(stats.memory.psi.full->avg300 == 1);
  CHECK(stats.pids.usage == 3);
  CHECK(stats.pids.limit == kUnlimited);
  CHECK(stats.pids.max == 6);
  CHECK(stats.pids.failcnt == 4);
  REQUIRE(stats.block.devices.size() == 2);
  CHECK(stats.block.devices[0].counters.empty());
  REQUIRE(stats.block.service_bytes.size() == 3);
  CHECK(stats.block.service_bytes[0].minor == 0);
  CHECK(stats.block.service_bytes[1].op == "Write");
  CHECK(stats.block.service_bytes[1].value == 2);
  CHECK(stats.block.serviced[2].op == "Discard");
  REQUIRE(stats.hugetlb.size() == 1);
  CHECK(stats.hugetlb[0].usage.failcnt == 2);
  CHECK(stats.hugetlb[0].reserved->usage == 4194304);
  REQUIRE(stats.rdma.size() == 1);
  CHECK(stats.rdma[0].name == "mlx4_0");
  CHECK(value_of(stats.rdma[0].counters, "hca_object") == 2000);
  CHECK(value_of(stats.rdma_limits[0].counters, "hca_object") == kUnlimited);
  REQUIRE(stats.misc.size() == 2);
  CHECK(stats.misc[0].usage.limit == kUnlimited);
  CHECK(stats.misc[0].usage.failcnt == 1);
  CHECK(stats.misc[1].usage.limit == 4);
  CHECK(value_of(stats.cgroup, "populated") == 1);
  CHECK(value_of(stats.cgroup, "nr_descendants") == 2);
}

TEST_CASE("on a hybrid host each controller's numbers come from where it is", "[cgroup][stats]") {
  Tree tree;
  tree.add("memory", kMemory);
  tree.add("cpuacct", {{"cpuacct.usage", "99000\n"}});
  tree.add("", {{"cpu.stat", "usage_usec 98\nuser_usec 1\nsystem_usec 2\n"},
                {"memory.pressure", "some avg10=1.00 avg60=0.00 avg300=0.00 total=1\n"},
                {"hugetlb.2MB.current", "2097152\n"}});
  const Stats stats = stats_of(tree);
  CHECK(stats.memory.usage.usage == 2048);
  CHECK(stats.cpu.total == 99000);
  CHECK(stats.memory.psi.some->avg10 == 100);
  CHECK(stats.hugetlb.size() == 1);
}

TEST_CASE("a cgroup that is gone is told as such", "[cgroup][stats]") {
  Tree tree;
  tree.paths.directories.emplace_back("memory", tree.path("memory/web"));
  Stats stats;
  const auto read = read_stats(tree.paths, stats);
  REQUIRE_FALSE(read);
  CHECK(read.error().is(ENOENT));
}

TEST_CASE("the victim of the OOM killer is found, and whose limit it was", "[cgroup][oom]") {
  Tree tree;
  tree.add("", {{"memory.events", "oom_kill 5\n"},
                {"memory.events.local", "oom 1\noom_kill 1\noom_group_kill 0\n"},
                {"worker/memory.events.local", "oom 0\noom_kill 4\noom_group_kill 0\n"}});
  OomWatch watch(tree.paths);
  CHECK(watch.events_file() == tree.path("unified/web/memory.events"));
  CHECK(watch.news(true).empty());
  tree.put("unified/web/memory.events.local", "oom 2\noom_kill 1\noom_group_kill 0\n");
  CHECK(watch.news(false).empty());
  CHECK(watch.expects_more());  // the kill is counted after the want
  tree.put("unified/web/worker/memory.events.local", "oom 0\noom_kill 6\noom_group_kill 1\n");
  CHECK(watch.news(false).empty());  // and there may be more of them
  const auto news = watch.news(false);
  REQUIRE(news.size() == 1);
  CHECK(news[0].cgroup == "/web/worker");
  CHECK(news[0].limit_cgroup == "/web");
  CHECK(news[0].kills == 2);
  CHECK(news[0].group_kill);
  CHECK(watch.news(true).empty());
  tree.put("unified/web/memory.events.local", "oom 3\noom_kill 1\noom_group_kill 0\n");
  const auto unkilled = watch.news(true);
  REQUIRE(unkilled.size() == 1);
  CHECK(unkilled[0].cgroup == "/web");
  CHECK(unkilled[0].kills == 0);
}

TEST_CASE("the OOM killer of v1, with limits below and above", "[cgroup][oom]") {
  Tree tree;
  tree.paths.path = "/pod/web";
  const std::string own = tree.path("memory/pod/web");
  tree.paths.directories.emplace_back("memory", own);
  const auto put = [&](const std::string& cgroup, int most, int kills) {
    tree.put("memory" + cgroup + "/memory.limit_in_bytes", "1000000\n");
    tree.put("memory" + cgroup + "/memory.max_usage_in_bytes", std::to_string(most) + "\n");
    tree.put("memory" + cgroup + "/memory.oom_control",
             "oom_kill_disable 0\nunder_oom 0\noom_kill " + std::to_string(kills) + "\n");
  };
  put("/pod", 3, 0);
  put("/pod/web", 3, 0);
  OomWatch watch(tree.paths);
  CHECK(watch.events_file().empty());
  put("/pod", 1000000, 0);
  put("/pod/web", 4, 1);
  watch.heard();
  CHECK(watch.news(false).empty());
  const auto news = watch.news(false);
  REQUIRE(news.size() == 1);
  CHECK(news[0].cgroup == "/pod/web");
  CHECK(news[0].limit_cgroup == "/pod");
  put("/pod/web", 1000000, 2);
  watch.heard();
  (void)watch.news(false);
  CHECK(watch.news(false).at(0).limit_cgroup.empty());  // it may have been either
  put("/pod/web/worker", 1000000, 1);
  (void)watch.news(false);
  CHECK(watch.news(false).at(0).limit_cgroup == "/pod/web/worker");  // nothing was heard of it
  CHECK(OomWatch(Paths()).news(true).empty());
}

TEST_CASE("thresholds of pressure are read, and what makes no sense is refused",
          "[cgroup][pressure]") {
  const auto trigger = parse_pressure_trigger("memory:some:150ms/1s");
  REQUIRE(trigger);
  CHECK(trigger->resource == "memory");
  CHECK(trigger->kind == "some");
  CHECK(trigger->stall == 150'000);
  CHECK(trigger->window == 1'000'000);
  CHECK(trigger->level.empty());
  CHECK(parse_pressure_trigger("io:full:1/2")->stall == 1'000'000);
  for (const char* wrong : {"", "memory", "memory:some", "memory:some:1s", "disk:some:1s/2s",
                            "cpu:any:1s/2s", "cpu:some:0/2s", "cpu:some:3s/2s",
                            "cpu:some:100ms/400ms", "cpu:some:1s/11s", "cpu:some:x/2s"}) {
    INFO(wrong);
    CHECK_FALSE(parse_pressure_trigger(wrong));
  }
  CHECK(parse_pressure_level("medium")->level == "medium");
  CHECK(parse_pressure_level("high").error().text() ==
        "expected low, medium or critical, found \"high\"");
  CHECK_FALSE(watch_pressure(Paths(), *trigger));
  CHECK_FALSE(watch_pressure(Paths(), *parse_pressure_level("low")));
}
