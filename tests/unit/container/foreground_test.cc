#include "src/container/foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "src/linux/console.h"
#include "src/linux/pidfd.h"
#include "src/linux/spawn.h"

namespace skiff::container {
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

SpawnRequest shell(const std::string& script) {
  SpawnRequest request;
  request.path = "/bin/sh";
  request.argv = {"sh", "-c", script};
  request.env = {"PATH=/usr/bin:/bin"};
  return request;
}

/// Waits in the foreground for `script` to end, as exec and run do; its status.
int wait_for(
    const std::string& script, const std::function<void()>& before_wait = [] {}) {
  auto foreground = Foreground::begin();
  REQUIRE(foreground);
  const auto child = spawn(shell(script));
  REQUIRE(child);
  before_wait();
  const auto status = foreground->wait(child->pid, child->pidfd, Fd());
  REQUIRE(status);
  return *status;
}

/// In a forked process: runs `script` on a pseudo-terminal of its own and relays that to stdin and
/// stdout. A `plain` terminal neither echoes nor changes line ends.
[[noreturn]] void relay(const std::string& script, bool plain) {
  auto foreground = Foreground::begin();
  auto pty = console::open_host_pty();
  termios modes{};
  if (!foreground || !pty || ::tcgetattr(pty->slave.get(), &modes) < 0) ::_exit(101);
  if (plain) {
    modes.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    modes.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    ::tcsetattr(pty->slave.get(), TCSANOW, &modes);
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::sigprocmask(SIG_SETMASK, &foreground->original_mask(), nullptr);
    ::setsid();
    if (!console::adopt(pty->slave)) ::_exit(102);
    ::execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
    ::_exit(103);
  }
  const auto pidfd = pidfd::open(pid);
  pty->slave.close();
  const auto status = foreground->wait(pid, *pidfd, std::move(pty->master));
  ::_exit(status ? *status : 104);
}

struct Relayed {
  int status = -1;
  std::string output;
  rusage used{};
};

std::string read_until_end(const Fd& fd) {
  std::string text;
  char chunk[4096];
  for (ssize_t size = 0; (size = ::read(fd.get(), chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<size_t>(size));
  return text;
}

/// Relays `script` to pipes: `input` is its stdin, which then ends.
Relayed relayed(const std::string& script, const std::string& input, bool end_input = true) {
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in.read.get(), STDIN_FILENO);
    ::dup2(out.write.get(), STDOUT_FILENO);
    in.write.close();
    out.read.close();
    relay(script, true);
  }
  out.write.close();
  in.read.close();
  REQUIRE(::write(in.write.get(), input.data(), input.size()) ==
          static_cast<ssize_t>(input.size()));
  if (end_input) in.write.close();
  Relayed result;
  result.output = read_until_end(out.read);
  int status = 0;
  REQUIRE(::wait4(pid, &status, 0, &result.used) == pid);
  REQUIRE(WIFEXITED(status));
  result.status = WEXITSTATUS(status);
  return result;
}

/// Relays a script to a terminal, of which the test is the far side.
class OnTerminal {
 public:
  explicit OnTerminal(const std::string& script, bool in_background = false) {
    auto pty = console::open_host_pty();
    REQUIRE(pty);
    REQUIRE(console::set_size(pty->master, 33, 99));
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      if (!console::adopt(pty->slave)) ::_exit(100);
      if (in_background) {
        const pid_t job = ::fork();
        if (job == 0) {
          ::setpgid(0, 0);
          relay(script, false);
        }
        int status = 0;
        ::waitpid(job, &status, WUNTRACED);
        ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 105);
      }
      relay(script, false);
    }
    slave_ = std::move(pty->slave);  // so that the modes can be looked at after the end
    master_ = std::move(pty->master);
  }

  const Fd& master() const { return master_; }
  termios modes() const {
    termios modes{};
    REQUIRE(::tcgetattr(slave_.get(), &modes) == 0);
    return modes;
  }
  void type(const std::string& text) {
    REQUIRE(::write(master_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  /// What is displayed until `text` is, or for ten seconds.
  std::string read_until(const std::string& text) {
    std::string seen;
    while (seen.find(text) == std::string::npos) {
      pollfd event{master_.get(), POLLIN, 0};
      char chunk[512];
      if (::poll(&event, 1, 10'000) <= 0) break;
      const ssize_t size = ::read(master_.get(), chunk, sizeof chunk);
      if (size <= 0) break;
      seen.append(chunk, static_cast<size_t>(size));
    }
    return seen;
  }
  int status() {
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  pid_t pid() const { return pid_; }

 private:
  Fd master_;
  Fd slave_;
  pid_t pid_ = 0;
};

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

TEST_CASE("an exit status is the exit code, or 128 and the signal", "[container]") {
  CHECK(exit_status(0) == 0);
  CHECK(exit_status(3 << 8) == 3);
  CHECK(exit_status(255 << 8) == 255);
  CHECK(exit_status(SIGKILL) == 137);
  CHECK(exit_status(SIGSEGV | 0x80) == 139);  // with a core dump
}

TEST_CASE("the foreground returns the status of the process", "[container]") {
  CHECK(wait_for("exit 7") == 7);
  CHECK(wait_for("kill -TERM $$") == 143);
}

TEST_CASE("a status is there even where SIGCHLD was ignored", "[container]") {
  ::signal(SIGCHLD, SIG_IGN);
  CHECK(wait_for("exit 7") == 7);
  ::signal(SIGCHLD, SIG_DFL);
}

TEST_CASE("signals are forwarded, also those sent before the wait", "[container]") {
  for (const int signal :
       {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGTSTP, SIGTTOU, SIGWINCH, SIGCONT}) {
    CAPTURE(signal);
    const Pipe ready = make_pipe();
    auto foreground = Foreground::begin();
    REQUIRE(foreground);
    SpawnRequest request =
        shell(fmt::format("trap 'exit 42' {}; echo; while :; do sleep 0.01; done", signal));
    request.descriptors = {0, ready.write.get(), 2};
    const auto child = spawn(request);
    REQUIRE(child);
    char byte = 0;
    REQUIRE(::read(ready.read.get(), &byte, 1) == 1);
    ::kill(::getpid(), signal);
    const auto status = foreground->wait(child->pid, child->pidfd, Fd());
    REQUIRE(status);
    CHECK(*status == 42);
  }
}

TEST_CASE("other children that end meanwhile are reaped", "[container]") {
  CHECK(wait_for("sleep 0.2; exit 5", [] { REQUIRE(spawn(shell("exit 1"))); }) == 5);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("afterwards the signal mask is as before, and a late SIGPIPE does not kill",
          "[container]") {
  sigset_t before;
  sigset_t after;
  REQUIRE(::sigprocmask(SIG_SETMASK, nullptr, &before) == 0);
  CHECK(wait_for("exit 0", [] { ::raise(SIGPIPE); }) == 0);
  REQUIRE(::sigprocmask(SIG_SETMASK, nullptr, &after) == 0);
  for (int signal = 1; signal < NSIG; ++signal)
    CHECK(sigismember(&before, signal) == sigismember(&after, signal));
}

TEST_CASE("no output of a relayed process is lost, not even the last", "[container]") {
  for (int i = 0; i < 50; ++i) {
    const Relayed result = relayed("seq 1 4000; exit 3", "");
    REQUIRE(result.status == 3);
    REQUIRE(result.output.size() == 18893);
    REQUIRE_THAT(result.output, Catch::Matchers::EndsWith("\n3999\n4000\n"));
  }
}

TEST_CASE("input is relayed, and its end is the terminal's end of file", "[container]") {
  const Relayed lines = relayed("cat; echo ended", "one\ntwo\n");
  CHECK(lines.output == "one\ntwo\nended\n");
  CHECK(lines.status == 0);
  CHECK(relayed("cat; echo ended", "no newline").output == "no newlineended\n");
  CHECK(relayed("cat; echo ended", "").output == "ended\n");
}

TEST_CASE("a process that closes its terminal and opens it again is still relayed", "[container]") {
  CHECK(
      relayed("exec 0<&- 1>&- 2>&-; sleep 0.3; echo back > /dev/tty; sleep 0.3; exit 4", "", false)
          .output == "back\n");
}

TEST_CASE("a closed stdout does not end or block the relayed process", "[container]") {
  Pipe in = make_pipe();
  const pid_t pid = ::fork();
  if (pid == 0) {
    Pipe out = make_pipe();
    ::dup2(in.read.get(), STDIN_FILENO);
    ::dup2(out.write.get(), STDOUT_FILENO);
    out = Pipe();
    relay("seq 1 100000; exit 6", true);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WEXITSTATUS(status) == 6);
}

TEST_CASE("closed standard descriptors do not matter", "[container]") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    auto foreground = Foreground::begin();
    auto pty = console::open_host_pty();
    SpawnRequest request = shell("echo x; exit 8");
    request.descriptors = {pty->slave.get(), pty->slave.get(), pty->slave.get()};
    const auto child = spawn(request);
    ::close(0);
    ::close(1);
    ::close(2);
    const auto status = foreground->wait(child->pid, child->pidfd, std::move(pty->master));
    ::_exit(status ? *status : 104);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WEXITSTATUS(status) == 8);
}

TEST_CASE("a background process that keeps the terminal does not hold us up", "[container]") {
  const Stopwatch watch;
  const Relayed silent = relayed("trap '' HUP; sleep 15 & echo done; exit 2", "");
  CHECK(silent.output == "done\n");
  CHECK(silent.status == 2);
  const Relayed chatty = relayed("trap '' HUP; timeout 10 yes & sleep 0.1; exit 2", "");
  CHECK(chatty.status == 2);
  CHECK(watch.seconds() < 8);
}

TEST_CASE("a process that does not read its input costs no processor time", "[container]") {
  const Relayed result = relayed("sleep 1", std::string(60'000, '\n'), false);
  const auto& used = result.used;
  CHECK(used.ru_utime.tv_sec + used.ru_stime.tv_sec == 0);
  CHECK(used.ru_utime.tv_usec + used.ru_stime.tv_usec < 300'000);
}

TEST_CASE("the caller's terminal is raw while it is relayed, and as before afterwards",
          "[container]") {
  OnTerminal session("stty -echo; echo begun; read -r line; echo \"got $line\"; kill -TERM $$");
  const termios before = session.modes();
  CHECK((before.c_lflag & ICANON) != 0);
  session.read_until("begun");
  CHECK((session.modes().c_lflag & (ICANON | ECHO | ISIG)) == 0);
  session.type("text\r");
  CHECK_THAT(session.read_until("got text"), Catch::Matchers::Contains("got text"));
  CHECK(session.status() == 143);
  const termios after = session.modes();
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_iflag == before.c_iflag);
  CHECK(after.c_oflag == before.c_oflag);
}

TEST_CASE("Ctrl-C reaches the relayed process through its own terminal", "[container]") {
  OnTerminal session(
      "trap 'echo interrupted; exit 9' INT; echo begun; while :; do sleep 0.05; done");
  session.read_until("begun");
  session.type("\x03");
  CHECK_THAT(session.read_until("interrupted"), Catch::Matchers::Contains("interrupted"));
  CHECK(session.status() == 9);
}

TEST_CASE("the window's size is relayed, at first and when it changes", "[container]") {
  OnTerminal session(
      "trap 'stty size; exit 0' WINCH; stty size; echo begun; while :; do sleep 0.05; done");
  CHECK_THAT(session.read_until("begun"), Catch::Matchers::StartsWith("33 99\r\n"));
  REQUIRE(console::set_size(session.master(), 20, 70));
  CHECK_THAT(session.read_until("20 70"), Catch::Matchers::Contains("20 70"));
  CHECK(session.status() == 0);
}

TEST_CASE("in the background the terminal is left alone, and we are not stopped by it",
          "[container]") {
  OnTerminal session("echo begun; sleep 1; exit 11", true);
  session.read_until("begun");
  CHECK((session.modes().c_lflag & ICANON) != 0);
  session.type("meant for the shell\n");
  CHECK(session.status() == 11);
}

TEST_CASE("a user's signal ends the wait for a stdout that nobody reads", "[container]") {
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in.read.get(), STDIN_FILENO);
    ::dup2(out.write.get(), STDOUT_FILENO);
    // Fills the pipe, then leaves some more in the terminal.
    relay("head -c 65536 /dev/zero; sleep 0.2; echo more; exit 12", true);
  }
  out.write.close();
  // The relayed process is gone once its terminal is full no longer; nobody has read a byte.
  ::usleep(1'000'000);
  int status = 0;
  CHECK(::waitpid(pid, &status, WNOHANG) == 0);
  ::kill(pid, SIGTERM);
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WEXITSTATUS(status) == 12);
}

}  // namespace skiff::container
