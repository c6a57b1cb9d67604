#include "src/container/console_relay.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace skiff::container {
namespace {

constexpr int kBackgroundPollMs = 500;  // becoming the foreground job is announced by nothing
constexpr int kHungUpPollMs = 100;      // nor is the reopening of a terminal that was closed
// More than a pseudo-terminal holds (drivers/tty/pty.c: 8192 bytes, and 4096 of the line
// discipline), so that a surviving process which goes on writing cannot keep us for ever.
constexpr size_t kMostBuffered = 65536;

bool is_temporary(int code) { return code == EAGAIN || code == EINTR; }

/// stdout for writing: a terminal opened once more, so as not to set O_NONBLOCK on a file that we
/// share with the caller's shell; a terminal that is held by Ctrl-S must not keep us from
/// forwarding signals.
Fd open_screen() {
  if (::isatty(STDOUT_FILENO) == 1) {
    Fd own(::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own) return own;  // else it is another user's (su(1)): writes may have to wait
  }
  return Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
}

}  // namespace

RawTerminal::~RawTerminal() {
  if (original_) ::tcsetattr(fd_, TCSANOW, &*original_);
}

bool RawTerminal::is_ours() const {
  const pid_t foreground = ::tcgetpgrp(fd_);
  return foreground < 0 ||
         foreground == ::getpgrp();  // ENOTTY: not our job's terminal, so no job control
}

void RawTerminal::enter() {
  termios modes{};
  if (original_ || ::tcgetattr(fd_, &modes) < 0) return;
  original_ = modes;
  enter_again();
}

void RawTerminal::enter_again() {
  if (!original_) return;
  termios raw = *original_;
  ::cfmakeraw(&raw);
  ::tcsetattr(fd_, TCSANOW, &raw);
}

ssize_t Buffer::fill(int fd) {
  const ssize_t size = ::read(fd, bytes_.data(), bytes_.size());
  begin_ = 0;
  end_ = static_cast<size_t>(std::max<ssize_t>(size, 0));
  return size;
}

ssize_t Buffer::flush(int fd) {
  // A socket is told not to block this time; anything else says that it is none.
  ssize_t size = ::send(fd, &bytes_[begin_], end_ - begin_, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size < 0 && errno == ENOTSOCK) size = ::write(fd, &bytes_[begin_], end_ - begin_);
  if (size > 0) begin_ += static_cast<size_t>(size);
  return size;
}

void Buffer::set(char byte, size_t count) {
  begin_ = 0;
  end_ = count;
  std::fill_n(bytes_.begin(), count, byte);
}

ConsoleRelay::ConsoleRelay(Fd master) : master_(std::move(master)), screen_(open_screen()) {
  ::fcntl(master_.get(), F_SETFL, O_RDWR | O_NONBLOCK);
  resize();
  if (::isatty(STDIN_FILENO) == 1) keyboard_.emplace(STDIN_FILENO);
}

void copy_window_size(const Fd& master) {
  winsize size{};
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(fd, TIOCGWINSZ, &size) < 0) continue;
    ::ioctl(master.get(), TIOCSWINSZ, &size);
    return;
  }
}

void ConsoleRelay::resize() { copy_window_size(master_); }

void ConsoleRelay::resume() {
  if (keyboard_ && keyboard_->is_ours()) keyboard_->enter_again();
  resize();
}

int ConsoleRelay::prepare(pollfd* events) {
  const bool in_background = keyboard_ && !keyboard_->is_ours();
  if (keyboard_ && !in_background) keyboard_->enter();
  const bool wants_input = !finishing_ && !input_ended_ && !in_background && input_.empty();
  short on_master = 0;
  if (output_.empty()) on_master |= POLLIN;
  if (!input_.empty()) on_master |= POLLOUT;
  // poll(2) reports errors and hang-ups unasked: what is not wanted must not be named.
  const bool wants_master = !finishing_ && !hung_up_ && on_master != 0;
  events[0] = {wants_input ? STDIN_FILENO : -1, POLLIN, 0};
  events[1] = {wants_master ? master_.get() : -1, on_master, 0};
  events[2] = {output_.empty() ? -1 : screen_.get(), POLLOUT, 0};
  if (finishing_ && output_.empty()) return 0;
  if (hung_up_ && !finishing_) return kHungUpPollMs;
  return in_background && !finishing_ && !input_ended_ ? kBackgroundPollMs : -1;
}

void ConsoleRelay::transfer(const pollfd* events) {
  if (events[0].revents != 0) read_input();
  if ((events[1].revents & POLLOUT) != 0) write_input();
  const bool readable = (events[1].revents & ~POLLOUT) != 0;
  // A hang-up while there is no room to read: looked at again later, for poll(2) would repeat it at
  // once.
  if (readable && !output_.empty()) hung_up_ = true;
  if (output_.empty() && (readable || hung_up_ || finishing_)) read_output();
  if (events[2].revents != 0) write_output();
  if (!screen_) output_.clear();  // nobody sees it; the process must not wait for that
}

void ConsoleRelay::read_input() {
  const ssize_t size = input_.fill(STDIN_FILENO);
  if (size > 0) {
    line_begun_ = input_.last() != '\n';
    return;
  }
  if (size < 0 && is_temporary(errno)) return;
  if (size < 0 && keyboard_ && !keyboard_->is_ours()) return;  // sent to the background meanwhile
  input_ended_ = true;
  termios modes{};
  if (size < 0 || ::tcgetattr(master_.get(), &modes) < 0) return;
  // In a line that has begun, the first only ends the line (termios(3), VEOF).
  const bool twice = line_begun_ && (modes.c_lflag & ICANON) != 0;
  input_.set(static_cast<char>(modes.c_cc[VEOF]), twice ? 2 : 1);
}

void ConsoleRelay::write_input() {
  // What cannot be written now stays; EIO, a terminal that nobody has open, shows in read_output().
  (void)input_.flush(master_.get());
}

void ConsoleRelay::read_output() {
  const ssize_t size = output_.fill(master_.get());
  if (size > 0) {
    hung_up_ = false;
    if (finishing_) drained_bytes_ += static_cast<size_t>(size);
    drained_ = drained_bytes_ >= kMostBuffered;
    return;
  }
  if (size < 0 && errno == EINTR) return;
  hung_up_ = size == 0 || errno != EAGAIN;
  drained_ = finishing_;
}

void ConsoleRelay::write_output() {
  // EPIPE, EIO, ENOSPC: what stdout was is no more, yet the process goes on.
  if (output_.flush(screen_.get()) < 0 && !is_temporary(errno)) screen_.close();
}

void ConsoleRelay::finish() {
  finishing_ = true;
  input_.clear();
}

}  // namespace skiff::container
