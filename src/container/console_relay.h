// The relay of a pseudo-terminal: stdin and stdout of the caller on one side, the master on the
// other.
#pragma once

#include <poll.h>
#include <sys/types.h>
#include <termios.h>

#include <array>
#include <cstddef>
#include <optional>

#include "src/base/fd.h"

namespace skiff::container {

/// A terminal that is put into raw mode, and back when this object dies.
class RawTerminal {
 public:
  explicit RawTerminal(int fd) : fd_(fd) {}
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal();

  /// Whether we may read it and set its modes: a job in the background may not.
  bool is_ours() const;
  /// Sets raw mode; nothing but a look at the flag once it has been set.
  void enter();
  /// Sets it once more after someone else has set the modes.
  void enter_again();

 private:
  int fd_;
  std::optional<termios> original_;  // once raw
};

/// Bytes on their way: filled when empty, flushed until empty.
class Buffer {
 public:
  bool empty() const { return begin_ == end_; }
  char last() const { return bytes_[end_ - 1]; }
  /// read(2) into the empty buffer.
  ssize_t fill(int fd);
  /// write(2) of what is left.
  ssize_t flush(int fd);
  /// Replaces the contents by `count` times `byte`.
  void set(char byte, size_t count);
  void clear() { begin_ = end_ = 0; }

 private:
  // What poll(2) promises that a pipe takes without blocking: PIPE_BUF (pipe(7)).
  std::array<char, 4096> bytes_{};
  size_t begin_ = 0;
  size_t end_ = 0;
};

/// Gives the terminal `master` the size of the caller's window, if there is one.
void copy_window_size(const Fd& master);

/// Copies stdin to a pseudo-terminal's master and the master to stdout, never waiting for either.
/// SIGPIPE, SIGTTIN and SIGTTOU must be blocked: with them no write kills us, and no access to the
/// terminal of another job stops us.
class ConsoleRelay {
 public:
  static constexpr size_t kDescriptors = 3;

  /// Gives `master` the size of the caller's window, and puts stdin into raw mode if it is a
  /// terminal.
  explicit ConsoleRelay(Fd master);
  ConsoleRelay(const ConsoleRelay&) = delete;
  ConsoleRelay& operator=(const ConsoleRelay&) = delete;

  /// After SIGWINCH: the window's size again.
  void resize();
  /// After SIGCONT: the shell that had stopped us has set its own modes.
  void resume();

  /// Fills in kDescriptors `events` for poll(2); returns its timeout.
  int prepare(pollfd* events);
  /// Moves what can be moved after poll(2) has filled in `events`.
  void transfer(const pollfd* events);

  /// The process has exited: only what it has left in the terminal is still to be copied.
  void finish();
  bool is_finished() const { return finishing_ && drained_ && output_.empty(); }

 private:
  void read_input();
  void write_input();
  void read_output();
  void write_output();

  Fd master_;
  Fd screen_;                            // stdout
  std::optional<RawTerminal> keyboard_;  // stdin, when it is a terminal
  Buffer input_;
  Buffer output_;
  bool input_ended_ = false;
  bool line_begun_ = false;  // the last input byte did not end its line
  bool hung_up_ = false;     // no process holds the terminal open at present
  bool finishing_ = false;
  bool drained_ = false;
  size_t drained_bytes_ = 0;
};

}  // namespace skiff::container
