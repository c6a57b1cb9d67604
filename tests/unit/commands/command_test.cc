#include "src/commands/command.h"

#include <catch2/catch.hpp>
#include <set>

using namespace skiff;
using namespace skiff::commands;

namespace {

using Words = std::vector<std::string>;

/// What the user is told about a command line; "" if it is fine.
std::string complaint(const Words& tokens) {
  const Result<GlobalOptions> globals = read_global_options(tokens);
  if (!globals) return globals.error().text();
  const Result<Invocation> call = prepare(*globals);
  return call ? "" : call.error().text();
}

std::string title(const Words& tokens) {
  const Result<GlobalOptions> globals = read_global_options(tokens);
  REQUIRE(globals);
  const Result<Invocation> call = prepare(*globals);
  REQUIRE(call);
  return call->title();
}

}  // namespace

TEST_CASE("every command can be found, explained and run", "[commands]") {
  std::set<std::string_view> names;
  for (const Command* command : all_commands()) {
    INFO(command->name);
    CHECK(names.insert(command->name).second);
    CHECK(find_command(command->name) == command);
    CHECK_FALSE(command->summary.empty());
    CHECK(command->run != nullptr);
  }
  CHECK(find_command("create") != nullptr);
  CHECK(find_command("init") == nullptr);
}

TEST_CASE("no command has one spelling for two options", "[commands]") {
  for (const Command* command : all_commands()) {
    std::set<std::string_view> names = {"help"};
    std::set<char> letters = {'h'};
    for (const Option& option : command->options) {
      INFO(command->name << " --" << option.name);
      CHECK(names.insert(option.name).second);
      CHECK((option.letter == 0 || letters.insert(option.letter).second));
      CHECK_FALSE(option.help.empty());
    }
  }
}

TEST_CASE("the command lines of engines are understood", "[commands]") {
  const auto line = GENERATE(
      Words{"--root", "/r", "--log", "/l.json", "--log-format", "json", "create", "--bundle", "/b",
            "--pid-file", "/p", "--console-socket", "/s", "--no-pivot", "--no-new-keyring", "web"},
      Words{"--cgroup-manager", "disabled", "--log-format=json", "--log=/l", "create", "--bundle",
            "/b", "web"},
      Words{"--root", "/r", "exec", "--process", "/f", "--detach", "--pid-file", "/p", "web"},
      Words{"exec", "--pid-file", "/p", "--process", "/f", "--detach", "--console-socket", "/s",
            "web"},
      Words{"exec", "--process-label", "", "--apparmor=", "-e", "A=1", "-u", "1:2", "-g", "3",
            "web", "ls", "-t"},
      Words{"kill", "--all", "web", "9"}, Words{"kill", "-a", "web", "SIGTERM"},
      Words{"delete", "--force", "web"}, Words{"ps", "--format", "json", "web"},
      Words{"ps", "web", "-o", "pid,comm"}, Words{"state", "web"},
      Words{"--systemd-cgroup", "start", "web"},
      Words{"run", "--bundle", "/b", "--detach", "--keep", "web"},
      Words{"list", "-q", "-f", "json"}, Words{"spec", "--rootless", "-b", "/b"}, Words{"features"},
      Words{"-v"}, Words{"--debug", "--rootless", "auto", "pause", "web"}, Words{"-V"});
  INFO(line.front() << " " << line.back());
  CHECK(complaint(line).empty());
}

TEST_CASE("a wrong command line is answered with one line that says what is wrong", "[commands]") {
  CHECK(complaint({}) == "no command given (hint: see skiff --help)");
  CHECK(complaint({"creat"}) == "unknown command creat (hint: did you mean create?)");
  CHECK(complaint({"frobnicate"}) == "unknown command frobnicate (hint: see skiff help)");
  CHECK(complaint({"--foo", "list"}) == "unknown option --foo (hint: see skiff --help)");
  CHECK(complaint({"create", "--foo", "web"}) ==
        "create: unknown option --foo (hint: see skiff help create)");
  CHECK(
      complaint({"create"}) ==
      "create: missing argument CONTAINER-ID (hint: usage: skiff create [OPTION...] CONTAINER-ID)");
  CHECK(complaint({"state", "a", "b"}) ==
        "state: unexpected argument \"b\" (hint: usage: skiff state CONTAINER-ID)");
  CHECK(complaint({"list", "a"}) ==
        "list: unexpected argument \"a\" (hint: usage: skiff list [OPTION...])");
  CHECK(complaint({"exec", "web"}) ==
        "exec: missing argument COMMAND (hint: or give --process FILE)");
  CHECK(complaint({"create", "--preserve-fds", "x", "web"}) ==
        "create: --preserve-fds: expected a number from 0 to 1048576, found \"x\"");
  CHECK(complaint({"create", "--bundle=", "web"}) == "create: --bundle: must not be empty");
  CHECK(complaint({"kill", "web", "NOPE"}) ==
        "kill: unknown signal \"NOPE\" (hint: a number from 0 to 64 or a name such as TERM)");
  CHECK(complaint({"list", "-f", "xml"}) ==
        "list: --format: expected table or json, found \"xml\"");
}

TEST_CASE("global options are checked before the command is looked at", "[commands]") {
  CHECK(complaint({"--root", "/", "list"}) == "--root: must not be /");
  CHECK(complaint({"--root", "/x/..", "list"}) == "--root: must not be /");
  CHECK(complaint({"--root=", "list"}) == "--root: must not be empty");
  CHECK(complaint({"--log-format", "xml", "list"}) ==
        "--log-format: expected text|json, found \"xml\"");
  CHECK(complaint({"--log-level=loud", "list"}) ==
        "--log-level: expected error|warning|info|debug, found \"loud\"");
  CHECK(complaint({"--cgroup-manager", "v3", "list"}) ==
        "--cgroup-manager: expected cgroupfs|systemd|disabled, found \"v3\"");
  CHECK(complaint({"--rootless", "perhaps", "list"}) ==
        "--rootless: expected true|false|auto, found \"perhaps\"");
}

TEST_CASE("messages are titled with the command and the container", "[commands]") {
  CHECK(title({"create", "-b", "/b", "web"}) == "create web");
  CHECK(title({"exec", "web", "ls"}) == "exec web");
  CHECK(title({"kill", "a\nb"}) == "kill \"a\\nb\"");
  CHECK(title({"list"}) == "list");
}

TEST_CASE("help is a command, whatever it was asked with", "[commands]") {
  CHECK(title({"--help"}) == "help");
  CHECK(title({"-h"}) == "help");
  CHECK(title({"create", "--help"}) == "help");
  CHECK(title({"create", "-h", "too", "many"}) == "help");
  CHECK(title({"exec", "web", "ls", "--help"}) == "exec web");
}

TEST_CASE("the log is configured by the global options", "[commands]") {
  const Result<GlobalOptions> plain = read_global_options({"list"});
  CHECK_FALSE(plain->log_file());
  CHECK(plain->log_format() == log::Format::Text);
  CHECK(plain->log_level() == log::Level::Warning);
  const Result<GlobalOptions> full = read_global_options(
      {"--log", "f", "--log-format=json", "--log-level", "error", "list", "--log", "x"});
  CHECK(full->log_file() == "f");
  CHECK(full->log_format() == log::Format::Json);
  CHECK(full->log_level() == log::Level::Error);
  CHECK(full->command == Words{"list", "--log", "x"});
  CHECK(read_global_options({"--debug", "list"})->log_level() == log::Level::Debug);
}

TEST_CASE("the cgroup manager is chosen by the more specific option", "[commands]") {
  CHECK(*read_global_options({"--systemd-cgroup", "run"})->cgroup_driver() ==
        container::CgroupDriver::Systemd);
  CHECK(*read_global_options({"--cgroup-manager", "systemd", "run"})->cgroup_driver() ==
        container::CgroupDriver::Systemd);
  CHECK(*read_global_options({"--systemd-cgroup", "--cgroup-manager=cgroupfs", "run"})
             ->cgroup_driver() == container::CgroupDriver::Cgroupfs);
  CHECK(*read_global_options({"--cgroup-manager=disabled", "run"})->cgroup_driver() ==
        container::CgroupDriver::Disabled);
  CHECK(*read_global_options({"run"})->cgroup_driver() == container::CgroupDriver::Cgroupfs);
}
