// Ownership of file descriptors.
#pragma once

#include <unistd.h>

#include <utility>

namespace skiff {

/// An owned file descriptor, closed exactly once.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd other) noexcept {  // by value: the old fd dies with `other`
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// Gives the descriptor up; the caller closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void close() { *this = Fd(); }

 private:
  int fd_ = -1;
};

}  // namespace skiff
