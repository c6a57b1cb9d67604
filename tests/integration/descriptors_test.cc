// File descriptors: what the process gets, and what it must not.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"
#include "tests/integration/support/terminal.h"

namespace tests {
namespace {

// ls(1) itself has one more open: the directory it lists.
constexpr const char* kListDescriptors = "for fd in $(ls /proc/self/fd); do printf '%s ' $fd; done";

skiff::Fd file_with(const std::string& path, std::string_view text) {
  write_file(path, text);
  return skiff::Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
}

/// Descriptors that an untidy caller left open: they must not reach the container.
CommandOptions untidy(const skiff::Fd& fd) {
  CommandOptions options;
  options.descriptors = {{fd.get(), 3}, {fd.get(), 4}, {fd.get(), 9}, {fd.get(), 120}};
  return options;
}

TEST_CASE("the process has stdin, stdout and stderr and nothing else", "[descriptors]") {
  Bundle bundle;
  bundle.args({"/bin/ls", "/proc/self/fd"});
  const skiff::Fd leak = file_with(bundle.file("leak"), "");
  SECTION("run") {
    const Output output = Container(bundle).run({}, untidy(leak));
    CHECK(lines(output.out) == Words{"0", "1", "2", "3"});
  }
  SECTION("create and start by callers with descriptors of their own") {
    Container container(bundle);
    Command create(container.words("create", {}), untidy(leak));
    REQUIRE(create.wait().ok());
    REQUIRE(container.start(untidy(leak)).ok());
    REQUIRE(container.becomes("stopped"));
    CHECK(lines(create.out()) == Words{"0", "1", "2", "3"});
  }
  SECTION("exec") {
    bundle.sh("sleep 100");
    Container container(bundle);
    container.launch();
    const Output output = container.exec({}, {"/bin/ls", "/proc/self/fd"}, untidy(leak));
    CHECK(lines(output.out) == Words{"0", "1", "2", "3"});
  }
  SECTION("with a terminal") {
    bundle.set("/process/terminal", "true").sh(std::string(kListDescriptors) + "; echo end");
    Terminal terminal;
    CommandOptions options = untidy(leak);
    options.terminal = terminal.slave();
    Container container(bundle);
    Command run(container.words("run", {}), options);
    REQUIRE(terminal.shows("end"));
    CHECK_THAT(terminal.screen(), Catch::Contains("0 1 2 3 end"));
    CHECK(run.wait().ok());
  }
}

TEST_CASE("a user namespace, seccomp and hooks leave no descriptor open either", "[descriptors]") {
  Bundle bundle;
  bundle.user_namespace().ns("cgroup");
  bundle.set("/linux/seccomp", R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
      [{"names": ["reboot"], "action": "SCMP_ACT_ERRNO"}]})");
  bundle.set("/hooks", R"({"startContainer": [{"path": "/bin/true"}]})");
  bundle.args({"/bin/ls", "/proc/self/fd"});
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(lines(output.out) == Words{"0", "1", "2", "3"});
}

TEST_CASE("the parked init holds nothing of the host open", "[descriptors]") {
  SKIFF_ONLY("promises a known list");
  Bundle bundle;
  Container container(bundle);
  const skiff::Fd leak = file_with(bundle.file("leak"), "");
  REQUIRE(container.create({}, untidy(leak)).ok());
  const std::string directory = "/proc/" + std::to_string(container.pid()) + "/fd";
  for (const std::string& fd : list_directory(directory)) {
    if (std::stoi(fd) <= 2) continue;
    struct stat status {};
    const std::string target = read_link(directory + "/" + fd);
    INFO(fd << " -> " << target);
    REQUIRE(::stat((directory + "/" + fd).c_str(), &status) == 0);
    // A directory would be a way out to the host: CVE-2024-21626.
    CHECK_FALSE(S_ISDIR(status.st_mode));
    CHECK(target != bundle.file("leak"));
  }
}

TEST_CASE("hooks get no descriptor but their three", "[descriptors]") {
  Bundle bundle;
  write_file(bundle.file("hook"),
             "#!/bin/sh\nexec ls /proc/self/fd >> " + bundle.file("fds") + "\n", 0755);
  const std::string hook = "[{\"path\": " + quote(bundle.file("hook")) + "}]";
  bundle.set("/hooks/createRuntime", hook).set("/hooks/poststart", hook);
  bundle.set("/hooks/poststop", hook);
  const skiff::Fd leak = file_with(bundle.file("leak"), "");
  const Output output = Container(bundle).run({}, untidy(leak));
  REQUIRE(output.ok());
  // 3 is the directory that ls(1) lists.
  CHECK(read_file(bundle.file("fds")) == "0\n1\n2\n3\n0\n1\n2\n3\n0\n1\n2\n3\n");
}

TEST_CASE("--preserve-fds passes descriptors from 3 on", "[descriptors]") {
  Bundle bundle;
  bundle.sh("cat <&3; cat <&4; ls /proc/self/fd");
  const skiff::Fd first = file_with(bundle.file("first"), "one\n");
  const skiff::Fd second = file_with(bundle.file("second"), "two\n");
  const skiff::Fd third = file_with(bundle.file("third"), "three\n");
  CommandOptions options;
  options.descriptors = {{first.get(), 3}, {second.get(), 4}, {third.get(), 5}};
  SECTION("run") {
    const Output output = Container(bundle).run({"--preserve-fds", "2"}, options);
    CHECK(lines(output.out) == Words{"one", "two", "0", "1", "2", "3", "4", "5"});
  }
  SECTION("create, start") {
    Container container(bundle);
    Command create(container.words("create", {"--preserve-fds=2"}), options);
    REQUIRE(create.wait().ok());
    REQUIRE(container.start().ok());
    REQUIRE(container.becomes("stopped"));
    CHECK(lines(create.out()) == Words{"one", "two", "0", "1", "2", "3", "4", "5"});
  }
  SECTION("exec") {
    bundle.sh("sleep 100");
    Container container(bundle);
    container.launch();
    const Output output = container.exec(
        {"--preserve-fds", "2"}, {"/bin/sh", "-c", "cat <&3; cat <&4; ls /proc/self/fd"}, options);
    CHECK(lines(output.out) == Words{"one", "two", "0", "1", "2", "3", "4", "5"});
  }
}

TEST_CASE("--preserve-fds of a descriptor that is not open is an error", "[descriptors]") {
  SKIFF_ONLY("sees which descriptors are its caller's");
  Bundle bundle;
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).run({"--preserve-fds", "3"});
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("preserve"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("descriptors of socket activation are passed, with LISTEN_FDS and LISTEN_PID",
          "[descriptors]") {
  DIFFERS(Crun, "1.8.1 sets no LISTEN_FDS");
  Bundle bundle;
  bundle.sh("cat <&3; echo $LISTEN_FDS $LISTEN_PID; ls /proc/self/fd");
  const skiff::Fd socket = file_with(bundle.file("socket"), "activated\n");
  CommandOptions options;
  options.descriptors = {{socket.get(), 3}};
  Container container(bundle);
  Words words{"/bin/sh", "-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\""};
  for (const std::string& word : container.words("run", {})) words.push_back(word);
  const Output output = run_command(words, options);
  INFO(output.err);
  CHECK(lines(output.out) == Words{"activated", "1 1", "0", "1", "2", "3", "4"});
}

}  // namespace
}  // namespace tests
