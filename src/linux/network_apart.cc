#include "src/linux/network_apart.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "src/linux/syscalls.h"

namespace skiff::network {
namespace {

enum class Step : int { Unshare, Socket, Loopback, Open, Done };

struct Outcome {
  Step step = Step::Done;
  int code = 0;
};

struct Order {
  int socket = -1;
  ifreq loopback{};
  cpu_set_t processors{};
};

#if defined(__x86_64__) || defined(__aarch64__)
constexpr bool kPossible = true;
#else
constexpr bool kPossible = false;  // without the system calls below
#endif

/// A system call that leaves `errno` alone: the thread has that of the one it was started by.
long call(long number, long first, long second = 0, long third = 0) {
#if defined(__x86_64__)
  long result = number;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(first), "S"(second), "d"(third)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = first;
  register long x1 __asm__("x1") = second;
  register long x2 __asm__("x2") = third;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
#else
  return ::syscall(number, first, second, third);
#endif
}

long address(const void* object) { return static_cast<long>(reinterpret_cast<uintptr_t>(object)); }

/// The namespace of the thread, by a socket in it: without procfs.
[[gnu::no_sanitize_address]] long make(const Order& order, Step& step) {
  step = Step::Unshare;
  long code = call(SYS_unshare, CLONE_NEWNET);
  if (code < 0) return code;
  step = Step::Socket;
  const long socket = call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC);
  if (socket < 0) return socket;
  step = Step::Loopback;
  code = call(SYS_ioctl, socket, SIOCSIFFLAGS, address(&order.loopback));
  if (code < 0) return code;
  step = Step::Open;
  return call(SYS_ioctl, socket, SIOCGSKNS);
}

/// The thread: only system calls. Its descriptors are its own, and go with it.
[[gnu::no_sanitize_address]] int run(void* argument) {
  const Order& order = *static_cast<const Order*>(argument);
  (void)call(SYS_sched_setaffinity, 0, sizeof order.processors, address(&order.processors));
  Outcome outcome;
  Step step{};
  const long made = make(order, step);
  alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))] = {};
  iovec part = {&outcome, sizeof outcome};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (made < 0) {
    outcome = {step, static_cast<int>(-made)};
  } else {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int descriptor = static_cast<int>(made);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  (void)call(SYS_sendmsg, order.socket, address(&message), MSG_NOSIGNAL);
  return 0;
}

/// Every processor that we may run on but this one. Linux would spread the two sooner or later;
/// by then we would have waited for each other.
bool find_others(cpu_set_t& processors) {
  const int own = ::sched_getcpu();
  if (own < 0 || ::sched_getaffinity(0, sizeof processors, &processors) < 0) return false;
  CPU_CLR(static_cast<size_t>(own), &processors);
  return CPU_COUNT(&processors) > 0;
}

Error explain(const Outcome& outcome) {
  switch (outcome.step) {
    case Step::Unshare:
      return Error::from_code(outcome.code, "unshare");
    case Step::Socket:
      return Error::from_code(outcome.code, "socket");
    case Step::Loopback:
      return Error::from_code(outcome.code, "bring up the interface lo");
    case Step::Open:
    case Step::Done:
      break;
  }
  return Error::from_code(outcome.code, "open the new namespace");
}

}  // namespace

std::optional<Fd> begin_namespace() {
  // The thread outlives this call.
  alignas(16) static std::byte stack[16384];
  static Order order;
  if (!kPossible || !find_others(order.processors)) return std::nullopt;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return std::nullopt;
  Fd ours(ends[0]);
  const Fd its(ends[1]);
  order.socket = its.get();
  std::strcpy(order.loopback.ifr_name, "lo");
  order.loopback.ifr_flags = IFF_UP;

  // No signal is for it: a handler would run on this small stack.
  const uint64_t all = ~uint64_t{0};
  uint64_t before = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
  const int thread = ::clone(run, stack + sizeof stack,
                             CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_SYSVSEM, &order);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof before);
  if (thread < 0) return std::nullopt;
  // It does so itself, too: here it has not run yet, or it is in our place.
  ::sched_setaffinity(thread, sizeof order.processors, &order.processors);
  return ours;
}

Result<Fd> take_namespace(const Fd& socket) {
  Outcome outcome;
  iovec part = {&outcome, sizeof outcome};
  alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const auto size = sys::restarting(
      [&] { return ::recvmsg(socket.get(), &message, MSG_PEEK | MSG_CMSG_CLOEXEC); });
  if (size < 0) return Error::from_errno("receive the network namespace");
  if (static_cast<size_t>(size) != sizeof outcome)
    return Error::from_code(EPIPE, "the maker of the network namespace is gone");
  if (outcome.code != 0) return explain(outcome);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS)
    return Error::invalid("protocol: no network namespace");
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return Fd(descriptor);
}

}  // namespace skiff::network
