#include "src/linux/pidfd.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

namespace skiff::pidfd {
namespace {

/// A child that waits to be killed.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    if (pid_ == 0)
      for (;;) ::pause();
  }
  ~Sleeper() {
    ::kill(pid_, SIGKILL);
    reap();
  }
  pid_t pid() const { return pid_; }
  void reap() { ::waitpid(pid_, nullptr, 0); }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("the start time is found behind any command name", "[linux]") {
  const std::string rest = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21";
  for (const std::string command : {"(sh)", "(a b)", "(x) R 1 (y) S 2)", "()"}) {
    const auto found = parse_stat("4711 " + command + rest);
    REQUIRE(found);
    CHECK(found->start_time == 987654);
    CHECK(found->state == 'S');
  }
}

TEST_CASE("a stat line has the command, and of a zombie the status it ended with", "[linux]") {
  std::string line = "4711 (a) b) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654";
  for (int field = 23; field < 52; ++field) line += " 0";
  const auto zombie = parse_stat(line + " 1792");
  REQUIRE(zombie);
  CHECK(zombie->command == "a) b");
  CHECK(zombie->exit_status == 7 << 8);
}

TEST_CASE("how a process ended is known before it is reaped", "[linux]") {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(7);
  const auto started = start_time(child);
  const auto pidfd = open(child);
  REQUIRE(started);
  REQUIRE(pidfd);
  REQUIRE(wait_exit(*pidfd, 5000));
  CHECK(exit_status(*pidfd, child, *started) == 7 << 8);
  CHECK_FALSE(exit_status(*pidfd, child, *started + 1));
  ::waitpid(child, nullptr, 0);
  const auto after = exit_status(*pidfd, child, *started);  // since Linux 6.15
  CHECK((!after || *after == 7 << 8));
}

TEST_CASE("a stat line that makes no sense is an error", "[linux]") {
  CHECK(parse_stat("").error().text() == "malformed: \"\"");
  CHECK(parse_stat("1 (sh)").error().text() == "malformed: \"1 (sh)\"");
  CHECK(parse_stat("1 (sh) S 1 2 3").error().text() == "malformed: \"1 (sh) S 1 2 3\"");
  CHECK_FALSE(parse_stat("1 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -5 20"));
}

TEST_CASE("a pidfd tells life and death, and takes signals", "[linux]") {
  Sleeper child;
  const auto pidfd = open(child.pid());
  REQUIRE(pidfd);
  CHECK(is_alive(*pidfd));
  const auto early = wait_exit(*pidfd, 20);
  REQUIRE(early);
  CHECK_FALSE(*early);
  REQUIRE(send_signal(*pidfd, SIGKILL));
  const auto ended = wait_exit(*pidfd, 10'000);
  REQUIRE(ended);
  CHECK(*ended);
  CHECK_FALSE(is_alive(*pidfd));  // a zombie
  child.reap();
  CHECK_FALSE(is_alive(*pidfd));
  const auto late = send_signal(*pidfd, SIGTERM);
  REQUIRE_FALSE(late);
  CHECK(late.error().text() == "send signal 15: No such process");
}

TEST_CASE("a verified pidfd is of the very process that was recorded", "[linux]") {
  Sleeper child;
  const auto started = start_time(child.pid());
  REQUIRE(started);
  CHECK(*started > 0);
  auto verified = open_verified(child.pid(), *started);
  REQUIRE(verified);
  CHECK(*verified);
  // The pid now names another process than the one recorded.
  verified = open_verified(child.pid(), *started + 1);
  REQUIRE(verified);
  CHECK_FALSE(*verified);

  ::kill(child.pid(), SIGKILL);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT) == 0);
  verified = open_verified(child.pid(), *started);
  REQUIRE(verified);
  CHECK_FALSE(*verified);  // a zombie
  child.reap();
  verified = open_verified(child.pid(), *started);
  REQUIRE(verified);
  CHECK_FALSE(*verified);  // gone
  verified = open_verified(0, 0);
  REQUIRE(verified);
  CHECK_FALSE(*verified);  // a record from before there was a process
}

TEST_CASE("a process that does not exist is an error with its errno", "[linux]") {
  const pid_t none = 0x7ffffff0;  // above any pid_max
  CHECK(open(none).error().is(ESRCH));
  CHECK(start_time(none).error().text() == "open /proc/2147483632/stat: No such file or directory");
}

}  // namespace skiff::pidfd
