// Programs run by the tests: with a time limit, their output kept.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "src/base/fd.h"

namespace tests {

struct CommandOptions {
  std::string input;                       // what stdin holds; a regular file, so EOF follows
  int stdin_fd = -1;                       // instead of `input`
  int stdout_fd = -1;                      // instead of a file that is read back
  int terminal = -1;                       // becomes the controlling terminal and stdin, out, err
  std::map<std::string, std::string> env;  // added to the environment, or replaced
  std::string cwd;
  std::vector<std::pair<int, int>> descriptors;  // {ours, the number there}
  int uid = -1;                                  // run as this user (and group), with no privileges
  double seconds = 30;
};

struct Output {
  int status = -1;  // the exit status, 128+n for signal n, -1 when the time ran out
  std::string out;
  std::string err;
  bool ok() const { return status == 0; }
};

/// A program that is running. Killed, with its children, if it still does at destruction.
class Command {
 public:
  explicit Command(const std::vector<std::string>& argv, const CommandOptions& options = {});
  Command(Command&&) noexcept;
  Command& operator=(Command&&) = delete;
  ~Command();

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  /// Waits for its end and returns what there is to know; SIGKILL when time runs out.
  Output wait();
  /// What it has written so far.
  std::string out() const;
  std::string err() const;

 private:
  bool reap(bool block);

  pid_t pid_ = -1;
  int wait_status_ = 0;
  bool reaped_ = false;
  double seconds_ = 30;
  skiff::Fd out_;
  skiff::Fd err_;
};

Output run_command(const std::vector<std::string>& argv, const CommandOptions& options = {});

/// fork(2) whose child has default signal dispositions and an empty mask from the first: a signal
/// must not run Catch's handlers there, which end the whole test run. Throws if it fails.
pid_t fork_cleanly();

/// True if `pid` is a Command that has not been waited for.
bool is_command(pid_t pid);

/// Calls `body` in a forked child and returns its exit status; -1 when the time ran out.
/// What the body returns is the status; it must not return into Catch's assertions.
int in_child(const std::function<int()>& body);

}  // namespace tests
