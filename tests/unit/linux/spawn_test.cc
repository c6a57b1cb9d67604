#include "src/linux/spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "src/linux/pidfd.h"

namespace skiff {
namespace {

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

std::string read_all(const Fd& fd) {
  std::string text;
  char chunk[512];
  for (ssize_t size = 0; (size = ::read(fd.get(), chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<size_t>(size));
  return text;
}

/// The standard output of the program that `request` names.
std::string output_of(SpawnRequest request) {
  Pipe output = make_pipe();
  request.descriptors = {0, output.write.get(), 2};
  const auto child = spawn(request);
  REQUIRE(child);
  output.write.close();
  std::string text = read_all(output.read);
  REQUIRE(reap(child->pid));
  return text;
}

SpawnRequest shell(const std::string& script) {
  SpawnRequest request;
  request.path = "/bin/sh";
  request.argv = {"sh", "-c", script};
  request.env = {"PATH=/usr/bin:/bin"};
  return request;
}

/// The line of `status` (/proc/PID/status) that begins with `name`.
std::string line_of(const std::string& status, const std::string& name) {
  const size_t at = status.find(name + ":");
  return status.substr(at, status.find('\n', at) - at);
}

int count_descriptors() {
  int count = 0;
  DIR* directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

}  // namespace

TEST_CASE("a spawned program has its arguments, its environment and nothing else", "[linux]") {
  SpawnRequest request;
  request.path = "/usr/bin/env";
  request.argv = {"env"};
  request.env = {"ANSWER=42", "EMPTY="};
  CHECK(output_of(request) == "ANSWER=42\nEMPTY=\n");
  CHECK(output_of(shell("echo $0 $#")) == "sh 0\n");
}

TEST_CASE("the status of a spawned program can be reaped once", "[linux]") {
  SpawnRequest request;
  request.path = "/bin/sh";
  request.argv = {"sh", "-c", "exit 7"};
  const auto child = spawn(request);
  REQUIRE(child);
  CHECK(*pidfd::wait_exit(child->pidfd, 10'000));
  const auto status = reap(child->pid);
  REQUIRE(status);
  CHECK(WEXITSTATUS(*status) == 7);
  const auto again = reap(child->pid);
  REQUIRE_FALSE(again);
  CHECK(again.error().is(ECHILD));
  CHECK(again.error().text() == fmt::format("wait for process {}: No child processes", child->pid));
}

TEST_CASE("a program that cannot be executed is an error of spawn, and leaves no zombie",
          "[linux]") {
  SpawnRequest request;
  request.path = "/no/such\nprogram";
  request.argv = {"x"};
  const auto child = spawn(request);
  REQUIRE_FALSE(child);
  CHECK(child.error().is(ENOENT));
  CHECK(child.error().text() == "exec \"/no/such\\nprogram\": No such file or directory");
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("a namespace that is refused is an error of the clone", "[linux]") {
  SpawnRequest request;
  request.path = "/bin/true";
  request.argv = {"true"};
  request.clone_flags = 0x00000200 /* CLONE_FS */ | 0x00020000 /* CLONE_NEWNS */;
  const auto child = spawn(request);
  REQUIRE_FALSE(child);
  CHECK(child.error().text() == "clone: Invalid argument");
}

TEST_CASE("a program can be executed by descriptor, wherever its descriptor lies", "[linux]") {
  const Fd shell(::open("/bin/sh", O_PATH | O_CLOEXEC));
  Pipe output = make_pipe();
  SpawnRequest request;
  request.program = &shell;
  request.argv = {"sh", "-c", "echo by descriptor"};
  // Targets reach up to and beyond the program's own descriptor, which must move.
  request.descriptors = {0, output.write.get(), 2};
  while (static_cast<int>(request.descriptors.size()) <= shell.get())
    request.descriptors.push_back(-1);
  request.close_others = true;
  const auto child = spawn(request);
  REQUIRE(child);
  output.write.close();
  CHECK(read_all(output.read) == "by descriptor\n");
  REQUIRE(reap(child->pid));
}

TEST_CASE("descriptors whose numbers overlap their targets arrive where they belong", "[linux]") {
  // The parent of the test: 3 and 4 are pipes that change places.
  const pid_t child = ::fork();
  if (child == 0) {
    int first[2];
    int second[2];
    if (::pipe(first) != 0 || ::pipe(second) != 0) ::_exit(1);
    if (::write(first[1], "first", 5) != 5 || ::write(second[1], "second", 6) != 6) ::_exit(2);
    const int a = ::fcntl(first[0], F_DUPFD, 40);
    const int b = ::fcntl(second[0], F_DUPFD, 40);
    ::dup2(a, 3);
    ::dup2(b, 4);
    SpawnRequest request;
    request.path = "/bin/sh";
    // 2 is free for the shell's own use when it lists the directory; 5 must stay closed.
    request.argv = {"sh", "-c",
                    "test \"$(head -c 6 <&3) $(head -c 5 <&4) $(cd /proc/self/fd; echo *)\" = "
                    "'second first 0 1 2 3 4'"};
    request.env = {"PATH=/usr/bin:/bin"};
    request.descriptors = {0, 1, -1, 4, 3, -1};
    request.close_others = true;
    const auto spawned = spawn(request);
    if (!spawned) ::_exit(3);
    const auto status = reap(spawned->pid);
    ::_exit(status && *status == 0 ? 0 : 4);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a descriptor can be passed twice, and inherited ones are closed on demand", "[linux]") {
  const Fd stray(::open("/dev/null", O_RDONLY));  // not close-on-exec: as if inherited
  Pipe output = make_pipe();
  SpawnRequest request;
  request.path = "/bin/sh";
  request.env = {"PATH=/usr/bin:/bin"};
  request.descriptors = {0, output.write.get(), output.write.get()};
  const std::string list = "cd /proc/self/fd; echo *; echo error >&2";
  request.argv = {"sh", "-c", list};

  auto child = spawn(request);
  REQUIRE(child);
  REQUIRE(reap(child->pid));
  request.close_others = true;
  child = spawn(request);
  REQUIRE(child);
  REQUIRE(reap(child->pid));
  output.write.close();

  const std::string text = read_all(output.read);
  const size_t second = text.find("error\n") + 6;
  std::string first = text.substr(0, second);
  std::replace(first.begin(), first.end(), '\n', ' ');
  CHECK(first.find(fmt::format(" {} ", stray.get())) != std::string::npos);
  // 3 is the shell's own, with which it lists the directory.
  CHECK(text.substr(second) == "0 1 2 3\nerror\n");
}

TEST_CASE("signals are back at their defaults and unblocked in the new program", "[linux]") {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigset_t before;
  REQUIRE(::sigprocmask(SIG_BLOCK, &usr1, &before) == 0);
  const auto pipe_before = ::signal(SIGPIPE, SIG_IGN);
  const auto hup_before = ::signal(SIGHUP, SIG_IGN);

  SpawnRequest request;
  request.path = "/bin/cat";
  request.argv = {"cat", "/proc/self/status"};
  const std::string plain = output_of(request);
  request.mask = &usr1;
  const std::string masked = output_of(request);

  sigset_t after;
  REQUIRE(::sigprocmask(SIG_SETMASK, &before, &after) == 0);
  ::signal(SIGHUP, hup_before);
  CHECK(::signal(SIGPIPE, pipe_before) == SIG_IGN);  // untouched here
  CHECK(sigismember(&after, SIGUSR1) == 1);
  CHECK(sigismember(&after, SIGTERM) == 0);
  CHECK(line_of(plain, "SigBlk") == "SigBlk:\t0000000000000000");
  CHECK(line_of(plain, "SigIgn") == "SigIgn:\t0000000000000000");
  CHECK(line_of(masked, "SigBlk") == "SigBlk:\t0000000000000200");
}

TEST_CASE("a new session makes the program its own process group", "[linux]") {
  SpawnRequest request = shell(
      "read -r pid name state parent group session rest < /proc/$$/stat; echo $pid $group "
      "$session");
  const std::string joined = output_of(request);
  request.new_session = true;
  const std::string own = output_of(request);
  int pid = 0, group = 0, session = 0;
  REQUIRE(std::sscanf(own.c_str(), "%d %d %d", &pid, &group, &session) == 3);
  CHECK(group == pid);
  CHECK(session == pid);
  REQUIRE(std::sscanf(joined.c_str(), "%d %d %d", &pid, &group, &session) == 3);
  CHECK(group == ::getpgrp());
}

TEST_CASE("ten thousand spawns, good and bad, leave no descriptor and no process behind",
          "[linux]") {
  SpawnRequest good;
  good.path = "/bin/true";
  good.argv = {"true"};
  SpawnRequest bad = good;
  bad.path = "/no/such/program";
  const int before = count_descriptors();
  for (int i = 0; i < 10'000; ++i) {
    const bool fails = i % 20 != 0;
    const auto child = spawn(fails ? bad : good);
    if (static_cast<bool>(child) == fails) FAIL("spawn " << i);
    if (child && !reap(child->pid)) FAIL("reap " << i);
  }
  CHECK(count_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

}  // namespace skiff
