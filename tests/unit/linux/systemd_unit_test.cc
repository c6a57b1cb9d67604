#include "src/linux/cgroup/systemd_unit.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace skiff::cgroup {
namespace {

using systemd::kInfinity;
using systemd::Properties;
using systemd::unsigned64;
using systemd::Value;

TEST_CASE("units that cgroupsPath stands for", "[systemd]") {
  struct Row {
    const char* cgroups_path;
    bool user;
    const char* name;
    const char* slice;
    const char* path;
  };
  const Row rows[] = {
      {"", false, "skiff-web.scope", "system.slice", "/system.slice/skiff-web.scope"},
      {"", true, "skiff-web.scope", "user.slice", "/user.slice/skiff-web.scope"},
      {"::web", false, "web.scope", "system.slice", "/system.slice/web.scope"},
      {"machine.slice:libpod:web", false, "libpod-web.scope", "machine.slice",
       "/machine.slice/libpod-web.scope"},
      {"a-b-c.slice:p:web", false, "p-web.scope", "a-b-c.slice",
       "/a.slice/a-b.slice/a-b-c.slice/p-web.scope"},
      {"-.slice:p:web", false, "p-web.scope", "-.slice", "/p-web.scope"},
      {"system.slice:p:a-b.slice", false, "a-b.slice", "system.slice", "/a.slice/a-b.slice"},
      {"memory.slice::cpu", false, "cpu.scope", "memory.slice", "/_memory.slice/_cpu.scope"},
  };
  for (const Row& row : rows) {
    INFO(row.cgroups_path);
    const auto unit = unit_from(row.cgroups_path, "web", row.user);
    REQUIRE(unit);
    CHECK(unit->name == row.name);
    CHECK(unit->slice == row.slice);
    CHECK(*unit_path(*unit) == row.path);
  }
  CHECK(unit_from("", "a+b", false)->name == "skiff-a\\x2bb.scope");
  CHECK(unit_from("system.slice:p:a+b", "web", false)->name == "p-a\\x2bb.scope");
}

TEST_CASE("cgroupsPaths that stand for no unit", "[systemd]") {
  for (const char* path :
       {"/web", "web", "a:b", "a:b:c:d", "system.slice:p:", "::", "system:p:web", "a/b.slice:p:web",
        ".slice:p:web", "a--b.slice:p:web", "a-.slice:p:web", "-a.slice:p:web", ":p:a/b", ":p:..",
        ":p:a b", ":p:\xff", ":p:a@b", ":p:.slice", "..slice/x:p:web"}) {
    INFO(path);
    const auto unit = unit_from(path, "web", false);
    if (std::string(path) == ":p:..") continue;  // "p-...scope": odd, but a name
    REQUIRE_FALSE(unit);
    CHECK_THAT(unit.error().text(), Catch::StartsWith("linux.cgroupsPath: "));
  }
  CHECK_FALSE(unit_from(":p:" + std::string(300, 'a'), "web", false));
}

const UnitFacts kNow = {252, true, false};

Properties limits(const spec::Resources& resources, const UnitFacts& facts = kNow) {
  auto properties = limit_properties(resources, facts);
  INFO((properties ? std::string() : properties.error().text()));
  REQUIRE(properties);
  return *std::move(properties);
}

uint64_t number(const Properties& properties, const char* name) {
  INFO(name);
  const Value* value = find(properties, name);
  REQUIRE(value);
  CHECK(value->type == "t");
  return value->number;
}

TEST_CASE("memory as properties", "[systemd]") {
  spec::Resources resources;
  resources.memory.emplace();
  resources.memory->limit = 100;
  resources.memory->reservation = 50;
  resources.memory->swap = 150;
  const Properties properties = limits(resources);
  CHECK(number(properties, "MemoryMax") == 100);
  CHECK(number(properties, "MemoryLow") == 50);
  CHECK(number(properties, "MemorySwapMax") == 50);
  resources.memory->limit = -1;
  resources.memory->swap.reset();
  CHECK(number(limits(resources), "MemoryMax") == kInfinity);
  CHECK(number(limits(resources), "MemorySwapMax") == kInfinity);
  UnitFacts v1 = kNow;
  v1.v2 = false;
  resources.memory->limit = 100;
  CHECK(number(limits(resources, v1), "MemoryLimit") == 100);
}

TEST_CASE("cpu as properties", "[systemd]") {
  struct Row {
    int64_t quota;
    uint64_t period;
    uint64_t per_second;
  };
  // A unit's file says it in hundredths, so that what is between is rounded up.
  const Row rows[] = {{50000, 100000, 500000}, {25000, 50000, 500000},    {1000, 1000000, 10000},
                      {33333, 100000, 340000}, {200000, 100000, 2000000}, {-1, 100000, kInfinity}};
  for (const Row& row : rows) {
    spec::Resources resources;
    resources.cpu.emplace();
    resources.cpu->quota = row.quota;
    resources.cpu->period = row.period;
    CHECK(number(limits(resources), "CPUQuotaPerSecUSec") == row.per_second);
    CHECK(number(limits(resources), "CPUQuotaPeriodUSec") == row.period);
    UnitFacts old = kNow;
    old.version = 241;
    CHECK_FALSE(find(limits(resources, old), "CPUQuotaPeriodUSec"));
  }
  spec::Resources resources;
  resources.cpu.emplace();
  resources.cpu->shares = 1024;
  CHECK(number(limits(resources), "CPUWeight") == 100);
  resources.cpu->idle = 1;
  CHECK(number(limits(resources), "CPUWeight") == 0);
  UnitFacts old = kNow;
  old.version = 251;
  CHECK_FALSE(find(limits(resources, old), "CPUWeight"));
}

TEST_CASE("processors and memory nodes as masks of bytes", "[systemd]") {
  struct Row {
    const char* list;
    std::string bytes;
  };
  const Row rows[] = {{"0", "\x01"},
                      {"0-3,7", "\x8f"},
                      {"8", std::string("\0\1", 2)},
                      {"0,63-64", std::string("\1\0\0\0\0\0\0\x80\1", 9)}};
  for (const Row& row : rows) {
    INFO(row.list);
    spec::Resources resources;
    resources.cpu.emplace();
    resources.cpu->cpus = row.list;
    resources.cpu->mems = row.list;
    CHECK(*find(limits(resources), "AllowedCPUs") == systemd::bytes(row.bytes));
    CHECK(*find(limits(resources), "AllowedMemoryNodes") == systemd::bytes(row.bytes));
    UnitFacts old = kNow;
    old.version = 243;
    CHECK_FALSE(find(limits(resources, old), "AllowedCPUs"));
  }
}

TEST_CASE("tasks and block devices as properties", "[systemd]") {
  spec::Resources resources;
  for (const auto& [limit, tasks] :
       std::vector<std::pair<int64_t, uint64_t>>{{5, 5}, {0, 1}, {-1, kInfinity}}) {
    resources.pids_limit = limit;
    CHECK(number(limits(resources), "TasksMax") == tasks);
  }
  resources.block_io.emplace();
  resources.block_io->weight = uint16_t{10};
  resources.block_io->throttle_read_bps = {{8, 0, 1000}, {8, 16, 0}};
  const Properties properties = limits(resources);
  CHECK(number(properties, "IOWeight") == 1);
  const Value* list = find(properties, "IOReadBandwidthMax");
  REQUIRE(list);
  CHECK(list->type == "a(st)");
  REQUIRE(list->items.size() == 2);
  CHECK(list->items[0] ==
        systemd::structure({systemd::string("/dev/block/8:0"), unsigned64(1000)}));
  CHECK(list->items[1].items[1] == unsigned64(kInfinity));
}

TEST_CASE("unified keys as properties, after everything else", "[systemd]") {
  spec::Resources resources;
  resources.pids_limit = 5;
  resources.unified = {{"pids.max", "7"},
                       {"memory.high", "1M"},
                       {"memory.min", "max"},
                       {"cpu.max", "50000 100000"},
                       {"cpu.weight", "20"},
                       {"cpuset.cpus", "1"},
                       {"io.max", "8:0 rbps=1000 wiops=max\n8:16 rbps=5"},
                       {"memory.oom.group", "1"},
                       {"hugetlb.2MB.max", "0"},
                       {"memory.zswap.max", "0"}};
  const Properties properties = limits(resources);
  CHECK(number(properties, "TasksMax") == 7);
  CHECK(number(properties, "MemoryHigh") == 1 << 20);
  CHECK(number(properties, "MemoryMin") == kInfinity);
  CHECK(number(properties, "CPUQuotaPerSecUSec") == 500000);
  CHECK(number(properties, "CPUWeight") == 20);
  CHECK(*find(properties, "AllowedCPUs") == systemd::bytes("\2"));
  CHECK(find(properties, "IOReadBandwidthMax")->items.size() == 2);
  CHECK(find(properties, "IOWriteIOPSMax")->items.size() == 1);
  CHECK_FALSE(find(properties, "OOMPolicy"));
  CHECK_FALSE(find(properties, "MemoryZSwapMax"));
  UnitFacts newer = kNow;
  newer.version = 255;
  CHECK(*find(limits(resources, newer), "OOMPolicy") == systemd::string("kill"));
  CHECK(number(limits(resources, newer), "MemoryZSwapMax") == 0);
}

spec::DeviceRule rule(bool allow, char type, std::optional<int64_t> major,
                      std::optional<int64_t> minor, const char* access) {
  const std::string_view what = access;
  return {allow,
          type,
          major,
          minor,
          what.find('r') != what.npos,
          what.find('w') != what.npos,
          what.find('m') != what.npos};
}

std::vector<std::string> allowed(const Properties& properties) {
  std::vector<std::string> lines;
  for (const Value& item : find(properties, "DeviceAllow")->items)
    lines.push_back(item.items[0].text + " " + item.items[1].text);
  return lines;
}

TEST_CASE("device rules as what systemd is to allow", "[systemd]") {
  spec::Resources resources;
  resources.devices = {rule(false, 'a', {}, {}, "rwm"), rule(true, 'c', 10, 200, "rw"),
                       rule(true, 'b', 8, {}, "r"), rule(true, 'c', 250, {}, "r")};
  const Properties properties = limits(resources);
  CHECK(find(properties, "DevicePolicy")->text == "strict");
  const auto lines = allowed(properties);
  for (const char* line : {"/dev/char/10:200 rw", "block-8 r", "char-250 r", "/dev/char/1:3 rwm",
                           "char-136 rwm", "char-* m", "block-* m"}) {
    INFO(line);
    CHECK(std::find(lines.begin(), lines.end(), line) != lines.end());
  }
}

TEST_CASE("what is allowed under one name is one entry", "[systemd]") {
  spec::Resources resources;
  resources.devices = {rule(true, 'c', {}, {}, "r"), rule(true, 'c', {}, 5, "w")};
  const auto lines = allowed(limits(resources));
  CHECK(std::count_if(lines.begin(), lines.end(),
                      [](const std::string& line) { return line.starts_with("char-* "); }) == 1);
  CHECK(std::find(lines.begin(), lines.end(), "char-* rwm") != lines.end());
}

TEST_CASE("rules that allow everything set no policy", "[systemd]") {
  spec::Resources resources;
  resources.devices = {rule(false, 'a', {}, {}, "rwm"), rule(true, 'a', {}, {}, "rwm")};
  CHECK(find(limits(resources), "DevicePolicy")->text == "auto");
  CHECK(allowed(limits(resources)).empty());
}

TEST_CASE("what is denied later is not allowed, but for exceptions", "[systemd]") {
  spec::Resources resources;
  resources.devices = {rule(true, 'c', 10, 200, "rwm"), rule(true, 'c', 10, 201, "rwm"),
                       rule(false, 'c', 10, 200, "w"), rule(false, 'c', 10, {}, "r")};
  const auto lines = allowed(limits(resources));
  const auto has = [&](const char* line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  };
  CHECK(has("/dev/char/10:200 rm"));
  CHECK(has("/dev/char/10:201 rwm"));
}

TEST_CASE("a user's manager and an old one are told of no devices", "[systemd]") {
  UnitFacts user = kNow;
  user.is_user = true;
  CHECK_FALSE(find(limits({}, user), "DevicePolicy"));
  UnitFacts old = kNow;
  old.version = 239;
  CHECK_FALSE(find(limits({}, old), "DevicePolicy"));
}

TEST_CASE("what every unit has", "[systemd]") {
  const Properties scope = base_properties({"a.scope", "b.slice"}, "web", kNow);
  CHECK(find(scope, "Description")->text == "skiff container web");
  CHECK(find(scope, "Slice")->text == "b.slice");
  CHECK(*find(scope, "Delegate") == systemd::boolean(true));
  CHECK(*find(scope, "DefaultDependencies") == systemd::boolean(false));
  for (const char* name : {"MemoryAccounting", "CPUAccounting", "TasksAccounting", "IOAccounting"})
    CHECK(*find(scope, name) == systemd::boolean(true));
  const Properties slice = base_properties({"a.slice", "b.slice"}, "web", kNow);
  CHECK_FALSE(find(slice, "Slice"));
  CHECK_FALSE(find(slice, "Delegate"));
  CHECK(find(slice, "Wants")->items.front().text == "b.slice");
}

}  // namespace
}  // namespace skiff::cgroup
