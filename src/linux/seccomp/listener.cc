// A filter with a listener, and the listener out of the process that the filter holds for.
#include <errno.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <optional>

#include "src/linux/seccomp.h"

namespace skiff::seccomp {
namespace {

constexpr int kPending = INT_MIN;

/// What the three share: the caller, the thread that loads and the process that hands over.
struct Exchange {
  sock_fprog filter{};
  unsigned long flags = 0;
  const std::function<Result<void>(int)>* hand_over = nullptr;
  pid_t loader = 0;
  std::atomic<int> order{0};            // a futex: see Order
  std::atomic<int> listener{kPending};  // then the descriptor, or -errno
  std::optional<Error> failure;
};
static_assert(std::atomic<int>::is_always_lock_free);

enum Order { Wait, Load, Leave };

void give_order(Exchange& exchange, Order order) {
  exchange.order.store(order);
  ::syscall(SYS_futex, &exchange.order, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

/// The thread that loads: for itself and, by TSYNC, for the caller.
int run_loader(void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  // Spinning, below, at a real-time priority would stop the machine.
  const sched_param ordinary{};
  ::sched_setscheduler(0, SCHED_OTHER, &ordinary);
  while (exchange.order.load() == Order::Wait)
    ::syscall(SYS_futex, &exchange.order, FUTEX_WAIT, Order::Wait, nullptr, nullptr, 0);
  if (exchange.order.load() == Order::Leave) return 0;
  const long code =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, exchange.flags, &exchange.filter);
  exchange.listener.store(code < 0 ? -errno : static_cast<int>(code));
  // From here on every system call may be one that the listener is asked about, or a fatal one.
  // The execve of the other thread ends this one. NOLINTNEXTLINE(bugprone-infinite-loop)
  while (code >= 0) std::atomic_signal_fence(std::memory_order_seq_cst);
  return 0;
}

/// The process that hands over.
int run_messenger(void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  give_order(exchange, Order::Load);
  constexpr timespec kPause{0, 20'000};
  while (exchange.listener.load() == kPending) ::nanosleep(&kPause, nullptr);
  const int listener = exchange.listener.load();
  if (listener < 0) return 0;
  const sched_param idle{};
  ::sched_setscheduler(exchange.loader, SCHED_IDLE, &idle);
  const auto done = (*exchange.hand_over)(listener);
  if (done) return 0;
  exchange.failure = done.error();
  ::close(listener);  // notified calls fail from now on, rather than wait
  return 0;
}

Error explain(int code) {
  auto error = Error::from_code(code, "load the filter");
  if (code == EBUSY)
    return std::move(error).with_hint("a filter that skiff itself runs under has a listener");
  return error;
}

// Not on the heap, which could be given back by a system call. Untouched pages cost nothing.
alignas(16) char loader_stack[16u << 10];
alignas(16) char messenger_stack[256u << 10];

}  // namespace

Result<void> load_with_listener(const Program& program,
                                const std::function<Result<void>(int listener)>& hand_over) {
  Exchange exchange;
  exchange.filter.len = static_cast<unsigned short>(program.instructions.size());
  exchange.filter.filter = const_cast<sock_filter*>(program.instructions.data());
  exchange.flags = program.flags | SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
                   SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  exchange.hand_over = &hand_over;
  // The kernel reaps the messenger: the caller could not. execve(2) clears the flag.
  struct sigaction reaped {};
  reaped.sa_handler = SIG_DFL;
  reaped.sa_flags = SA_NOCLDWAIT;
  ::sigaction(SIGCHLD, &reaped, nullptr);

  constexpr int kThread =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  exchange.loader = ::clone(run_loader, loader_stack + sizeof loader_stack, kThread, &exchange);
  if (exchange.loader < 0) return Error::from_errno("start a thread to load the filter");
  // CLONE_VFORK: until the messenger ends we are in this call, which no filter sees any more.
  constexpr int kMessenger = CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD;
  const int messenger =
      ::clone(run_messenger, messenger_stack + sizeof messenger_stack, kMessenger, &exchange);
  if (messenger < 0) {
    const auto error = Error::from_errno("start a process to hand the listener over");
    give_order(exchange, Order::Leave);
    return error;
  }
  const int listener = exchange.listener.load();
  if (listener < 0) return explain(listener == kPending ? ESRCH : -listener);
  if (exchange.failure) return *exchange.failure;
  return {};
}

}  // namespace skiff::seccomp
