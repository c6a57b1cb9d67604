#include "src/linux/resctrl.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "src/linux/resctrl_stats.h"
#include "tests/support/scratch.h"

using namespace skiff;
using resctrl::Group;

namespace {

namespace fs = std::filesystem;

/// A directory that looks like a mounted resctrl.
class Fixture : public tests::Scratch {
 public:
  Fixture() {
    put("schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n");
    put("tasks", "1\n");
    fs::create_directory(path("mon_groups"));
    put("info/last_cmd_status", "ok\n");
  }

  void group(const std::string& name, const std::string& schemata) {
    fs::create_directories(path(name + "/mon_groups"));
    put(name + "/schemata", schemata);
    put(name + "/tasks", "");
  }
};

spec::IntelRdt rdt(const std::string& closid, std::vector<std::string> schemata = {}) {
  spec::IntelRdt rdt;
  if (!closid.empty()) rdt.closid = closid;
  rdt.schemata = std::move(schemata);
  return rdt;
}

}  // namespace

TEST_CASE("resctrl is found in mountinfo", "[linux]") {
  constexpr const char* kLines =
      "24 1 0:22 / /sys rw - sysfs sysfs rw\n"
      "40 24 0:35 / /sys/fs/resctrl rw,relatime shared:9 - resctrl resctrl rw,mba_MBps\n";
  CHECK(resctrl::find_mount_point(kLines) == "/sys/fs/resctrl");
  CHECK(resctrl::find_mount_point("40 24 0:35 / /resctrl rw - tmpfs resctrl rw\n") == "");
  CHECK(resctrl::find_mount_point("") == "");
}

TEST_CASE("schemata are combined as the specification says", "[linux]") {
  spec::IntelRdt config;
  config.l3_cache_schema = "L3:0=f\nMB:0=10\nL3CODE:1=3";
  CHECK(resctrl::schemata_of(config).first == "L3:0=f\nMB:0=10\nL3CODE:1=3\n");
  config.mem_bw_schema = "MB:0=20";
  config.schemata = {"L2:0=3", "MB:1=30"};
  CHECK(resctrl::schemata_of(config).first == "L3:0=f\nMB:0=10\nL3CODE:1=3\nMB:0=20\n");
  CHECK(resctrl::schemata_of(config).second == "L2:0=3\nMB:1=30\n");
  CHECK(resctrl::schemata_of({}).first == "");
}

TEST_CASE("schemata are compared by their values", "[linux]") {
  constexpr const char* kPresent = "    MB:0= 20;1=  70\n    L3:0=7f0;1=001f\n";
  CHECK(resctrl::is_satisfied("L3:0=7F0\n", kPresent));
  CHECK(resctrl::is_satisfied("L3:0=0x7f0;1=1f\nMB:1=70;0=20\n", kPresent));
  CHECK(resctrl::is_satisfied("", kPresent));
  CHECK_FALSE(resctrl::is_satisfied("L3:0=7f", kPresent));
  CHECK_FALSE(resctrl::is_satisfied("L3:2=7f0", kPresent));
  CHECK_FALSE(resctrl::is_satisfied("L2:0=7f0", kPresent));
  CHECK(resctrl::is_satisfied("L3:0=0", "L3:0=000"));
}

TEST_CASE("a group of the container's own is made, entered and removed", "[linux]") {
  const Fixture fixture;
  auto config = rdt("", {"L3:0=f;1=f"});
  config.monitoring = true;
  config.mem_bw_schema = "MB:0=50";
  auto group = resctrl::find_at(fixture.root(), config, "web");
  REQUIRE(group);
  CHECK(group->directory == fixture.root() + "/web");
  CHECK(group->monitoring == fixture.root() + "/web/mon_groups/web");
  CHECK(group->made);
  // In a real one the directory comes with mon_groups.
  config.monitoring = false;
  group->monitoring.clear();
  REQUIRE(resctrl::make(*group, config));
  // The last write is that of "schemata" (a regular file forgets the one before).
  CHECK(fixture.content("web/schemata") == "L3:0=f;1=f\n");
  REQUIRE(resctrl::add(*group, 42));
  CHECK(fixture.content("web/tasks") == "42\n");
  for (const char* file : {"schemata", "tasks"})  // of a real one they go with the directory
    fs::remove(fixture.root() + "/web/" + file);
  REQUIRE(resctrl::remove(*group));
  CHECK_FALSE(fs::exists(fixture.root() + "/web"));
}

TEST_CASE("a group without closID must not be there before", "[linux]") {
  Fixture fixture;
  fixture.group("web", "L3:0=f\n");
  CHECK(resctrl::find_at(fixture.root(), rdt("", {"L3:0=f"}), "web").error().text() ==
        "linux.intelRdt: the group " + fixture.root() + "/web exists already");
}

TEST_CASE("a group with closID alone must be there, and is left", "[linux]") {
  Fixture fixture;
  CHECK(resctrl::find_at(fixture.root(), rdt("gold"), "web").error().text() ==
        "linux.intelRdt.closID: there is no group " + fixture.root() + "/gold");
  fixture.group("gold", "L3:0=f\n");
  auto group = resctrl::find_at(fixture.root(), rdt("gold"), "web");
  REQUIRE(group);
  CHECK_FALSE(group->made);
  REQUIRE(resctrl::make(*group, rdt("gold")));
  CHECK(fixture.content("gold/schemata") == "L3:0=f\n");
  REQUIRE(resctrl::add(*group, 7));
  CHECK(fixture.content("gold/tasks") == "7\n");
  REQUIRE(resctrl::remove(*group));
  CHECK(fs::exists(fixture.root() + "/gold"));
}

TEST_CASE("a group that is there must have the schemata that are asked for", "[linux]") {
  Fixture fixture;
  fixture.group("gold", "    L3:0=00f;1=0ff\n");
  auto group = resctrl::find_at(fixture.root(), rdt("gold", {"L3:0=f"}), "web");
  REQUIRE(group);
  CHECK(resctrl::make(*group, rdt("gold", {"L3:0=f"})));
  CHECK(resctrl::make(*group, rdt("gold", {"L3:0=1"})).error().text() ==
        "linux.intelRdt: the group " + fixture.root() +
            "/gold is there and has other schemata: \"L3:0=00f;1=0ff\"");
  CHECK(fs::exists(fixture.root() + "/gold"));
}

TEST_CASE("the root group is \"/\"", "[linux]") {
  const Fixture fixture;
  auto config = rdt("/");
  config.monitoring = true;
  auto group = resctrl::find_at(fixture.root(), config, "web");
  REQUIRE(group);
  CHECK(group->directory == fixture.root());
  CHECK_FALSE(group->made);
  REQUIRE(resctrl::make(*group, config));
  CHECK(fs::is_directory(fixture.root() + "/mon_groups/web"));
  REQUIRE(resctrl::add(*group, 9));
  CHECK(fixture.content("mon_groups/web/tasks") == "9\n");
  fs::remove(fixture.root() + "/mon_groups/web/tasks");  // a real one goes with its directory
  REQUIRE(resctrl::remove(*group));
  CHECK_FALSE(fs::exists(fixture.root() + "/mon_groups/web"));
  CHECK(fs::exists(fixture.root()));
}

TEST_CASE("a group with closID and a schema is made", "[linux]") {
  const Fixture fixture;
  auto group = resctrl::find_at(fixture.root(), rdt("gold", {"L3:0=f"}), "web");
  REQUIRE(group);
  CHECK(group->directory == fixture.root() + "/gold");
  CHECK(group->made);
  REQUIRE(resctrl::make(*group, rdt("gold", {"L3:0=f"})));
  CHECK(fixture.content("gold/schemata") == "L3:0=f\n");
}

TEST_CASE("a group that others have entered is left to them", "[linux]") {
  Fixture fixture;
  fixture.group("gold", "L3:0=f\n");
  const Group group{fixture.root() + "/gold", "", true};
  fixture.put("gold/tasks", "12\n");
  REQUIRE(resctrl::remove(group));
  CHECK(fs::exists(fixture.root() + "/gold"));
  fixture.put("gold/tasks", "");
  fs::create_directory(fixture.root() + "/gold/mon_groups/other");
  REQUIRE(resctrl::remove(group));
  CHECK(fs::exists(fixture.root() + "/gold"));
}

TEST_CASE("removing a group that is gone is fine", "[linux]") {
  const Fixture fixture;
  CHECK(resctrl::remove({fixture.root() + "/web", fixture.root() + "/web/mon_groups/web", true}));
  CHECK(resctrl::remove({}));
}

TEST_CASE("a monitoring group where nothing is monitored", "[linux]") {
  Fixture fixture;
  fixture.group("gold", "L3:0=f\n");
  fs::remove(fixture.root() + "/gold/mon_groups");
  auto config = rdt("gold");
  config.monitoring = true;
  auto group = resctrl::find_at(fixture.root(), config, "web");
  REQUIRE(group);
  CHECK(resctrl::make(*group, config).error().text() ==
        "linux.intelRdt: enableMonitoring: make " + fixture.root() +
            "/gold/mon_groups/web: No such file or directory (hint: this processor or kernel "
            "monitors nothing)");
}

TEST_CASE("the schemata of a group change and change back", "[linux]") {
  Fixture fixture;
  fixture.group("mine", "    L3:0=1\n");
  Group group;
  group.directory = fixture.root() + "/mine";
  spec::IntelRdt wanted = rdt("mine");
  wanted.l3_cache_schema = "L3:0=f";
  const auto before = resctrl::change(group, wanted);
  REQUIRE(before);
  CHECK(fixture.content("mine/schemata") == "L3:0=f\n");
  CHECK(resctrl::write_schemata(group, *before));
  CHECK(fixture.content("mine/schemata") == "    L3:0=1\n");
}

TEST_CASE("the shares and the numbers of a group", "[linux]") {
  Fixture fixture;
  fs::create_directories(fixture.root() + "/info/L3");
  fs::create_directories(fixture.root() + "/info/MB");
  fixture.put("info/L3/cbm_mask", "7ff\n");
  fixture.put("info/L3/min_cbm_bits", "1\n");
  fixture.put("info/MB/min_bandwidth", "10\n");
  fixture.group("web", "L3:0=f;1=f0\nMB:0=50;1=100\n");
  const std::string domains = "web/mon_groups/web/mon_data/";
  for (const char* domain : {"mon_L3_00", "mon_L3_01"})
    fs::create_directories(fixture.root() + "/" + domains + domain);
  fixture.put(domains + "mon_L3_00/llc_occupancy", "4096\n");
  fixture.put(domains + "mon_L3_00/mbm_total_bytes", "Unavailable\n");
  fixture.put(domains + "mon_L3_01/llc_occupancy", "8192\n");
  fixture.put(domains + "mon_L3_01/mbm_total_bytes", "77\n");
  const Group group{fixture.root() + "/web", fixture.root() + "/web/mon_groups/web", true};
  const resctrl::Stats stats = resctrl::read_stats(group);
  CHECK(stats.cbm_mask == "7ff");
  REQUIRE(stats.l3_info.size() == 1);
  CHECK(stats.l3_info[0].second == 1);
  REQUIRE(stats.mb_info.size() == 1);
  CHECK(stats.mb_info[0].first == "min_bandwidth");
  CHECK(resctrl::line_of(stats.root_schemata, "L3") == "L3:0=7ff;1=7ff");
  CHECK(resctrl::line_of(stats.schemata, "L3") == "L3:0=f;1=f0");
  CHECK(resctrl::line_of(stats.schemata, "MB") == "MB:0=50;1=100");
  CHECK(resctrl::line_of(stats.schemata, "L2").empty());
  REQUIRE(stats.occupancy.size() == 2);
  CHECK(stats.occupancy[1][0].second == 8192);
  REQUIRE(stats.bandwidth.size() == 1);
  CHECK(stats.bandwidth[0][0].second == 77);
  CHECK(resctrl::read_stats(Group()).schemata.empty());
  CHECK(resctrl::read_stats({fixture.root(), "", false}).root_schemata.size() == 2);
}
