/// Runs commands again and again and writes down how long each took and how much memory it held.
///
///   measure ITERATIONS PLAN RESULTS
///
/// PLAN has one command a line, its words separated by tabs, the first of them its label; every
/// iteration runs them all in order, so that rivals alternate and share whatever disturbs the
/// machine. A label "-" runs the command untimed. The command `@reap` waits until a process that
/// an earlier command left behind has ended. "{i}" in a word becomes the number of the iteration.
/// RESULTS gets a line `label nanoseconds peak-RSS-in-KiB` for each timed command; the peak is that
/// of the command and of the children it waited for. Stops at the first command that fails.
///
/// Kept small on purpose: a spawned command's peak begins with the memory of its parent.
#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

constexpr int kMaxCommands = 256;
constexpr int kMaxWords = 64;
constexpr int kPlanSize = 64 * 1024;

struct Command {
  char* label = nullptr;
  char* words[kMaxWords + 1] = {};
};

struct Plan {
  char text[kPlanSize];
  Command commands[kMaxCommands];
  int length = 0;
};

[[noreturn]] void die(const char* what, const char* object) {
  std::fprintf(stderr, "measure: %s %s: %s\n", what, object, std::strerror(errno));
  std::exit(1);
}

void read_plan(const char* path, Plan& plan) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die("open", path);
  const ssize_t size = read(fd, plan.text, kPlanSize - 1);
  if (size < 0) die("read", path);
  close(fd);
  char* rest_of_lines = nullptr;
  for (char* line = strtok_r(plan.text, "\n", &rest_of_lines);
       line != nullptr && plan.length < kMaxCommands;
       line = strtok_r(nullptr, "\n", &rest_of_lines)) {
    Command& command = plan.commands[plan.length++];
    char* rest = nullptr;
    command.label = strtok_r(line, "\t", &rest);
    for (int i = 0; i < kMaxWords; ++i)
      if ((command.words[i] = strtok_r(nullptr, "\t", &rest)) == nullptr) break;
  }
}

/// The words with the iteration filled in, valid until the next call.
char** words_for(const Command& command, int iteration) {
  static char store[kMaxWords][256];
  static char* words[kMaxWords + 1];
  int i = 0;
  for (; command.words[i] != nullptr; ++i) {
    const char* mark = std::strstr(command.words[i], "{i}");
    words[i] = command.words[i];
    if (mark == nullptr) continue;
    std::snprintf(store[i], sizeof store[i], "%.*s%d%s", static_cast<int>(mark - command.words[i]),
                  command.words[i], iteration, mark + 3);
    words[i] = store[i];
  }
  words[i] = nullptr;
  return words;
}

int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void reap() {
  alarm(20);  // kills this process: a container that does not end is a failure
  if (waitpid(-1, nullptr, 0) < 0) die("waitpid", "for the process left behind");
  alarm(0);
}

void run(const Command& command, int iteration, int results) {
  char** words = words_for(command, iteration);
  if (std::strcmp(words[0], "@reap") == 0) return reap();
  const int64_t begin = now();
  pid_t pid = 0;
  if (const int failed = posix_spawn(&pid, words[0], nullptr, nullptr, words, environ);
      failed != 0) {
    errno = failed;
    die("run", words[0]);
  }
  int status = 0;
  rusage usage{};
  if (wait4(pid, &status, 0, &usage) < 0) die("wait4", words[0]);
  const int64_t taken = now() - begin;
  if (status != 0) {
    std::fprintf(stderr, "measure: %s failed in iteration %d: wait status %d\n", command.label,
                 iteration, status);
    for (; *words != nullptr; ++words) std::fprintf(stderr, " %s", *words);
    std::fputs("\n", stderr);
    std::exit(1);
  }
  if (std::strcmp(command.label, "-") != 0)
    dprintf(results, "%s\t%lld\t%ld\n", command.label, static_cast<long long>(taken),
            usage.ru_maxrss);
}

}  // namespace

int main(int count, char** arguments) {
  static Plan plan;
  if (count != 4) {
    std::fputs("usage: measure ITERATIONS PLAN RESULTS\n", stderr);
    return 1;
  }
  const int iterations = std::atoi(arguments[1]);
  read_plan(arguments[2], plan);
  const int results = open(arguments[3], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (results < 0) die("open", arguments[3]);
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDIN_FILENO);
  dup2(nothing, STDOUT_FILENO);
  if (nothing > STDERR_FILENO) close(nothing);
  // Containers that outlive `create` become children of this process, which can then wait for them.
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  for (int iteration = 0; iteration < iterations; ++iteration)
    for (int i = 0; i < plan.length; ++i) run(plan.commands[i], iteration, results);
  return 0;
}
