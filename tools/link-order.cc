// Counts which instructions a program and its children of the same file execute: single-steps
// them and prints every address they were at, in hexadecimal, one a line. For tools/link-order.
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr size_t kTextLimit =
    16u << 20;  // a static, not position-independent program starts at 4 MiB

/// Whether `pid` runs the file that `wanted` describes.
bool runs(pid_t pid, const struct stat& wanted) {
  struct stat present {};
  const std::string exe = "/proc/" + std::to_string(pid) + "/exe";
  return ::stat(exe.c_str(), &present) == 0 && present.st_ino == wanted.st_ino &&
         present.st_dev == wanted.st_dev;
}

/// The signal to hand on to a stopped process: its own, but not those of tracing.
int signal_of(int status) {
  const int signal = WSTOPSIG(status);
  return status >> 16 != 0 || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

void step_all(pid_t first, const struct stat& program, std::vector<bool>& visited) {
  constexpr long kOptions =
      PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
  int status = 0;
  ::waitpid(first, &status, 0);
  ::ptrace(PTRACE_SETOPTIONS, first, nullptr, kOptions);
  pid_t pid = first;
  do {
    if (!WIFSTOPPED(status)) continue;
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8) && !runs(pid, program)) {
      ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);  // the container's own program
      continue;
    }
    user_regs_struct registers{};
    if (::ptrace(PTRACE_GETREGS, pid, nullptr, &registers) == 0 && registers.rip < kTextLimit)
      visited[registers.rip] = true;
    ::ptrace(PTRACE_SINGLESTEP, pid, nullptr, signal_of(status));
    // What the first process leaves behind goes on untraced when we end.
  } while ((pid = ::waitpid(-1, &status, __WALL)) > 0 && (pid != first || WIFSTOPPED(status)));
}

}  // namespace

int main(int argc, char** argv) {
  struct stat program {};
  if (argc < 2 || ::stat(argv[1], &program) < 0) {
    std::fputs("usage: link-order PROGRAM [ARGUMENT...]\n", stderr);
    return 1;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::execv(argv[1], argv + 1);
    ::_exit(127);
  }
  std::vector<bool> visited(kTextLimit);
  step_all(child, program, visited);
  for (size_t address = 0; address < kTextLimit; ++address)
    if (visited[address]) std::printf("%zx\n", address);
  return 0;
}
