#include "src/commands/option.h"

#include <catch2/catch.hpp>

#include "src/base/text.h"

using namespace skiff;
using namespace skiff::commands;

namespace {

Result<void> check_digit(const std::string& argument) {
  if (argument.size() != 1) return Error::invalid("expected a digit");
  return {};
}

constexpr Option kOptions[] = {
    {"bundle", 'b', "DIR", ""}, {"env", 'e', "KEY=VALUE", ""}, {"level", 0, "N", "", check_digit},
    {"tty", 't', "", ""},       {"detach", 'd', "", ""},
};

Result<Arguments> read(const std::vector<std::string>& tokens,
                       Operands style = Operands::AmongOptions) {
  return read_options(kOptions, tokens, style, "see help");
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("an option's argument may follow it in every customary way", "[commands]") {
  const auto tokens = GENERATE(Words{"--bundle", "/b"}, Words{"--bundle=/b"}, Words{"-b", "/b"},
                               Words{"-b/b"}, Words{"-b=/b"}, Words{"-tdb", "/b"}, Words{"-tb/b"});
  const Result<Arguments> arguments = read(tokens);
  REQUIRE(arguments);
  CHECK(arguments->get("bundle") == "/b");
  CHECK(arguments->operands().empty());
}

TEST_CASE("an option that was not given has no argument", "[commands]") {
  const Result<Arguments> arguments = read({});
  REQUIRE(arguments);
  CHECK_FALSE(arguments->get("bundle"));
  CHECK(arguments->value_or("bundle", ".") == ".");
  CHECK(arguments->all("env").empty());
  CHECK_FALSE(arguments->flag("tty"));
}

TEST_CASE("of an option given twice the last argument counts, of a list all do", "[commands]") {
  const Result<Arguments> arguments = read({"-b", "one", "-e", "A=1", "--bundle=two", "--env=B=2"});
  REQUIRE(arguments);
  CHECK(arguments->get("bundle") == "two");
  CHECK(arguments->all("env") == Words{"A=1", "B=2"});
}

TEST_CASE("an argument may be empty", "[commands]") {
  const auto tokens = GENERATE(Words{"--bundle="}, Words{"--bundle", ""}, Words{"-b="});
  const Result<Arguments> arguments = read(tokens);
  REQUIRE(arguments);
  CHECK(arguments->get("bundle") == "");
}

TEST_CASE("an argument may look like a command's operand or an option's name", "[commands]") {
  const Result<Arguments> arguments =
      read({"--bundle", "tty", "-e", "--", "web"}, Operands::EndOptions);
  REQUIRE(arguments);
  CHECK(arguments->get("bundle") == "tty");
  CHECK(arguments->get("env") == "--");
  CHECK_FALSE(arguments->flag("tty"));
  CHECK(arguments->operands() == Words{"web"});
}

TEST_CASE("a flag is on when given, unless its value says no", "[commands]") {
  CHECK(read({"--tty"})->flag("tty"));
  CHECK(read({"-dt"})->flag("tty"));
  CHECK(read({"--tty=true"})->flag("tty"));
  CHECK(read({"-t=yes"})->flag("tty"));
  CHECK_FALSE(read({"--tty=false"})->flag("tty"));
  CHECK_FALSE(read({"-t=no"})->flag("tty"));
  CHECK_FALSE(read({"--tty", "--tty=0"})->flag("tty"));
  CHECK(read({"--tty=0", "-t"})->flag("tty"));
}

TEST_CASE("a flag's value is a truth value", "[commands]") {
  CHECK(read({"--tty=maybe"}).error().text() == "--tty: expected true or false, found \"maybe\"");
  CHECK(read({"-t="}).error().text() == "--tty: expected true or false, found \"\"");
}

TEST_CASE("options may stand among operands", "[commands]") {
  const Result<Arguments> arguments = read({"web", "-d", "KILL"});
  REQUIRE(arguments);
  CHECK(arguments->flag("detach"));
  CHECK(arguments->operands() == Words{"web", "KILL"});
}

TEST_CASE("where operands end the options, everything from the first one on is an operand",
          "[commands]") {
  const Result<Arguments> arguments =
      read({"-t", "web", "ls", "-t", "--unknown", "--", "-d"}, Operands::EndOptions);
  REQUIRE(arguments);
  CHECK(arguments->flag("tty"));
  CHECK_FALSE(arguments->flag("detach"));
  CHECK(arguments->operands() == Words{"web", "ls", "-t", "--unknown", "--", "-d"});
}

TEST_CASE("two dashes end the options", "[commands]") {
  const auto style = GENERATE(Operands::AmongOptions, Operands::EndOptions);
  const Result<Arguments> arguments = read({"-d", "--", "-t", "--"}, style);
  REQUIRE(arguments);
  CHECK_FALSE(arguments->flag("tty"));
  CHECK(arguments->operands() == Words{"-t", "--"});
}

TEST_CASE("a single dash and an empty word are operands", "[commands]") {
  CHECK(read({"-", ""})->operands() == Words{"-", ""});
}

TEST_CASE("an unknown option is refused, with the name it resembles if there is one",
          "[commands]") {
  CHECK(read({"--foo=1"}).error().text() == "unknown option --foo (hint: see help)");
  CHECK(read({"--bundel", "x"}).error().text() ==
        "unknown option --bundel (hint: did you mean --bundle?)");
  CHECK(read({"-x"}).error().text() == "unknown option -x (hint: see help)");
  CHECK(read({"--a\nb"}).error().text() == "unknown option \"--a\\nb\" (hint: see help)");
}

TEST_CASE("names are not abbreviated", "[commands]") {
  CHECK(read({"--bund", "x"}).error().text() ==
        "unknown option --bund (hint: did you mean --bundle?)");
  CHECK_FALSE(read({"--det"}));
}

TEST_CASE("an option without its argument is refused", "[commands]") {
  const auto tokens = GENERATE(Words{"--bundle"}, Words{"-b"}, Words{"-tb"});
  CHECK(read(tokens).error().text() == "--bundle: needs an argument");
}

TEST_CASE("a failing check names the option", "[commands]") {
  const Result<Arguments> arguments = read({"--level", "10"});
  REQUIRE(arguments);
  CHECK(check_arguments(kOptions, *arguments).error().text() == "--level: expected a digit");
}

TEST_CASE("every occurrence of an option is checked, not only the last", "[commands]") {
  CHECK_FALSE(check_arguments(kOptions, *read({"--level", "10", "--level", "1"})));
  CHECK(check_arguments(kOptions, *read({"--level", "2", "--level", "1"})));
}

TEST_CASE("a misspelt word finds its neighbour, a strange one none", "[commands]") {
  const std::vector<std::string_view> names = {"create", "start", "state", "delete"};
  CHECK(text::nearest("creat", names) == "create");
  CHECK(text::nearest("stat", names) == "state");
  CHECK(text::nearest("detele", names) == "delete");
  CHECK(text::nearest("frobnicate", names).empty());
  CHECK(text::nearest("", names).empty());
}
