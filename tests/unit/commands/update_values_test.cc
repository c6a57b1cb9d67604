#include "src/commands/update_values.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>

using namespace skiff;
using namespace skiff::commands;

namespace {

std::string told(const Result<int64_t>& bytes) {
  return bytes ? fmt::format("{}", *bytes) : bytes.error().text();
}

std::string told(const Result<std::string>& json) { return json ? *json : json.error().text(); }

std::string told(const Result<spec::Rlimit>& limit) {
  if (!limit) return limit.error().text();
  return fmt::format("{} {} {}", limit->resource, limit->soft, limit->hard);
}

std::string told(const Result<spec::DeviceRule>& rule) {
  if (!rule) return rule.error().text();
  return fmt::format("{} {}:{} {}{}{}", rule->type, rule->major.value_or(-1),
                     rule->minor.value_or(-1), rule->read ? "r" : "", rule->write ? "w" : "",
                     rule->mknod ? "m" : "");
}

}  // namespace

TEST_CASE("bytes are written in the units that people use", "[commands]") {
  const std::pair<const char*, const char*> table[] = {
      {"0", "0"},
      {"-1", "-1"},
      {"1024", "1024"},
      {"64k", "65536"},
      {"64K", "65536"},
      {"64KB", "65536"},
      {"64KiB", "65536"},
      {"1.5g", "1610612736"},
      {"0.5M", "524288"},
      {"2T", "2199023255552"},
      {"1p", "1125899906842624"},
      {"10 MB", "10485760"},
      {"100b", "100"},
      {"1.9", "1"},
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "9223372036854775808 are more bytes than there can be"},
      {"9000P", "9000P are more bytes than there can be"},
      {"-2", "expected a number of bytes such as 64M, or -1, found \"-2\""},
      {"", "expected a number of bytes such as 64M, or -1, found \"\""},
      {"64X", "expected a number of bytes such as 64M, or -1, found \"64X\""},
      {"64Mi", "expected a number of bytes such as 64M, or -1, found \"64Mi\""},
      {"1.2.3", "expected a number of bytes such as 64M, or -1, found \"1.2.3\""},
      {"0x10", "expected a number of bytes such as 64M, or -1, found \"0x10\""},
  };
  for (const auto& [word, expected] : table) CHECK(told(parse_bytes(word)) == expected);
}

TEST_CASE("device rules read as devices.allow has them", "[commands]") {
  CHECK(told(parse_device_rule("c 10:229 rw")) == "c 10:229 rw");
  CHECK(told(parse_device_rule("b 7:*")) == "b 7:-1 rwm");
  CHECK(told(parse_device_rule("  a *:*  r ")) == "a -1:-1 r");
  CHECK(told(parse_device_rule("a")) == "a -1:-1 rwm");
  for (const char* words : {"", "p 1:2", "c 1", "c 1:2:3", "c 1:2 x", "c 1:2 r w", "cb 1:2"})
    CHECK(told(parse_device_rule(words)) ==
          fmt::format("expected a rule such as \"c 10:229 rwm\", found \"{}\"", words));
  CHECK(told(parse_device_rule("c x:2")) == "expected a number or *, found \"x\"");
}

TEST_CASE("limits of processes have a name and one or two values", "[commands]") {
  CHECK(told(parse_rlimit("nofile=1024:4096")) == fmt::format("{} 1024 4096", int{RLIMIT_NOFILE}));
  CHECK(told(parse_rlimit("RLIMIT_CORE=0")) == fmt::format("{} 0 0", int{RLIMIT_CORE}));
  CHECK(told(parse_rlimit("memlock=5:unlimited")) ==
        fmt::format("{} 5 {}", int{RLIMIT_MEMLOCK}, uint64_t{RLIM_INFINITY}));
  CHECK(told(parse_rlimit("nofile")) == "expected TYPE=SOFT[:HARD], found \"nofile\"");
  CHECK(told(parse_rlimit("speed=1")) == "unknown limit \"speed\"");
  CHECK(told(parse_rlimit("nofile=2:1")) == "\"nofile=2:1\": the soft limit is above the hard one");
  CHECK(told(parse_rlimit("nofile=many")) == "expected a number or unlimited, found \"many\"");
}

TEST_CASE("scheduling and I/O priority become what the configuration has", "[commands]") {
  CHECK(told(parse_scheduler("batch,nice=-5")) == R"({"policy":"SCHED_BATCH","nice":-5})");
  CHECK(told(parse_scheduler("SCHED_RR,priority=1")) == R"({"policy":"SCHED_RR","priority":1})");
  CHECK(told(parse_scheduler("deadline,runtime=1,deadline=2,period=3")) ==
        R"({"policy":"SCHED_DEADLINE","runtime":1,"deadline":2,"period":3})");
  CHECK(told(parse_scheduler("batch,speed=1")) ==
        "expected POLICY, then nice=, priority=, runtime=, deadline= or period=, found "
        "\"speed=1\"");
  CHECK(told(parse_io_priority("be:4")) == R"({"class":"IOPRIO_CLASS_BE","priority":4})");
  CHECK(told(parse_io_priority("IOPRIO_CLASS_IDLE")) ==
        R"({"class":"IOPRIO_CLASS_IDLE","priority":0})");
  CHECK(told(parse_io_priority("be:8")) ==
        "expected CLASS[:LEVEL] with a level from 0 to 7, found \"be:8\"");
}
