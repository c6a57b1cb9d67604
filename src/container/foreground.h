// A process in the foreground: its signals, its terminal, its status.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::container {

/// Catches the caller's signals from its construction on, so that none sent
/// while the container is being made is lost, and hands them to the process.
///
/// Forwarded: every signal but SIGCHLD (ours), SIGWINCH (becomes a resize when a
/// terminal is relayed), SIGPIPE, SIGURG and those that cannot be caught or that
/// a fault of our own would raise (SIGSEGV SIGBUS SIGILL SIGFPE SIGABRT SIGTRAP SIGSYS).
class Foreground {
 public:
  /// Blocks the signals and opens a signalfd. The mask the process must be
  /// given back before execve is original_mask(). Restored on destruction.
  static Result<Foreground> begin();
  Foreground(Foreground&&) noexcept;
  Foreground& operator=(Foreground&&) = delete;
  ~Foreground();

  const sigset_t& original_mask() const { return original_mask_; }

  /// Waits for our child `pid` and returns its exit status, 128+n if signal n killed it.
  /// With a `console` (pty master) the caller's terminal is put into raw mode,
  /// window size and SIGWINCH are relayed, stdin and stdout are copied, and after
  /// the exit the master is drained until EIO so that no output is lost; the terminal's
  /// modes are restored on every way out. stdin's end is passed on as the terminal's EOF character.
  /// Reaps other children (orphans) that end meanwhile.
  Result<int> wait(pid_t pid, const Fd& pidfd, Fd console);

 private:
  Foreground(Fd signals, const sigset_t& original)
      : signals_(std::move(signals)), original_mask_(original) {}
  Fd signals_;
  sigset_t original_mask_;
};

/// 0…255 from wait4(2)'s status word: the exit code, or 128+n for signal n.
int exit_status(int wait_status);

}  // namespace skiff::container
