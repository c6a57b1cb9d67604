// run: its status, its streams, its signals and its flags.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    reader = skiff::Fd(ends[0]);
    writer = skiff::Fd(ends[1]);
  }
  skiff::Fd reader;
  skiff::Fd writer;
};

TEST_CASE("run returns the exit status of the process and leaves nothing behind", "[run]") {
  for (int status : {0, 1, 3, 126, 255}) {
    Bundle bundle;
    bundle.sh("exit " + std::to_string(status));
    const Leftovers leftovers(bundle);
    CHECK(Container(bundle).run().status == status);
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("run returns 128 plus the number of the signal that killed the process", "[run]") {
  // Init of a pid namespace is immune to its own signals: they come from outside.
  for (int signal : {SIGKILL, SIGTERM}) {
    Bundle bundle;
    bundle.sh(signal == SIGTERM ? "trap - TERM; echo > /tmp/ready; sleep 100"
                                : "echo > /tmp/ready; sleep 100");
    if (signal == SIGTERM) bundle.ns("pid", "-");
    Container container(bundle);
    Command run(container.words("run", {}));
    REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/ready"); }));
    CHECK(container.kill({std::to_string(signal)}).ok());
    CHECK(run.wait().status == 128 + signal);
  }
}

TEST_CASE("run passes stdout and stderr on, apart", "[run]") {
  Bundle bundle;
  bundle.sh("echo out; echo err >&2");
  const Output output = Container(bundle).run();
  CHECK(output.out == "out\n");
  CHECK(output.err == "err\n");
}

TEST_CASE("run passes stdin on, to its end", "[run]") {
  Bundle bundle;
  bundle.args({"/bin/cat"});
  CommandOptions options;
  options.input = "from outside\n";
  CHECK(Container(bundle).run({}, options).out == "from outside\n");
}

TEST_CASE("run passes data through pipes as it comes, and the end of stdin", "[run]") {
  Bundle bundle;
  bundle.args({"/bin/cat"});
  Container container(bundle);
  Pipe in;
  Pipe out;
  CommandOptions options;
  options.stdin_fd = in.reader.get();
  options.stdout_fd = out.writer.get();
  Command run(container.words("run", {}), options);
  char buffer[16] = {};
  REQUIRE(::write(in.writer.get(), "ping", 4) == 4);
  CHECK(::read(out.reader.get(), buffer, sizeof buffer) == 4);
  CHECK(std::string(buffer) == "ping");
  CHECK(run.running());
  in.reader.close();
  in.writer.close();
  CHECK(run.wait().status == 0);
}

TEST_CASE("run loses no byte of a large output", "[run]") {
  Bundle bundle;
  bundle.sh("dd if=/dev/zero bs=65536 count=160 2>/dev/null | tr '\\0' x");
  Pipe out;
  CommandOptions options;
  options.stdout_fd = out.writer.get();
  Container container(bundle);
  Command run(container.words("run", {}), options);
  out.writer.close();
  size_t total = 0;
  static char buffer[1 << 16];
  for (ssize_t size; (size = ::read(out.reader.get(), buffer, sizeof buffer)) > 0;)
    total += static_cast<size_t>(size);
  CHECK(total == 160 * 65536);
  CHECK(run.wait().ok());
}

TEST_CASE("run works with stdin, stdout and stderr closed", "[run]") {
  DIFFERS(Crun, "fails");
  DIFFERS(Runc, "copies its stdio");
  Bundle bundle;
  bundle.sh("ls -l /proc/self/fd > /tmp/fds; exit 7");
  Container container(bundle);
  std::string line;
  for (const std::string& word : container.words("run", {})) line += "'" + word + "' ";
  const Output output = run_command({"/bin/sh", "-c", "exec " + line + " <&- >&- 2>&-"});
  CHECK(output.status == 7);
  // The closed ones are /dev/null or stay closed; nothing of the runtime's takes their place.
  for (const std::string& entry : lines(read_file(bundle.rootfs() + "/tmp/fds"))) {
    INFO(entry);
    if (contains(entry, " 0 -> ") || contains(entry, " 2 -> ")) CHECK(contains(entry, "/dev/null"));
  }
}

TEST_CASE("run forwards signals to the process", "[run]") {
  for (const auto& [number, name] :
       {std::pair(SIGTERM, "TERM"), std::pair(SIGINT, "INT"), std::pair(SIGHUP, "HUP"),
        std::pair(SIGUSR1, "USR1"), std::pair(SIGUSR2, "USR2"), std::pair(SIGQUIT, "QUIT")}) {
    INFO(name);
    Bundle bundle;
    bundle.sh(std::string("trap 'exit 42' ") + name +
              "; echo > /tmp/ready; while :; do sleep 0.01; done");
    Container container(bundle);
    Command run(container.words("run", {}));
    REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/ready"); }));
    run.signal(number);
    CHECK(run.wait().status == 42);
  }
}

TEST_CASE("a signal sent while the container is being made is not lost", "[run]") {
  SKIFF_ONLY("catches signals from the start");
  for (int delay = 0; delay < 10; ++delay) {
    Bundle bundle;
    bundle.ns("pid", "-").args({"/bin/sleep", "20"});
    const Leftovers leftovers(bundle);
    Container container(bundle);
    Command run(container.words("run", {}));
    ::usleep(static_cast<useconds_t>(delay * 700));
    run.signal(SIGTERM);
    const Output output = run.wait();
    CHECK(output.status == 128 + SIGTERM);
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("run does not end before the process even if its descendants do", "[run]") {
  Bundle bundle;
  bundle.sh("(exit 5); setsid sh -c 'exit 6' & wait; sleep 0.1; exit 4");
  CHECK(Container(bundle).run().status == 4);
}

TEST_CASE("a process that ignores a forwarded signal runs on", "[run]") {
  Bundle bundle;
  bundle.sh("trap '' TERM; echo > /tmp/ready; while :; do sleep 0.01; done");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  Command run(container.words("run", {}));
  REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/ready"); }));
  run.signal(SIGTERM);
  CHECK(container.status() == "running");
  CHECK(container.kill({"KILL"}).ok());
  CHECK(run.wait().status == 137);
  CHECK(leftovers.found() == "");
}

TEST_CASE("a container that is running in the foreground can be inspected", "[run]") {
  Bundle bundle;
  bundle.sh("echo > /tmp/ready; read line; exit 9");
  Container container(bundle);
  Pipe in;
  CommandOptions options;
  options.stdin_fd = in.reader.get();
  Command run(container.words("run", {}), options);
  in.reader.close();
  REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/ready"); }));
  CHECK(container.status() == "running");
  REQUIRE(::write(in.writer.get(), "\n", 1) == 1);
  CHECK(run.wait().status == 9);
  CHECK(container.status() == "");
}

TEST_CASE("run --detach returns while the process runs", "[run]") {
  Bundle bundle;
  bundle.sh("echo hello; sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  Command run(container.words("run", {"--detach"}));
  CHECK(run.wait().ok());
  CHECK(container.status() == "running");
  CHECK(wait_until([&] { return run.out() == "hello\n"; }));
  CHECK(container.remove({"-f"}).ok());
  CHECK(leftovers.found() == "");
}

TEST_CASE("run -d of a process that ends leaves a stopped container", "[run]") {
  Bundle bundle;
  Container container(bundle);
  CHECK(container.run({"-d"}).ok());
  CHECK(container.becomes("stopped"));
}

TEST_CASE("run --no-subreaper is taken", "[run]") {
  Bundle bundle;
  bundle.sh("exit 3");
  CHECK(Container(bundle).run({"--no-subreaper"}).status == 3);
}

TEST_CASE("run --keep leaves the stopped container for delete", "[run]") {
  DIFFERS(Crun, "1.8.1 has no --keep");
  Bundle bundle;
  bundle.sh("exit 3");
  Container container(bundle);
  CHECK(container.run({"--keep"}).status == 3);
  CHECK(container.status() == "stopped");
  CHECK(container.remove().ok());
  CHECK(container.status() == "");
}

TEST_CASE("--pid-file holds init's pid and no newline", "[run]") {
  Bundle bundle;
  bundle.sh("sleep 100");
  const std::string file = bundle.file("pid");
  SECTION("create") {
    Container container(bundle);
    REQUIRE(container.create({"--pid-file", file}).ok());
    CHECK(read_file(file) == std::to_string(container.pid()));
  }
  SECTION("run --detach") {
    Container container(bundle);
    REQUIRE(container.run({"-d", "--pid-file=" + file}).ok());
    CHECK(read_file(file) == std::to_string(container.pid()));
  }
  SECTION("relative to the caller's directory") {
    Container container(bundle);
    CommandOptions options;
    options.cwd = bundle.directory();
    REQUIRE(container.create({"--pid-file", "pid"}, options).ok());
    CHECK(read_file(file) == std::to_string(container.pid()));
  }
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == (testing(Program::Crun) ? 0700u : 0644u));
}

TEST_CASE("--pid-file is replaced at once, never seen half-written", "[run]") {
  DIFFERS(Crun, "truncates and writes");
  Bundle bundle;
  const std::string file = bundle.file("pid");
  write_file(file, "old");
  std::atomic<bool> done{false};
  std::atomic<int> bad{0};
  std::thread reader([&] {
    while (!done) {
      const std::string text = read_file(file);
      if (text.empty()) ++bad;
    }
  });
  for (int round = 0; round < 10; ++round) {
    Container container(bundle);
    CHECK(container.create({"--pid-file", file}).ok());
    CHECK(read_file(file) == std::to_string(container.pid()));
  }
  done = true;
  reader.join();
  CHECK(bad == 0);
  for (const std::string& name : list_directory(bundle.directory()))
    CHECK((name == "config.json" || name == "pid" || name == "rootfs" || name == "state"));
}

TEST_CASE("a pid file that cannot be written fails create and leaves nothing behind", "[run]") {
  Bundle bundle;
  const Leftovers leftovers(bundle);
  Container container(bundle);
  const Output output = container.create({"--pid-file", "/nonexistent/dir/pid"});
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("/nonexistent/dir"));
  if (!testing(Program::Crun)) CHECK(leftovers.found() == "");
}

TEST_CASE("the bundle is the current directory unless --bundle names one", "[run]") {
  Bundle bundle;
  bundle.sh("exit 8");
  Container container(bundle);
  CommandOptions options;
  options.cwd = bundle.path(container.id());
  CHECK(runtime(bundle, {"run", container.id()}, options).status == 8);
  options.cwd = environment().scratch;
  const std::string relative = bundle.directory().substr(environment().scratch.size() + 1);
  CHECK(runtime(bundle, {"run", "-b", relative, container.id()}, options).status == 8);
  CHECK(runtime(bundle, {"run", "--bundle=" + relative, container.id()}, options).status == 8);
}

TEST_CASE("--config names another configuration in the bundle", "[run]") {
  DIFFERS(Crun, "1.8.1 wants an absolute path");
  DIFFERS(Runc, "has no --config");
  Bundle bundle;
  Container container(bundle);
  bundle.sh("exit 11");
  write_file(bundle.file("other.json"), read_file(bundle.path(container.id()) + "/config.json"));
  bundle.sh("exit 12");
  CHECK(container.run({"--config", "other.json"}).status == 11);
  CHECK(container.run({"-f", bundle.file("other.json")}).status == 11);
  CHECK(container.run().status == 12);
  const Output missing = container.run({"-f", "none.json"});
  CHECK(missing.status == 1);
  CHECK_THAT(missing.err, Catch::Contains("none.json"));
}

TEST_CASE("--no-pivot moves the rootfs into place without pivot_root", "[run]") {
  Bundle bundle;
  bundle.sh("ls / && cat /proc/self/mountinfo");
  const Output output = Container(bundle).run({"--no-pivot"});
  INFO(output.err);
  CHECK(output.ok());
  CHECK_THAT(output.out, Catch::Contains("busybox") || Catch::Contains("bin\n"));
  CHECK_THAT(output.out, !Catch::Contains(environment().scratch + "\n"));
  CHECK(find_mount(parse_mountinfo(output.out), "/").target == "/");
}

TEST_CASE("a missing bundle, rootfs or configuration is named", "[run]") {
  Bundle bundle;
  const Leftovers leftovers(bundle);
  const Output no_bundle = runtime(bundle, {"run", "--bundle", "/nonexistent/bundle", "it-none"});
  CHECK(no_bundle.status == 1);
  CHECK_THAT(no_bundle.err, Catch::Contains("/nonexistent/bundle"));

  const Output no_config = runtime(bundle, {"run", "--bundle", bundle.rootfs(), "it-none"});
  CHECK(no_config.status == 1);
  CHECK_THAT(no_config.err, Catch::Contains("config.json"));

  bundle.set("/root/path", "\"missing\"");
  const Output no_rootfs = Container(bundle).run();
  CHECK(no_rootfs.status == 1);
  CHECK_THAT(no_rootfs.err, Catch::Contains("missing"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a missing program is told apart from one that may not be executed", "[run]") {
  DIFFERS(Crun, "words it differently");
  Bundle bundle;
  write_file(bundle.rootfs() + "/bin/plain", "data", 0644);
  write_file(bundle.rootfs() + "/bin/script", "#!/bin/nosuch\n", 0755);
  const Leftovers leftovers(bundle);

  const Output not_in_path = Container(bundle.args({"nosuch"})).run();
  CHECK(not_in_path.status == 1);
  CHECK_THAT(not_in_path.err,
             Catch::Contains("executable file not found in $PATH") && Catch::Contains("nosuch"));

  const Output no_file = Container(bundle.args({"/bin/nosuch"})).run();
  CHECK(no_file.status == 1);
  CHECK_THAT(no_file.err, Catch::Contains("/bin/nosuch"));
  CHECK_THAT(no_file.err, Catch::Contains("no such file or directory", Catch::CaseSensitive::No));

  const Output plain = Container(bundle.args({"/bin/plain"})).run();
  CHECK(plain.status == 1);
  CHECK_THAT(plain.err, Catch::Contains("permission denied", Catch::CaseSensitive::No));

  const Output directory = Container(bundle.args({"/etc"})).run();
  CHECK(directory.status == 1);

  const Output interpreter = Container(bundle.args({"/bin/script"})).run();
  CHECK(interpreter.status == 1);
  CHECK_THAT(interpreter.err,
             Catch::Contains("no such file or directory", Catch::CaseSensitive::No));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a missing program already fails create", "[run]") {
  DIFFERS(Crun, "as skiff");
  Bundle bundle;
  bundle.args({"/bin/nosuch"});
  const Leftovers leftovers(bundle);
  Container container(bundle);
  const Output output = container.create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("/bin/nosuch"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("an execve that fails comes back to start with its reason", "[run]") {
  DIFFERS(Crun, "does not report it");
  DIFFERS(Runc, "reports nothing to start");
  Bundle bundle;
  write_file(bundle.rootfs() + "/bin/prog", "#!/bin/sh\n", 0755);
  bundle.args({"/bin/prog"});
  Container container(bundle);
  REQUIRE(container.create().ok());
  ::unlink((bundle.rootfs() + "/bin/prog").c_str());
  const Output output = container.start();
  CHECK(output.status == 1);
  if (testing(Program::Skiff)) {
    CHECK_THAT(output.err, Catch::Contains("/bin/prog"));
    CHECK_THAT(output.err, Catch::Contains("no such file or directory", Catch::CaseSensitive::No));
  }
  CHECK(container.becomes("stopped"));
}

TEST_CASE("--cgroup-manager disabled makes no cgroup", "[run]") {
  DIFFERS(Runc, "has no --cgroup-manager");
  Bundle bundle;
  bundle.sh("sleep 100").remove("/linux/resources");
  Container container(bundle);
  const Output output =
      runtime({"--cgroup-manager", "disabled", "--root", bundle.state_root(), "run", "-d",
               "--bundle", bundle.path(container.id()), container.id()});
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK(find_cgroups(container.id()).empty());
  CHECK(container.status() == "running");
  CHECK(container.sh("exit 3").status == 3);
  CHECK(container.remove({"--force"}).ok());
  CHECK(list_directory(bundle.state_root()).empty());
}

}  // namespace
}  // namespace tests
