#include "src/container/foreground.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "src/base/log.h"
#include "src/container/console_relay.h"
#include "src/linux/pidfd.h"
#include "src/linux/spawn.h"

namespace skiff::container {
namespace {

/// Raised by faults of our own, which no one else may get; SIGURG is ignored by default.
constexpr int kNeverCaught[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGURG};

/// Whether a user sends `signal` to be rid of us.
bool ends_us(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

void forward(const Fd& pidfd, int signal) {
  const auto sent = pidfd::send_signal(pidfd, signal);
  // ESRCH: it has exited, which pidfd is about to tell.
  if (!sent && !sent.error().is(ESRCH)) log::warn("{}, ignoring", sent.error().text());
}

/// Reaps every child that has ended; the wait status of `pid` if it was among them.
std::optional<int> reap_all(pid_t pid) {
  std::optional<int> found;
  int status = 0;
  for (pid_t child = 0; (child = ::wait4(-1, &status, WNOHANG, nullptr)) > 0;)
    if (child == pid) found = status;
  return found;
}

std::optional<int> next_signal(const Fd& signals) {
  signalfd_siginfo caught;
  if (::read(signals.get(), &caught, sizeof caught) != sizeof caught) return std::nullopt;
  return static_cast<int>(caught.ssi_signo);
}

}  // namespace

Result<Foreground> Foreground::begin() {
  // An inherited SIG_IGN would make the kernel throw exit statuses away (waitpid(2)).
  if (::signal(SIGCHLD, SIG_DFL) == SIG_ERR) return Error::from_errno("signal");
  sigset_t caught;
  sigfillset(&caught);
  for (const int signal : kNeverCaught) sigdelset(&caught, signal);
  sigset_t original;
  if (::sigprocmask(SIG_BLOCK, &caught, &original) < 0) return Error::from_errno("sigprocmask");
  // Blocked, so that a closed stdout is an EPIPE; of no interest to anyone else.
  sigdelset(&caught, SIGPIPE);
  Fd signals(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) {
    const Error failure = Error::from_errno("signalfd");
    ::sigprocmask(SIG_SETMASK, &original, nullptr);
    return failure;
  }
  return Foreground(std::move(signals), original);
}

Foreground::Foreground(Foreground&&) noexcept = default;

Foreground::~Foreground() {
  if (!signals_) return;
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  const timespec now{};
  ::sigtimedwait(&pipe, nullptr, &now);  // else one that is pending would kill us once unblocked
  ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
}

Result<int> Foreground::wait(pid_t pid, const Fd& pidfd, Fd console) {
  std::optional<ConsoleRelay> relay;
  if (console) relay.emplace(std::move(console));
  std::optional<int> ended;  // the wait status
  while (!ended || (relay && !relay->is_finished())) {
    pollfd events[2 + ConsoleRelay::kDescriptors] = {
        {signals_.get(), POLLIN, 0}, {ended ? -1 : pidfd.get(), POLLIN, 0}, {}, {}, {}};
    const int timeout = relay ? relay->prepare(&events[2]) : -1;
    if (::poll(events, relay ? std::size(events) : 2, timeout) < 0) {
      if (errno == EINTR) continue;  // stopped and continued
      return Error::from_errno("poll");
    }
    if (relay) relay->transfer(&events[2]);

    while (const auto signal = next_signal(signals_)) {
      if (signal == SIGCHLD) {
        if (const auto status = reap_all(pid)) ended = status;
      } else if (relay && signal == SIGWINCH) {
        relay->resize();
      } else if (ended && ends_us(*signal)) {
        return exit_status(*ended);  // rather than wait for whoever reads stdout
      } else {
        if (relay && signal == SIGCONT) relay->resume();
        forward(pidfd, *signal);
      }
    }
    if (!ended && events[1].revents != 0) ended = TRY(reap(pid));
    if (ended && relay) relay->finish();
  }
  return exit_status(*ended);
}

int exit_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) return 128 + WTERMSIG(wait_status);
  return WEXITSTATUS(wait_status);
}

}  // namespace skiff::container
