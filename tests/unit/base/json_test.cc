#include "src/base/json.h"

#include <catch2/catch.hpp>

using namespace skiff;

namespace {

json::Document parse(std::string text) {
  auto document = json::Document::parse(std::move(text));
  if (!document) FAIL(document.error().text());
  return *std::move(document);
}

std::string refusal(std::string text) {
  auto document = json::Document::parse(std::move(text));
  if (document) FAIL("was taken");
  return document.error().text();
}

template <class T>
std::string mismatch(const std::string& value) {
  const json::Document document = parse("{\"field\": " + value + "}");
  const auto result = document.root().required<T>("field");
  if (result) FAIL("was taken");
  return result.error().text();
}

}  // namespace

TEST_CASE("a member is read by its name and type", "[base]") {
  const json::Document document = parse(R"({
    "text": "a\u00e4\n", "yes": true, "small": -5, "port": 65535,
    "most": 18446744073709551615, "least": -9223372036854775808, "inner": {"a": 1}
  })");
  const json::View root = document.root();
  CHECK(*root.required<std::string>("text") == "a\xc3\xa4\n");
  CHECK(*root.required<bool>("yes"));
  CHECK(*root.required<int32_t>("small") == -5);
  CHECK(*root.required<uint16_t>("port") == 65535);
  CHECK(*root.required<uint64_t>("most") == UINT64_MAX);
  CHECK(*root.required<int64_t>("least") == INT64_MIN);
  CHECK(*root.required<json::View>("inner")->required<uint32_t>("a") == 1);
}

TEST_CASE("a missing or null member is absent", "[base]") {
  const json::Document document = parse(R"({"nothing": null, "some": 1})");
  const json::View root = document.root();
  for (const char* name : {"nothing", "elsewhere"}) {
    CAPTURE(name);
    CHECK_FALSE(root.has(name));
    CHECK_FALSE(*root.optional<uint32_t>(name));
    CHECK(root.list<std::string>(name)->empty());
    CHECK(root.string_map(name)->empty());
    CHECK(root.required<bool>(name).error().text() == std::string(name) + ": missing");
  }
  CHECK(root.has("some"));
  CHECK(*root.optional<uint32_t>("some") == 1u);
}

TEST_CASE("of members with one name the last counts", "[base]") {
  const json::Document document = parse(R"({"a": 1, "a": 2})");
  CHECK(*document.root().required<uint32_t>("a") == 2);
}

TEST_CASE("a wrong type names what was found", "[base]") {
  CHECK(mismatch<std::string>("1") == "field: expected string, found unsigned integer");
  CHECK(mismatch<std::string>("-1") == "field: expected string, found negative integer");
  CHECK(mismatch<std::string>("1.5") == "field: expected string, found fractional number");
  CHECK(mismatch<std::string>("1e30") == "field: expected string, found number beyond 64 bits");
  CHECK(mismatch<std::string>("true") == "field: expected string, found boolean");
  CHECK(mismatch<std::string>("[]") == "field: expected string, found array");
  CHECK(mismatch<std::string>("{}") == "field: expected string, found object");
  CHECK(mismatch<bool>("\"true\"") == "field: expected boolean, found string");
  CHECK(mismatch<bool>("0") == "field: expected boolean, found unsigned integer");
  CHECK(mismatch<uint32_t>("\"1\"") == "field: expected unsigned integer, found string");
  CHECK(mismatch<uint32_t>("1.0") == "field: expected unsigned integer, found fractional number");
  CHECK(mismatch<int64_t>("false") == "field: expected integer, found boolean");
  CHECK(mismatch<json::View>("[]") == "field: expected object, found array");
}

TEST_CASE("a number out of range names the range", "[base]") {
  CHECK(mismatch<uint16_t>("65536") == "field: 65536 is out of range, at most 65535");
  CHECK(mismatch<uint32_t>("4294967296") ==
        "field: 4294967296 is out of range, at most 4294967295");
  CHECK(mismatch<uint32_t>("-1") == "field: expected unsigned integer, found negative integer");
  CHECK(mismatch<uint64_t>("18446744073709551616") ==
        "field: expected unsigned integer, found number beyond 64 bits");
  CHECK(mismatch<int32_t>("2147483648") == "field: 2147483648 is out of range, at most 2147483647");
  CHECK(mismatch<int32_t>("-2147483649") ==
        "field: -2147483649 is out of range, at least -2147483648");
  CHECK(mismatch<int64_t>("9223372036854775808") ==
        "field: 9223372036854775808 is out of range, at most 9223372036854775807");
  CHECK(mismatch<int64_t>("-9223372036854775809") ==
        "field: expected integer, found number beyond 64 bits");
}

TEST_CASE("an error inside lists and objects carries the whole path", "[base]") {
  const json::Document document = parse(R"({"a": {"list": [{"b": []}, {"b": [1, "x"]}, 3]}})");
  const json::View a = *document.root().required<json::View>("a");
  CHECK(a.list<json::View>("list").error().text() ==
        "a.list[2]: expected object, found unsigned integer");
  CHECK(a.list<std::string>("list").error().text() == "a.list[0]: expected string, found object");
  CHECK(document.root().list<uint32_t>("a").error().text() == "a: expected array, found object");

  const json::Document good = parse(R"({"list": [{"b": [1]}, {"b": [1, "x"]}]})");
  const auto list = *good.root().list<json::View>("list");
  REQUIRE(list.size() == 2);
  CHECK(list[1].path() == "list[1]");
  CHECK(list[1].list<uint32_t>("b").error().text() ==
        "list[1].b[1]: expected unsigned integer, found string");
}

TEST_CASE("the paths of a document can begin elsewhere", "[base]") {
  const json::Document document = parse(R"({"a": 1})");
  CHECK(document.root("process").required<bool>("a").error().text() ==
        "process.a: expected boolean, found unsigned integer");
}

TEST_CASE("a map of strings keeps its order and checks its values", "[base]") {
  const json::Document document = parse(R"({"map": {"b": "1", "a": "2"}, "bad": {"x y\n": 3}})");
  const auto map = *document.root().string_map("map");
  REQUIRE(map.size() == 2);
  CHECK(map[0] == std::pair<std::string, std::string>("b", "1"));
  CHECK(map[1] == std::pair<std::string, std::string>("a", "2"));
  CHECK(document.root().string_map("bad").error().text() ==
        R"(bad."x y\n": expected string, found unsigned integer)");
}

TEST_CASE("blank values say nothing", "[base]") {
  const json::Document document =
      parse(R"({"n": null, "s": "", "a": [], "o": {}, "z": 0, "f": false,
                "S": "x", "A": [0], "O": {"a": null}, "Z": -1, "F": true})");
  for (const char* name : {"n", "s", "a", "o", "z", "f", "absent"}) {
    CAPTURE(name);
    CHECK(document.root().is_blank(name));
  }
  for (const char* name : {"S", "A", "O", "Z", "F"}) {
    CAPTURE(name);
    CHECK_FALSE(document.root().is_blank(name));
  }
}

TEST_CASE("each member is visited in order until a visit fails", "[base]") {
  const json::Document document = parse(R"({"a": 1, "b": 2, "c": 3})");
  std::string seen;
  const auto result = document.root().each_member([&](std::string_view name) -> Result<void> {
    seen += name;
    if (name == "b") return Error::invalid("enough");
    return {};
  });
  CHECK(seen == "ab");
  REQUIRE_FALSE(result);
  CHECK(result.error().text() == "enough");
}

TEST_CASE("malformed text is located by line and column", "[base]") {
  CHECK(refusal("") == "line 1, column 1: The document is empty");
  CHECK(refusal("{") == "line 1, column 2: Missing a name for object member");
  CHECK(refusal("{\n  \"a\": tru\n}") == "line 2, column 11: Invalid value");
  CHECK(refusal("{\"a\": 1,}") == "line 1, column 9: Missing a name for object member");
  CHECK(refusal("{} {}") ==
        "line 1, column 4: The document root must not be followed by other values");
  CHECK(refusal("{\"a\": \"\xff\"}") == "line 1, column 8: Invalid encoding in string");
  CHECK(refusal("{\"a\": 1e999}") == "line 1, column 7: Number too big to be stored in double");
}

TEST_CASE("escaped line ends before an error do not move it", "[base]") {
  CHECK(refusal("{\n\"a\": \"x\\n\\n\\ny\", \"b\": nul}") == "line 2, column 26: Invalid value");
}

TEST_CASE("a text that ends within a character is malformed, and no further read", "[base]") {
  for (const char* end : {"\xc3", "\xe2\x82", "\xeb", "\xf0", "\xf0\x9f", "\xf0\x9f\x98"}) {
    std::string text = std::string(R"({"long enough for the heap": ")") + end;
    text.shrink_to_fit();
    CHECK_FALSE(json::Document::parse(text));
  }
}

TEST_CASE("the root must be an object", "[base]") {
  CHECK(refusal("[1]") == "expected object, found array");
  CHECK(refusal("null") == "expected object, found null");
}

TEST_CASE("a NUL byte is refused wherever it stands", "[base]") {
  using namespace std::string_literals;
  CHECK(refusal("{\"a\": \"x\0y\"}"s) == "line 1, column 9: NUL byte");
  CHECK(refusal("{\n\"a\": 1}\0"s) == "line 2, column 8: NUL byte");
  CHECK(refusal("\0{}"s) == "line 1, column 1: NUL byte");
  CHECK(mismatch<std::string>(R"("x\u0000y")") == "field: contains a NUL byte");
  const json::Document document = parse(R"({"map": {"a\u0000b": "c", "d": "e"}})");
  CHECK(document.root().string_map("map").error().text() == "map: a name contains a NUL byte");
}

TEST_CASE("nesting of any depth is parsed", "[base]") {
  for (const size_t depth : {2000u, 1000000u}) {
    const std::string open(depth, '[');
    const std::string close(depth, ']');
    CHECK(parse("{\"a\": " + open + close + "}").root().has("a"));
    CHECK(refusal("{\"a\": " + open) ==
          "line 1, column " + std::to_string(depth + 7) + ": Invalid value");
  }
}

TEST_CASE("a written text reads back the same", "[base]") {
  for (const json::Style style : {json::Style::Compact, json::Style::Indented}) {
    json::Writer writer(style);
    writer.begin_object();
    writer.field("text", "a\"\n\xc3\xa4");
    writer.field("number", uint64_t{18446744073709551615u});
    writer.field("less", -3);
    writer.field("yes", true);
    writer.key("no");
    writer.null();
    writer.array("words", std::vector<std::string>{"x", ""});
    writer.key("raw");
    writer.raw("{\"a\":1}");
    writer.end_object();
    const json::Document document = parse(writer.take());
    const json::View root = document.root();
    CHECK(*root.required<std::string>("text") == "a\"\n\xc3\xa4");
    CHECK(*root.required<uint64_t>("number") == UINT64_MAX);
    CHECK(*root.required<int32_t>("less") == -3);
    CHECK(*root.required<bool>("yes"));
    CHECK_FALSE(root.has("no"));
    CHECK(*root.list<std::string>("words") == std::vector<std::string>{"x", ""});
    CHECK(*root.required<json::View>("raw")->required<uint32_t>("a") == 1);
  }
}

TEST_CASE("the two styles differ in white space", "[base]") {
  json::Writer compact(json::Style::Compact);
  compact.begin_object();
  compact.field("a", 1);
  compact.end_object();
  CHECK(compact.take() == "{\"a\":1}");
  json::Writer indented(json::Style::Indented);
  indented.begin_object();
  indented.field("a", 1);
  indented.end_object();
  CHECK(indented.take() == "{\n  \"a\": 1\n}");
}

TEST_CASE("a member of a text is set, with the objects above it", "[base]") {
  const auto set = [](const char* text, const std::vector<std::string>& path, const char* value) {
    const auto changed = json::with_member(text, path, value);
    return changed ? *changed : changed.error().text();
  };
  CHECK(set(R"({"a":1})", {"a"}, "[2]") == R"({"a":[2]})");
  CHECK(set(R"({"a": {"b": 1, "c": "\u00e4"}})", {"a", "b"}, R"({"x":null})") ==
        "{\"a\":{\"b\":{\"x\":null},\"c\":\"\xc3\xa4\"}}");
  CHECK(set("{}", {"a", "b"}, "true") == R"({"a":{"b":true}})");
  CHECK(set(R"({"a":null})", {"a", "b"}, "1") == R"({"a":{"b":1}})");
  CHECK(set(R"({"a":1,"a":2})", {"a"}, "3") == R"({"a":1,"a":3})");
  CHECK(set(R"({"a":18446744073709551615,"b":-9223372036854775808,"c":0.1})", {"d"}, "1") ==
        R"({"a":18446744073709551615,"b":-9223372036854775808,"c":0.1,"d":1})");
  CHECK(set(R"({"a":5})", {"a", "b"}, "1") ==
        "a.b: expected an object on the way, found unsigned integer");
  CHECK(set("{", {"a"}, "1") == "malformed JSON");
}
