#include "src/base/text.h"

#include <catch2/catch.hpp>

using namespace skiff;

TEST_CASE("an unsigned number is the whole word and fits 64 bits", "[base]") {
  CHECK(text::parse_unsigned("0") == 0u);
  CHECK(text::parse_unsigned("007") == 7u);
  CHECK(text::parse_unsigned("18446744073709551615") == UINT64_MAX);
  for (const char* word :
       {"", " 1", "1 ", "+1", "-1", "1x", "0x10", "1.0", "18446744073709551616"}) {
    CAPTURE(word);
    CHECK_FALSE(text::parse_unsigned(word));
  }
}

TEST_CASE("a signed number may begin with a minus", "[base]") {
  CHECK(text::parse_signed("-9223372036854775808") == INT64_MIN);
  CHECK(text::parse_signed("9223372036854775807") == INT64_MAX);
  for (const char* word : {"", "-", "--1", "+1", "9223372036854775808", "-9223372036854775809"}) {
    CAPTURE(word);
    CHECK_FALSE(text::parse_signed(word));
  }
}

TEST_CASE("an octal number has octal digits only", "[base]") {
  CHECK(text::parse_octal("0755") == 0755u);
  CHECK(text::parse_octal("37777777777") == UINT32_MAX);
  for (const char* word : {"", "8", "0o7", "40000000000"}) {
    CAPTURE(word);
    CHECK_FALSE(text::parse_octal(word));
  }
}

TEST_CASE("splitting keeps empty parts", "[base]") {
  using Parts = std::vector<std::string_view>;
  CHECK(text::split("a,b", ',') == Parts{"a", "b"});
  CHECK(text::split(",a,,b,", ',') == Parts{"", "a", "", "b", ""});
  CHECK(text::split("", ',') == Parts{""});
}

TEST_CASE("joining puts the separator between parts", "[base]") {
  CHECK(text::join({}, ", ").empty());
  CHECK(text::join({"a"}, ", ") == "a");
  CHECK(text::join({"a", "", "c"}, ", ") == "a, , c");
}

TEST_CASE("trimming takes white space from both ends", "[base]") {
  CHECK(text::trim(" \t a b \r\n") == "a b");
  CHECK(text::trim(" \n ").empty());
  CHECK(text::trim("").empty());
}

TEST_CASE("upper changes ASCII letters only", "[base]") {
  CHECK(text::upper("cap_Kill-9\xc3\xa4") == "CAP_KILL-9\xc3\xa4");
}

TEST_CASE("a quoted text stays on one line", "[base]") {
  CHECK(text::quote("plain") == "\"plain\"");
  CHECK(text::quote("a\"b\\c") == R"("a\"b\\c")");
  CHECK(text::quote("a\nb\tc\x1b[0m\x7f") == R"("a\nb\x09c\x1b[0m\x7f")");
  CHECK(text::quote(std::string_view("\0", 1)) == R"("\x00")");
}

TEST_CASE("a span of time has units, several of them, or is in seconds", "[base]") {
  using skiff::text::parse_duration;
  CHECK(parse_duration("5s") == 5'000'000);
  CHECK(parse_duration("5") == 5'000'000);
  CHECK(parse_duration("1.5s") == 1'500'000);
  CHECK(parse_duration("1m30s") == 90'000'000);
  CHECK(parse_duration("150ms") == 150'000);
  CHECK(parse_duration("7us") == 7);
  CHECK(parse_duration("1500ns") == 1);
  CHECK(parse_duration("2h") == 7'200'000'000);
  CHECK(parse_duration("0.25ms") == 250);
  for (const char* wrong : {"", "s", "-5s", "5x", "5s5", "1..5s", ".5s", "5 s", "1.s5", "1.2.3s",
                            "99999999999999999999s", "9999999999999h", "1.1234567890s"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
}
