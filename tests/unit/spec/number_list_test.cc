#include "src/spec/number_list.h"

#include <catch2/catch.hpp>

using namespace skiff;

TEST_CASE("a list of numbers and ranges is read and written", "[spec]") {
  const std::pair<const char*, const char*> table[] = {{"", ""},
                                                       {" ", ""},
                                                       {"0", "0"},
                                                       {"0-3", "0-3"},
                                                       {"3,1,2", "1-3"},
                                                       {"0-3,7", "0-3,7"},
                                                       {" 1 , 3 - 4 ", "1,3-4"},
                                                       {"63,64", "63-64"},
                                                       {"127-129", "127-129"},
                                                       {"1024,4096", "1024,4096"},
                                                       {"65535", "65535"},
                                                       {"00", "0"},
                                                       {"5-5", "5"}};
  for (const auto& [list, written] : table) {
    INFO(list);
    const auto set = spec::parse_number_list(list);
    REQUIRE(set);
    CHECK(spec::number_list(*set) == written);
    CHECK(spec::parse_number_list(written)->size() == set->size());
  }
}

TEST_CASE("the bits of a list are where the kernel looks for them", "[spec]") {
  CHECK(*spec::parse_number_list("0,2,64") == spec::NumberSet{5, 1});
}

TEST_CASE("what is not a list of numbers is refused", "[spec]") {
  for (const char* list :
       {",", "1,", "a", "1-", "-1", "1--2", "1-2-3", "0x1", "1 2", "3-1", "1.5"}) {
    INFO(list);
    CHECK_FALSE(spec::parse_number_list(list));
  }
  CHECK(spec::parse_number_list("0-x\n").error().text() ==
        R"("0-x\n" is not a list of numbers like 0-3,7)");
  CHECK(spec::parse_number_list("65536").error().text() == "65536 is out of range, at most 65535");
  CHECK(spec::parse_number_list("0-18446744073709551615").error().text() ==
        "18446744073709551615 is out of range, at most 65535");
}
