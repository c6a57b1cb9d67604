// The command line: options, help, usage errors, the log.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

const Words kCommands = {"create", "delete", "exec", "features", "kill",  "list", "pause",
                         "ps",     "resume", "run",  "spec",     "start", "state"};

TEST_CASE("--version tells program and specification", "[cli]") {
  for (const char* flag : {"--version", "-v"}) {
    if (testing(Program::Crun) && flag[1] == 'v') continue;
    const Output output = runtime({flag});
    CHECK(output.ok());
    const Words found = lines(output.out);
    REQUIRE(found.size() >= 2);
    CHECK_THAT(found[0], Catch::Matches("[a-z]+ version [0-9].*"));
    CHECK_THAT(output.out, Catch::Contains("spec: 1."));
  }
}

TEST_CASE("help lists every command", "[cli]") {
  for (const Words& words : {Words{"--help"}, Words{"-h"}, Words{"help"}}) {
    if (testing(Program::Crun) && words[0] != "--help") continue;
    const Output output = runtime(words);
    CHECK(output.ok());
    for (const std::string& command : kCommands) {
      if (!testing(Program::Skiff) && command == "features") continue;
      CHECK_THAT(output.out, Catch::Contains(command));
    }
    CHECK(output.err == "");
  }
}

TEST_CASE("every command explains itself", "[cli]") {
  SKIFF_ONLY("has this help");
  for (const std::string& command : kCommands) {
    INFO(command);
    const Output output = runtime({command, "--help"});
    CHECK(output.ok());
    CHECK(output.err == "");
    CHECK_THAT(output.out, Catch::Contains(command));
    CHECK(runtime({"help", command}).out == output.out);
  }
  CHECK(runtime({"help", "nosuch"}).status == 1);
}

TEST_CASE("a usage error is one line that names the mistake", "[cli]") {
  SKIFF_ONLY("has these messages");
  const std::pair<Words, const char*> cases[] = {
      {{"nosuch"}, "nosuch"},
      {{"--nosuch", "list"}, "--nosuch"},
      {{"list", "--nosuch"}, "--nosuch"},
      {{"list", "-Z"}, "-Z"},
      {{"list", "extra"}, "extra"},
      {{"state"}, "id"},
      {{"state", "a", "b"}, "b"},
      {{"create"}, "id"},
      {{"create", "--bundle"}, "bundle"},
      {{"create", "--preserve-fds", "x", "id"}, "preserve-fds"},
      {{"create", "--preserve-fds", "-1", "id"}, "preserve-fds"},
      {{"run", "--detach=maybe", "id"}, "detach"},
      {{"kill"}, "id"},
      {{"delete"}, "id"},
      {{"exec", "id"}, "command"},
      {{"--log-format", "xml", "list"}, "log-format"},
      {{"--cgroup-manager", "magic", "list"}, "cgroup-manager"},
      {{"--root", "/", "list"}, "root"},
  };
  for (const auto& [words, mention] : cases) {
    std::string line;
    for (const std::string& word : words) line += word + " ";
    INFO("skiff " << line);
    const Output output = runtime(words);
    CHECK(output.status == 1);
    CHECK(output.out == "");
    CHECK(count(output.err, "\n") == 1);
    CHECK_THAT(output.err, Catch::Contains(mention, Catch::CaseSensitive::No));
  }
}

TEST_CASE("without a command the runtime does not succeed silently", "[cli]") {
  const Output output = runtime(Words{});
  CHECK(!(output.out + output.err).empty());
}

TEST_CASE("without systemd its cgroup manager is refused in clear words", "[cli]") {
  SKIFF_ONLY("says so in one line");
  NEEDS(!exists("/run/systemd/system"), "systemd runs here");
  Bundle bundle;
  bundle.without_cgroups_path();
  const Leftovers leftovers(bundle);
  Container container(bundle);
  for (const Words& global : {Words{"--cgroup-manager", "systemd"}, Words{"--systemd-cgroup"},
                              Words{"--cgroup-manager=systemd"}}) {
    Words words = global;
    for (const std::string& word :
         {std::string("--root"), bundle.state_root(), std::string("run"), std::string("--bundle"),
          bundle.path(container.id()), container.id()})
      words.push_back(word);
    const Output output = runtime(words);
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains("systemd: there is no") &&
                               Catch::Contains("--cgroup-manager cgroupfs"));
    CHECK(count(output.err, "\n") == 1);
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("--cgroup-manager cgroupfs is the default by name", "[cli]") {
  DIFFERS(Runc, "has no --cgroup-manager");
  Bundle bundle;
  bundle.without_cgroups_path();
  bundle.sh("exit 3");
  Container container(bundle);
  CHECK(runtime({"--cgroup-manager", "cgroupfs", "--root", bundle.state_root(), "run", "--bundle",
                 bundle.path(container.id()), container.id()})
            .status == 3);
}

TEST_CASE("--log --log-format json writes what engines parse", "[cli]") {
  Bundle bundle;
  bundle.without_cgroups_path();
  const std::string log = bundle.file("log.json");
  bundle.args({"/bin/nosuch \"quoted\""});
  Container container(bundle);
  const Output output =
      runtime({"--root", bundle.state_root(), "--log", log, "--log-format", "json", "create",
               "--bundle", bundle.path(container.id()), container.id()});
  CHECK(output.status == 1);
  const Words entries = lines(read_file(log));
  REQUIRE_FALSE(entries.empty());
  const Json last = parse_json(entries.back());
  REQUIRE(last.IsObject());
  CHECK(string_at(last, "/level") == "error");
  CHECK_THAT(string_at(last, "/msg"), Catch::Contains("nosuch"));
  CHECK_THAT(string_at(last, "/time"),
             Catch::Matches("20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-].*)"));
  if (testing(Program::Skiff)) CHECK_THAT(output.err, Catch::Contains("nosuch"));
}

TEST_CASE("--log appends text and keeps what was there", "[cli]") {
  Bundle bundle;
  const std::string log = bundle.file("log");
  write_file(log, "before\n");
  make_directories(bundle.state_root());
  runtime({"--root", bundle.state_root(), "--log", log, "state", "nosuch"});
  const Words entries = lines(read_file(log));
  REQUIRE(entries.size() == 2);
  CHECK(entries[0] == "before");
  CHECK_THAT(entries[1], Catch::Contains("nosuch") || Catch::Contains("does not exist"));
}

TEST_CASE("a log that cannot be written is an error", "[cli]") {
  const Output output = runtime({"--log", "/nonexistent/dir/log", "list"});
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("/nonexistent/dir/log"));
}

TEST_CASE("--debug tells more and changes nothing", "[cli]") {
  Bundle bundle;
  bundle.without_cgroups_path();
  bundle.sh("exit 3");
  Container container(bundle);
  CHECK(runtime({"--debug", "--root", bundle.state_root(), "run", "--bundle",
                 bundle.path(container.id()), container.id()})
            .status == 3);
}

TEST_CASE("an ordinary user's containers are below XDG_RUNTIME_DIR", "[cli]") {
  SKIFF_ONLY("is run as another user here");
  Bundle bundle;
  make_directories(bundle.file("xdg/skiff/" + environment().prefix + "mine"));
  run_command({"chown", "-R", "1000:1000", bundle.file("xdg")});
  CommandOptions user;
  user.cwd = "/";
  user.env = {{"XDG_RUNTIME_DIR", bundle.file("xdg")}};
  const Output list = runtime_as_user({"list", "-q"}, user);
  CHECK(list.ok());
  const Output unknown = runtime_as_user({"state", "nosuch"}, user);
  CHECK_THAT(unknown.err, Catch::Contains("container does not exist"));
}

TEST_CASE("the runtime needs nothing but its own file", "[cli]") {
  SKIFF_ONLY("is one static binary");
  CHECK_THAT(run_command({"ldd", environment().runtime}).err +
                 run_command({"ldd", environment().runtime}).out,
             Catch::Contains("not a dynamic executable") || Catch::Contains("statically linked"));
  const std::string empty = environment().scratch + "/empty";
  make_directories(empty);
  const Output copied = run_command({"cp", environment().runtime, empty + "/skiff"});
  REQUIRE(copied.ok());
  const Output output = run_command({"chroot", empty, "/skiff", "--version"});
  CHECK(output.ok());
  CHECK_THAT(output.out, Catch::StartsWith("skiff version "));
}

TEST_CASE("the hidden init command refuses to be called by hand", "[cli]") {
  SKIFF_ONLY("has it in this shape");
  const Output output = runtime({"init"});
  CHECK(output.status != 0);
  CHECK(count(output.err, "\n") <= 1);
}

}  // namespace
}  // namespace tests
