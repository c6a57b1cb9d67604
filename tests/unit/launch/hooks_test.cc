#include "src/launch/hooks.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "src/base/fd.h"
#include "tests/support/scratch.h"

namespace skiff::launch {
namespace {

spec::Hook shell(const std::string& script) {
  return spec::Hook{"/bin/sh", {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, std::nullopt};
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string failure(const spec::Hook& hook, const std::string& state = "{}") {
  const auto ran = run_hooks("createRuntime", {hook}, state);
  REQUIRE_FALSE(ran);
  return ran.error().text();
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int count_descriptors() {
  int count = 0;
  DIR* directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

}  // namespace

TEST_CASE("hooks run in order, each with the whole state on stdin", "[launch]") {
  const tests::Scratch tmp;
  const std::string state(300'000, 's');  // more than any pipe holds
  const auto ran = run_hooks("poststart",
                             {shell("cat > " + (tmp.path("first"))),
                              shell("cat " + (tmp.path("first")) + " - > " + (tmp.path("second")))},
                             state);
  REQUIRE(ran);
  CHECK(content(tmp.path("first")) == state);
  CHECK(content(tmp.path("second")) == state + state);
}

TEST_CASE("no hooks are no work", "[launch]") { CHECK(run_hooks("poststop", {}, "{}")); }

TEST_CASE("a hook that never reads the state does not matter", "[launch]") {
  CHECK(run_hooks("poststart", {shell("exit 0"), shell("exec 0<&-; exit 0")},
                  std::string(300'000, 's')));
}

TEST_CASE("a hook has exactly its environment, its arguments and three descriptors", "[launch]") {
  const tests::Scratch tmp;
  const Fd stray(::open("/dev/null", O_RDONLY));  // as if inherited
  const std::string script = "echo $0 $A:$HOME; cd /proc/self/fd; echo *; exit 1";
  // 3 is the directory that the shell lists.
  CHECK(failure({"/bin/sh", {"name", "-c", script}, {"A=b"}, std::nullopt}) ==
        "createRuntime hook 1 (\"/bin/sh\"): exit status 1: \"name b:\\n0 1 2 3\"");

  // Without args the path is the name.
  spec::Hook bare{tmp.path("script"), {}, {}, std::nullopt};
  std::ofstream(bare.path) << "#!/bin/sh\n[ $# = 0 ] && exit 9\n";
  REQUIRE(::chmod(bare.path.c_str(), 0755) == 0);
  CHECK(failure(bare) == fmt::format("createRuntime hook 1 (\"{}\"): exit status 9", bare.path));
}

TEST_CASE("the first failing hook ends the list and is told with its output", "[launch]") {
  const tests::Scratch tmp;
  const auto ran = run_hooks("createContainer",
                             {shell("exit 0"), shell("echo to stdout; echo to stderr >&2; exit 3"),
                              shell("touch " + (tmp.path("never")))},
                             "{}");
  REQUIRE_FALSE(ran);
  CHECK(ran.error().text() ==
        "createContainer hook 2 (\"/bin/sh\"): exit status 3: \"to stdout\\nto stderr\"");
  CHECK_FALSE(std::filesystem::exists(tmp.path("never")));
}

TEST_CASE("a hook killed by a signal is told with the signal", "[launch]") {
  CHECK(failure(shell("kill -9 $$")) == "createRuntime hook 1 (\"/bin/sh\"): killed by signal 9");
}

TEST_CASE("a hook that cannot be executed is told with the reason", "[launch]") {
  CHECK(failure({"/no/such", {}, {}, std::nullopt}) ==
        "createRuntime hook 1 (\"/no/such\"): exec \"/no/such\": No such file or directory");
}

TEST_CASE("of a chatty hook the last 8 KiB are told, and it never blocks", "[launch]") {
  const std::string text =
      failure(shell("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1"));
  CHECK(text.size() > 8000);
  CHECK(text.size() < 8400);
  CHECK_THAT(text, Catch::Matchers::EndsWith("xxx\\nthe end\""));
}

TEST_CASE("a hook past its timeout is killed with all its process group", "[launch]") {
  const tests::Scratch tmp;
  spec::Hook hook = shell("echo begun; sleep 100 & echo $! > " + (tmp.path("pid")) + "; wait");
  hook.timeout = 1;
  const auto start = std::chrono::steady_clock::now();
  CHECK(failure(hook) ==
        "createRuntime hook 1 (\"/bin/sh\"): ran past its timeout of 1 s: \"begun\"");
  CHECK(seconds_since(start) >= 1);
  CHECK(seconds_since(start) < 5);
  const pid_t sleeper = std::stoi(content(tmp.path("pid")));
  bool gone = false;
  for (int i = 0; i < 100 && !gone; ++i) {  // nobody here reaps it, so a zombie will do
    const std::string stat = content(fmt::format("/proc/{}/stat", sleeper));
    gone = stat.empty() || stat.find(") Z ") != std::string::npos;
    ::usleep(10'000);
  }
  CHECK(gone);
}

TEST_CASE("a hook is not held up by a background process that keeps its output open", "[launch]") {
  const tests::Scratch tmp;
  const auto start = std::chrono::steady_clock::now();
  CHECK(run_hooks("poststart", {shell("sleep 20 & echo $! > " + (tmp.path("pid")))}, "{}"));
  CHECK(run_hooks("poststart", {shell("yes & echo $! > " + (tmp.path("pid2")))}, "{}"));
  CHECK(seconds_since(start) < 10);
  ::kill(std::stoi(content(tmp.path("pid"))), SIGKILL);
}

TEST_CASE("an immense timeout is no timeout, and hooks leave no descriptor behind", "[launch]") {
  const int before = count_descriptors();
  spec::Hook hook = shell("exit 0");
  hook.timeout = INT64_MAX;
  for (int i = 0; i < 20; ++i) REQUIRE(run_hooks("poststart", {hook}, "{}"));
  CHECK(count_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

}  // namespace skiff::launch
