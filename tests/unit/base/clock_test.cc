#include "src/base/clock.h"

#include <time.h>

#include <catch2/catch.hpp>

TEST_CASE("the time is RFC 3339 in UTC with as many digits as asked for", "[base]") {
  const time_t before = ::time(nullptr);
  const std::string text = skiff::clock::now_rfc3339(6);
  REQUIRE(text.size() == std::string("2026-01-02T03:04:05.123456Z").size());
  CHECK(text[19] == '.');
  CHECK(text.back() == 'Z');
  tm parsed{};
  REQUIRE(::strptime(text.substr(0, 19).c_str(), "%Y-%m-%dT%H:%M:%S", &parsed) != nullptr);
  const time_t told = ::timegm(&parsed);
  CHECK(told >= before);
  CHECK(told <= before + 60);
  CHECK(skiff::clock::now_rfc3339(0).size() == 20);
  CHECK(skiff::clock::now_rfc3339(9).size() == 30);
}
