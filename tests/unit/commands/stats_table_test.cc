#include "src/commands/stats_table.h"

#include <catch2/catch.hpp>

#include "src/base/text.h"

using namespace skiff;
using namespace skiff::commands;

namespace {

Consumption busy() {
  Consumption of;
  of.id = "web";
  of.cpu_hundredths = 1234;
  of.memory = 256u << 20;
  of.memory_limit = 512u << 20;
  of.read = 1536;
  of.written = 0;
  of.pids = 12;
  of.pids_limit = 100;
  of.received = 5'000'000'000;
  of.sent = 999;
  return of;
}

}  // namespace

TEST_CASE("amounts have at most five characters", "[commands][stats]") {
  CHECK(short_amount(0) == "0");
  CHECK(short_amount(999) == "999");
  CHECK(short_amount(1000) == "0.9K");
  CHECK(short_amount(1536) == "1.5K");
  CHECK(short_amount(10240) == "10K");
  CHECK(short_amount(999 * 1024) == "999K");
  CHECK(short_amount(1000 * 1024) == "0.9M");
  CHECK(short_amount(512u << 20) == "512M");
  CHECK(short_amount(uint64_t{3} << 30) == "3.0G");
  CHECK(short_amount(UINT64_MAX) == "15E");
  for (uint64_t bytes = 1; bytes < UINT64_MAX / 3; bytes = bytes * 3 + 1)
    CHECK(short_amount(bytes).size() <= 5);
}

TEST_CASE("a long id keeps what tells it from others", "[commands][stats]") {
  CHECK(short_id("web", 8) == "web");
  CHECK(short_id("web-00000001", 12) == "web-00000001");
  CHECK(short_id("production-web-00000001", 12) == "produc~00001");
  CHECK(short_id(std::string(60, 'a') + "0123", 30) == "aaaaaaaaaaaa");
  CHECK(short_id(std::string(64, 'g'), 12) == "gggggg~ggggg");
}

TEST_CASE("the table has aligned columns", "[commands][stats]") {
  Consumption idle;
  idle.id = "a";
  CHECK(stats_table({busy(), idle}, 0) ==
        "ID   CPU%  MEM/LIMIT  MEM%  READ/WRITE    PIDS     RX/TX\n"
        "web  12.3  256M/512M  50.0      1.5K/0  12/100  4.6G/999\n"
        "a    0.00        0/-     -         0/0     0/-       0/0\n");
}

TEST_CASE("no line is longer than 80 columns, whatever there is to show", "[commands][stats]") {
  Consumption most;
  most.id = std::string(200, 'x');
  most.cpu_hundredths = 1'280'000;
  most.memory = 1023u << 20;
  most.memory_limit = uint64_t{1023} << 30;
  most.read = most.written = most.received = most.sent = 1023u << 20;
  most.pids = 4194304;
  most.pids_limit = 4194304;
  const std::string table = stats_table({busy(), most}, 0);
  for (const std::string_view line : text::split(table, '\n')) {
    INFO(line);
    CHECK(line.size() <= 80);
  }
  const std::string wide = stats_table({most}, 300);
  CHECK(wide.find(most.id) != std::string::npos);
}

TEST_CASE("JSON has exact numbers, null for no limit", "[commands][stats]") {
  Consumption idle;
  idle.id = "a";
  CHECK(stats_json({}) == "[]\n");
  CHECK(stats_json({busy(), idle}) ==
        R"([{"id":"web","cpuPercent":12.34,"memory":268435456,"memoryLimit":536870912,)"
        R"("ioRead":1536,"ioWrite":0,"pids":12,"pidsLimit":100,"networkRx":5000000000,)"
        R"("networkTx":999},{"id":"a","cpuPercent":0.00,"memory":0,"memoryLimit":null,)"
        R"("ioRead":0,"ioWrite":0,"pids":0,"pidsLimit":null,"networkRx":0,"networkTx":0}])"
        "\n");
}
