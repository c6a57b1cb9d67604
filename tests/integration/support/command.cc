#include "tests/integration/support/command.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <set>
#include <stdexcept>

#include "tests/integration/support/environment.h"
#include "tests/integration/support/files.h"

extern char** environ;

namespace tests {
namespace {

std::set<pid_t>& commands() {
  static std::set<pid_t> pids;
  return pids;
}

// A regular file, not a pipe: a detached container may hold it open for as long as it lives.
skiff::Fd make_file(std::string_view text) {
  const std::string path = environment().scratch + "/output.XXXXXX";
  std::string name = path;
  skiff::Fd file(::mkostemp(name.data(), O_CLOEXEC | O_APPEND));
  if (file.get() < 0) throw std::runtime_error("cannot create " + path);
  ::unlink(name.c_str());
  ::fchmod(file.get(), 0666);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("cannot write " + path);
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string read_all(int fd) {
  std::string text;
  char buffer[65536];
  off_t at = 0;
  for (ssize_t size; (size = ::pread(fd, buffer, sizeof buffer, at)) > 0; at += size)
    text.append(buffer, static_cast<size_t>(size));
  return text;
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (changes.count(text.substr(0, text.find('='))) == 0) merged.push_back(text);
  }
  for (const auto& [name, value] : changes) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> found;
  for (const std::string& text : strings) found.push_back(const_cast<char*>(text.c_str()));
  found.push_back(nullptr);
  return found;
}

[[noreturn]] void fail(const char* step) {
  ::dprintf(2, "%s: %s\n", step, std::strerror(errno));
  ::_exit(120);
}

void take_descriptors(const CommandOptions& options, int in, int out, int err) {
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (options.terminal >= 0) {
    ::setsid();
    if (::ioctl(options.terminal, TIOCSCTTY, 0) < 0) fail("TIOCSCTTY");
    in = out = err = options.terminal;
  }
  if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) fail("dup2");
  // First out of the way of every target, then to their places.
  std::vector<std::pair<int, int>> parked;
  for (const auto& [ours, theirs] : options.descriptors)
    parked.emplace_back(::fcntl(ours, F_DUPFD_CLOEXEC, 200), theirs);
  for (const auto& [ours, theirs] : parked)
    if (::dup2(ours, theirs) < 0) fail("dup2");
}

[[noreturn]] void become(const std::vector<std::string>& argv, const CommandOptions& options,
                         const std::vector<std::string>& env) {
  if (!options.cwd.empty() && ::chdir(options.cwd.c_str()) < 0) fail("chdir");
  if (options.uid >= 0) {
    const auto id = static_cast<uid_t>(options.uid);
    if (::setgroups(0, nullptr) < 0 || ::setresgid(id, id, id) < 0 || ::setresuid(id, id, id) < 0)
      fail("setresuid");
  }
  ::execvpe(argv[0].c_str(), pointers(argv).data(), pointers(env).data());
  fail(argv[0].c_str());
}

int to_exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// Reaps adopted processes meanwhile: the init of a pid namespace cannot end before its
// namespace's other processes are reaped, and `delete --force` waits for init.
bool await_end(pid_t pid, std::chrono::milliseconds limit) {
  const skiff::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    pollfd watched{pidfd.get(), POLLIN, 0};
    if (::poll(&watched, 1, 20) == 1) return true;
    reap_orphans();
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace

Command::Command(const std::vector<std::string>& argv, const CommandOptions& options)
    : seconds_(options.seconds), out_(make_file("")), err_(make_file("")) {
  const skiff::Fd input = make_file(options.input);
  const std::vector<std::string> env = merged_environment(options.env);
  pid_ = fork_cleanly();
  if (pid_ == 0) {
    take_descriptors(options, options.stdin_fd >= 0 ? options.stdin_fd : input.get(),
                     options.stdout_fd >= 0 ? options.stdout_fd : out_.get(), err_.get());
    become(argv, options, env);
  }
  commands().insert(pid_);
}

Command::Command(Command&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      wait_status_(other.wait_status_),
      reaped_(other.reaped_),
      seconds_(other.seconds_),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)) {}

Command::~Command() {
  if (pid_ <= 0 || reaped_) return;
  ::kill(pid_, SIGKILL);
  reap(true);
}

bool Command::reap(bool block) {
  if (reaped_) return true;
  if (::waitpid(pid_, &wait_status_, block ? 0 : WNOHANG) != pid_) return false;
  reaped_ = true;
  commands().erase(pid_);
  return true;
}

bool Command::running() { return !reap(false); }

void Command::signal(int number) const { ::kill(pid_, number); }

Output Command::wait() {
  const bool in_time = reaped_ || await_end(pid_, patience(seconds_));
  if (!in_time) ::kill(pid_, SIGKILL);
  reap(true);
  Output output{in_time ? to_exit_status(wait_status_) : -1, out(), err()};
  if (!in_time) output.err += "\n[killed by the test: the time ran out]";
  return output;
}

std::string Command::out() const { return read_all(out_.get()); }
std::string Command::err() const { return read_all(err_.get()); }

Output run_command(const std::vector<std::string>& argv, const CommandOptions& options) {
  return Command(argv, options).wait();
}

pid_t fork_cleanly() {
  sigset_t all;
  sigset_t original;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &original);
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    ::sigemptyset(&original);
  }
  ::sigprocmask(SIG_SETMASK, &original, nullptr);
  if (pid < 0) throw std::runtime_error("cannot fork");
  return pid;
}

bool is_command(pid_t pid) { return commands().count(pid) > 0; }

int in_child(const std::function<int()>& body) {
  const pid_t pid = fork_cleanly();
  if (pid == 0) ::_exit(body());
  commands().insert(pid);
  const bool in_time = await_end(pid, patience(20));
  if (!in_time) ::kill(pid, SIGKILL);
  int wait_status = 0;
  ::waitpid(pid, &wait_status, 0);
  commands().erase(pid);
  return in_time ? to_exit_status(wait_status) : -1;
}

}  // namespace tests
