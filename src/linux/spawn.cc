#include "src/linux/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstddef>

#include "src/base/text.h"
#include "src/base/undo.h"

// What runs on the child's stack must not be instrumented: AddressSanitizer knows one stack a
// thread.
#define SKIFF_CHILD_CODE [[gnu::no_sanitize_address]]

namespace skiff {
namespace {

constexpr size_t kStackSize = 16384;       // the child only makes system calls
constexpr size_t kSigsetSize = _NSIG / 8;  // the kernel's sigset_t, shorter than the C library's
constexpr int kExitFailedSpawn = 127;

enum class Step { None, Session, Descriptors, CloseOthers, Signals, Exec };

/// What the child tells: the step that failed, if any.
struct Outcome {
  Step step = Step::None;
  int code = 0;
};

/// All that the child needs, made before the clone; it can allocate nothing.
struct ChildOrder {
  int program;
  const char* path;
  char* const* argv;
  char* const* env;
  int* sources;
  unsigned source_count;
  const void* mask;
  bool new_session;
  bool close_others;
  Outcome* outcome;
};

/// Moves every source that another target would overwrite out of the way.
SKIFF_CHILD_CODE bool move_up(int& source, unsigned target, unsigned limit) {
  if (source < 0 || source >= static_cast<int>(limit) || source == static_cast<int>(target))
    return true;
  source = static_cast<int>(::syscall(SYS_fcntl, source, F_DUPFD_CLOEXEC, limit));
  return source >= 0;
}

SKIFF_CHILD_CODE bool arrange_descriptors(ChildOrder& order) {
  const unsigned count = order.source_count;
  if (order.program >= 0 && !move_up(order.program, count, count)) return false;
  for (unsigned target = 0; target < count; ++target)
    if (!move_up(order.sources[target], target, count)) return false;
  for (unsigned target = 0; target < count; ++target) {
    const int source = order.sources[target];
    if (source < 0) {
      ::syscall(SYS_close, target);  // EBADF: closed as it should be
    } else if (source == static_cast<int>(target)) {
      if (::syscall(SYS_fcntl, source, F_SETFD, 0) < 0) return false;
    } else if (::syscall(SYS_dup3, source, target, 0) < 0) {
      return false;
    }
  }
  return true;
}

/// Everything from `first` on will be closed by execve; until then the program's own stays usable.
SKIFF_CHILD_CODE bool mark_close_on_exec(unsigned first) {
  if (::syscall(SYS_close_range, first, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0) return true;
  if (errno != ENOSYS && errno != EINVAL) return false;
  // Before Linux 5.11. A descriptor above a limit lowered since is beyond reach.
  rlimit open_files{};
  if (::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &open_files) < 0) return false;
  for (unsigned fd = first; fd < open_files.rlim_cur && fd < INT_MAX; ++fd)
    ::syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);  // EBADF: nothing there
  return true;
}

/// execve(2) keeps ignored signals ignored; and no handler of ours may run in shared memory once
/// the signals are unblocked.
SKIFF_CHILD_CODE void reset_dispositions() {
  const unsigned long defaults[8] = {};  // the kernel's struct sigaction: SIG_DFL, no flags
  for (int signal = 1; signal < _NSIG; ++signal)
    if (signal != SIGKILL && signal != SIGSTOP)
      ::syscall(SYS_rt_sigaction, signal, defaults, nullptr, kSigsetSize);
}

SKIFF_CHILD_CODE Step become_program(ChildOrder& order) {
  if (order.new_session && ::syscall(SYS_setsid) < 0) return Step::Session;
  if (!arrange_descriptors(order)) return Step::Descriptors;
  if (order.close_others && !mark_close_on_exec(order.source_count)) return Step::CloseOthers;
  reset_dispositions();
  if (::syscall(SYS_rt_sigprocmask, SIG_SETMASK, order.mask, nullptr, kSigsetSize) < 0)
    return Step::Signals;
  if (order.program >= 0) {
    ::syscall(SYS_execveat, order.program, "", order.argv, order.env, AT_EMPTY_PATH);
  } else {
    ::syscall(SYS_execve, order.path, order.argv, order.env);
  }
  return Step::Exec;
}

/// The child's life: only system calls, all memory is the parent's.
SKIFF_CHILD_CODE void run_child(void* argument) {
  ChildOrder& order = *static_cast<ChildOrder*>(argument);
  const Step failed = become_program(order);
  order.outcome->code = errno;
  order.outcome->step = failed;
  for (;;) ::syscall(SYS_exit_group, kExitFailedSpawn);
}

#if defined(__x86_64__) || defined(__aarch64__)
constexpr bool kCanShareMemory = true;
#else
constexpr bool kCanShareMemory = false;  // without the assembly below the stacks would be one
#endif

/// The system call `number`, clone(2) or clone3(2). The child calls `child`, which never returns,
/// on the new stack. Not through ::syscall(), which the child would return from on that empty
/// stack. Returns the pid or a negative errno.
long call_clone(long number, uintptr_t first, uintptr_t second, const void* third,
                void (*child)(void*), void* argument) {
#if defined(__x86_64__)
  long result = number;
  __asm__ volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "movq %[argument], %%rdi\n\t"
      "callq *%[child]\n\t"
      "ud2\n"
      "1:"
      : "+a"(result)
      : "D"(first), "S"(second), "d"(third), [child] "r"(child), [argument] "r"(argument)
      : "rcx", "r11", "cc", "memory");
  return result;
#elif defined(__aarch64__)
  long result = 0;
  __asm__ volatile(
      "mov x8, %[number]\n\t"
      "mov x0, %[first]\n\t"
      "mov x1, %[second]\n\t"
      "mov x2, %[third]\n\t"
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x0, %[argument]\n\t"
      "blr %[child]\n\t"
      "brk #1\n"
      "1:\n\t"
      "mov %[result], x0"
      : [result] "=r"(result)
      : [number] "r"(number), [first] "r"(first), [second] "r"(second), [third] "r"(third),
        [child] "r"(child), [argument] "r"(argument)
      : "x0", "x1", "x2", "x8", "cc", "memory");
  return result;
#else
  const long result = ::syscall(number, first, second, third);
  if (result == 0) child(argument);
  return result < 0 ? -errno : result;
#endif
}

/// Calls clone3(2), or clone(2) where that is refused: profiles for containers, in which
/// startContainer hooks run, hide clone3 behind ENOSYS because its flags lie in memory that no
/// filter can read.
long clone_process(clone_args& args, ChildOrder& order) {
  if (!kCanShareMemory) args.stack = args.stack_size = 0;
  const long pid = call_clone(SYS_clone3, reinterpret_cast<uintptr_t>(&args), sizeof args, nullptr,
                              run_child, &order);
  constexpr uint64_t kClone3Only = CLONE_INTO_CGROUP | CLONE_NEWTIME;
  if (pid != -ENOSYS || (args.flags & kClone3Only) != 0 || !kCanShareMemory) return pid;
  return call_clone(SYS_clone, args.flags | args.exit_signal, args.stack + args.stack_size,
                    reinterpret_cast<const void*>(args.pidfd), run_child, &order);
}

/// Older kernels refuse to share memory between time namespaces, each of which has a vDSO of its
/// own.
bool shares_memory(uint64_t clone_flags) {
  return kCanShareMemory && (clone_flags & CLONE_NEWTIME) == 0;
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Clones with every signal blocked, so that no handler runs while the memory is shared.
long clone_blocked(const SpawnRequest& request, ChildOrder& order, bool shared, int& pidfd) {
  alignas(16) std::byte stack[kStackSize];
  clone_args args{};
  args.flags = request.clone_flags | CLONE_VFORK | CLONE_PIDFD;
  if (shared) args.flags |= CLONE_VM;
  args.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<uintptr_t>(&stack[0]);
  args.stack_size = sizeof stack;
  if (request.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(request.cgroup);
  }
  // Not sigprocmask(3), which spares the signals that the C library keeps for itself.
  const uint64_t all[2] = {~uint64_t{0}, ~uint64_t{0}};
  uint64_t before[2] = {};
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, all, before, kSigsetSize);
  const long pid = clone_process(args, order);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, before, nullptr, kSigsetSize);
  return pid;
}

Error explain(const Outcome& outcome, const std::string& path) {
  switch (outcome.step) {
    case Step::Session:
      return Error::from_code(outcome.code, "setsid");
    case Step::Descriptors:
      return Error::from_code(outcome.code, "pass descriptors");
    case Step::CloseOthers:
      return Error::from_code(outcome.code, "close other descriptors");
    case Step::Signals:
      return Error::from_code(outcome.code, "set the signal mask");
    case Step::Exec:
    case Step::None:
      break;
  }
  return Error::from_code(outcome.code, "exec {}", text::quote(path));
}

}  // namespace

Result<Spawned> spawn(const SpawnRequest& request) {
  const std::vector<char*> argv = pointers_to(request.argv);
  const std::vector<char*> env = pointers_to(request.env);
  std::vector<int> sources = request.descriptors;
  sigset_t mask;
  sigemptyset(&mask);
  if (request.mask != nullptr) mask = *request.mask;

  const bool shared = shares_memory(request.clone_flags);
  Outcome own;
  Outcome* outcome = &own;
  if (!shared) {
    void* page =
        ::mmap(nullptr, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return Error::from_errno("mmap");
    outcome = new (page) Outcome;
  }
  Undo unmap([&] {
    if (!shared) ::munmap(outcome, sizeof own);
  });

  ChildOrder order{
      .program = request.program != nullptr ? request.program->get() : -1,
      .path = request.path.c_str(),
      .argv = argv.data(),
      .env = env.data(),
      .sources = sources.data(),
      .source_count = static_cast<unsigned>(sources.size()),
      .mask = &mask,
      .new_session = request.new_session,
      .close_others = request.close_others,
      .outcome = outcome,
  };
  int pidfd = -1;
  const long pid = clone_blocked(request, order, shared, pidfd);
  if (pid < 0) return Error::from_code(static_cast<int>(-pid), "clone");

  Spawned spawned{static_cast<pid_t>(pid), Fd(pidfd)};
  if (outcome->step == Step::None) return spawned;
  (void)reap(spawned.pid);  // its status is ours and known
  return explain(*outcome,
                 request.path.empty() && !request.argv.empty() ? request.argv[0] : request.path);
}

Result<int> reap(pid_t pid) {
  int status = 0;
  while (::wait4(pid, &status, 0, nullptr) < 0)
    if (errno != EINTR) return Error::from_errno("wait for process {}", pid);
  return status;
}

}  // namespace skiff
