// Terminals: relayed by run and exec, or handed to an engine's socket.
#include "tests/integration/support/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

CommandOptions at(const Terminal& terminal) {
  CommandOptions options;
  options.terminal = terminal.slave();
  return options;
}

TEST_CASE("a process with a terminal has one of its own, in its own devpts", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.sh(
      "tty; test -t 0 && test -t 1 && test -t 2 && echo all-three; "
      "echo con > /dev/console; exit 5");
  Terminal terminal;
  Container container(bundle);
  Command run(container.words("run", {}), at(terminal));
  CHECK(terminal.shows("all-three"));
  CHECK(terminal.shows("con\r\n"));
  CHECK_THAT(terminal.screen(), Catch::Contains("/dev/pts/0") || Catch::Contains("/dev/console"));
  CHECK(run.wait().status == 5);
}

TEST_CASE("the terminal is the process's controlling terminal", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  // ^C typed outside becomes SIGINT for the foreground process inside.
  bundle.sh("trap 'echo got-int; exit 6' INT; echo ready; while :; do sleep 0.05; done");
  Terminal terminal;
  Container container(bundle);
  Command run(container.words("run", {}), at(terminal));
  REQUIRE(terminal.shows("ready"));
  terminal.type("\x03");
  CHECK(terminal.shows("got-int"));
  CHECK(run.wait().status == 6);
}

TEST_CASE("what is typed reaches the process, raw", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.sh("stty raw -echo; echo ready; dd bs=1 count=3 2>/dev/null | od -An -tx1");
  Terminal terminal;
  Container container(bundle);
  Command run(container.words("run", {}), at(terminal));
  REQUIRE(terminal.shows("ready"));
  // ^D and ^Z mean nothing to the terminal outside, which is in raw mode.
  terminal.type(
      "\x04\x1a"
      "A");
  CHECK(terminal.shows("04 1a 41"));
  CHECK(run.wait().ok());
}

TEST_CASE("the terminal's size is the caller's, and follows it", "[terminal]") {
  DIFFERS(Crun, "1.8.1 sets it too late");
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.sh(
      "stty size; trap 'echo now $(stty size)' WINCH; echo ready; "
      "while :; do sleep 0.02; done");
  Terminal terminal(31, 97);
  Container container(bundle);
  Command run(container.words("run", {}), at(terminal));
  REQUIRE(terminal.shows("ready"));
  CHECK_THAT(terminal.screen(), Catch::Contains("31 97"));
  terminal.resize(44, 133);
  CHECK(terminal.shows("now 44 133"));
  CHECK(container.kill({"KILL"}).ok());
  CHECK(run.wait().status == 137);
}

TEST_CASE("consoleSize sizes the terminal of a detached container", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.set("/process/consoleSize", R"({"height": 17, "width": 61})");
  bundle.sh("stty size; sleep 100");
  ConsoleSocket socket(bundle.file("console"));
  Container container(bundle);
  REQUIRE(container.run({"-d", "--console-socket", bundle.file("console")}).ok());
  Terminal terminal(socket.receive());
  CHECK(terminal.shows("17 61"));
}

TEST_CASE("raw mode is undone on every way out", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  Terminal terminal;
  SECTION("the process exits") {
    Container container(bundle.sh("echo hi"));
    Command run(container.words("run", {}), at(terminal));
    CHECK(run.wait().ok());
  }
  SECTION("the process is killed") {
    Container container(bundle.sh("echo ready; sleep 100"));
    Command run(container.words("run", {}), at(terminal));
    REQUIRE(terminal.shows("ready"));
    CHECK_FALSE(terminal.cooked());
    container.kill({"KILL"});
    CHECK(run.wait().status == 137);
  }
  SECTION("the runtime is sent TERM") {
    Container container(bundle.sh("trap 'exit 3' TERM; echo ready; while :; do sleep 0.02; done"));
    Command run(container.words("run", {}), at(terminal));
    REQUIRE(terminal.shows("ready"));
    run.signal(SIGTERM);
    CHECK(run.wait().status == 3);
  }
  SECTION("the container cannot be made") {
    Container container(bundle.args({"/bin/nosuch"}));
    Command run(container.words("run", {}), at(terminal));
    CHECK(run.wait().status == 1);
  }
  CHECK(terminal.cooked());
}

TEST_CASE("the last output before the exit is not lost", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.sh("seq 1 40000; echo the-very-last");
  for (int round = 0; round < 3; ++round) {
    Terminal terminal;
    Container container(bundle);
    Command run(container.words("run", {}), at(terminal));
    CHECK(terminal.shows("the-very-last\r\n", 20));
    CHECK(run.wait().ok());
    CHECK(count(terminal.screen(), "\n") == 40001);
  }
}

TEST_CASE("output waits for a slow reader and is not lost", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.sh("seq 1 5000; echo the-very-last");
  Terminal terminal;
  Container container(bundle);
  Command run(container.words("run", {}), at(terminal));
  ::usleep(300'000);  // the buffers of both terminals are full by now, and the process may be gone
  CHECK(terminal.shows("the-very-last\r\n", 20));
  CHECK(run.wait().ok());
  CHECK(count(terminal.screen(), "\n") == 5001);
}

TEST_CASE("the end of stdin is passed on as the terminal's end of file", "[terminal]") {
  SKIFF_ONLY("relays a terminal for a stdin that is none");
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.sh("cat; echo after-eof");
  CommandOptions options;
  options.input = "line\n";
  const Output output = Container(bundle).run({}, options);
  CHECK(output.ok());
  CHECK_THAT(output.out, Catch::Contains("line") && Catch::Contains("after-eof"));
}

TEST_CASE("--pidfd-socket is sent a pidfd of the process", "[terminal]") {
  SKIFF_ONLY("and runc since 1.2 have it");
  Bundle bundle;
  bundle.sh("sleep 100");
  const auto number_in = [](const skiff::Fd& pidfd) {
    return field(read_file("/proc/self/fdinfo/" + std::to_string(pidfd.get())), "Pid");
  };
  ConsoleSocket socket(bundle.file("pidfd"));
  Container container(bundle);
  REQUIRE(container.run({"-d", "--pidfd-socket", bundle.file("pidfd")}).ok());
  CHECK(number_in(socket.receive()) == std::to_string(container.pid()));
  CHECK(socket.name() == "standard");

  const Output output = container.exec(
      {"-d", "--pidfd-socket", bundle.file("pidfd"), "--pid-file", bundle.file("pid")},
      {"/bin/sleep", "100"});
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK(number_in(socket.receive()) == read_file(bundle.file("pid")));
  CHECK(socket.name() == "setns");
}

TEST_CASE("a detached container gives its terminal to the console socket", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.sh("echo hello; read word; echo got $word; sleep 100");
  SECTION("run --detach") {
    ConsoleSocket socket(bundle.file("console"));
    Container container(bundle);
    REQUIRE(container.run({"--detach", "--console-socket", bundle.file("console")}).ok());
    Terminal terminal(socket.receive());
    REQUIRE(terminal.master() >= 0);
    CHECK_FALSE(socket.name().empty());
    CHECK(terminal.shows("hello"));
    terminal.type("there\n");
    CHECK(terminal.shows("got there"));
  }
  SECTION("create, then start") {
    ConsoleSocket socket(bundle.file("console"));
    Container container(bundle);
    REQUIRE(container.create({"--console-socket", bundle.file("console")}).ok());
    Terminal terminal(socket.receive());
    REQUIRE(terminal.master() >= 0);
    REQUIRE(container.start().ok());
    CHECK(terminal.shows("hello"));
  }
}

TEST_CASE("a console socket's path may be longer than sun_path", "[terminal]") {
  DIFFERS(Runc, "is limited to 107 bytes");
  Bundle bundle;
  bundle.set("/process/terminal", "true").sh("echo hello; sleep 100");
  const std::string deep = bundle.file(std::string(120, 'd'));
  make_directories(deep);
  ConsoleSocket socket(bundle.file("short"));
  REQUIRE(::rename(bundle.file("short").c_str(), (deep + "/console").c_str()) == 0);
  Container container(bundle);
  const Output output = container.run({"-d", "--console-socket", deep + "/console"});
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK(Terminal(socket.receive()).shows("hello"));
}

TEST_CASE("terminal options that contradict each other are refused", "[terminal]") {
  DIFFERS(Crun, "checks less");
  Bundle bundle;
  const Leftovers leftovers(bundle);
  bundle.set("/process/terminal", "true");
  const Output no_socket = Container(bundle).run({"--detach"});
  CHECK(no_socket.status == 1);
  CHECK_THAT(no_socket.err, Catch::Contains("console"));
  CHECK(Container(bundle).create().status == 1);

  bundle.set("/process/terminal", "false");
  const Output no_terminal =
      Container(bundle).run({"--detach", "--console-socket", bundle.file("none")});
  CHECK(no_terminal.status == 1);
  CHECK_THAT(no_terminal.err, Catch::Contains("console"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a console socket that nobody listens at fails create", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create({"--console-socket", bundle.file("nobody")});
  CHECK(output.status == 1);
  CHECK(leftovers.found() == "");
}

TEST_CASE("without a terminal there is no /dev/console and no controlling terminal", "[terminal]") {
  Bundle bundle;
  bundle.sh("test -e /dev/console || echo no-console; (: < /dev/tty) 2>/dev/null || echo no-tty");
  Terminal terminal;
  Container container(bundle);
  Command run(container.words("run", {}), at(terminal));
  CHECK(terminal.shows("no-tty"));
  CHECK_THAT(terminal.screen(), Catch::Contains("no-console"));
  CHECK(run.wait().ok());
}

TEST_CASE("exec --tty relays a terminal", "[terminal]") {
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  Terminal terminal(29, 71);
  Command exec(container.words("exec", {"--tty"},
                               {"/bin/sh", "-c", "tty; stty size; read x; echo got $x; exit 4"}),
               at(terminal));
  REQUIRE(terminal.shows("29 71"));
  CHECK_THAT(terminal.screen(), Catch::Contains("/dev/pts/"));
  terminal.type("word\r");
  CHECK(terminal.shows("got word"));
  CHECK(exec.wait().status == 4);
  CHECK(terminal.cooked());
}

TEST_CASE("exec --detach --tty gives its terminal to the console socket", "[terminal]") {
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  ConsoleSocket socket(bundle.file("console"));
  const Output output = container.exec({"-d", "-t", "--console-socket", bundle.file("console")},
                                       {"/bin/sh", "-c", "echo hello; sleep 100"});
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK(Terminal(socket.receive()).shows("hello"));
}

TEST_CASE("the terminal belongs to the process's user", "[terminal]") {
  Bundle bundle;
  bundle.set("/process/terminal", "true");
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000})");
  bundle.sh("stat -L -c 'owner %u' /proc/self/fd/0; echo x > $(tty) && echo writable");
  Terminal terminal;
  Container container(bundle);
  Command run(container.words("run", {}), at(terminal));
  CHECK(terminal.shows("writable"));
  CHECK_THAT(terminal.screen(), Catch::Contains("owner 1000"));
  CHECK(run.wait().ok());
}

}  // namespace
}  // namespace tests
