// Failures as values: Error, Result<T> and TRY.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace skiff {

/// The C library's description of an errno value; never null.
std::string_view errno_text(int code);

/// A failure as its reader will see it: the steps under way, then the cause.
///   create web: mounts[2]: mount tmpfs at /dev/shm: Permission denied
class [[nodiscard]] Error {
 public:
  /// The kernel refused; reads errno before formatting can disturb it.
  template <class... Args>
  [[gnu::cold]] static Error from_errno(fmt::format_string<Args...> doing, Args&&... args) {
    const int code = errno;
    return from_code(code, doing, std::forward<Args>(args)...);
  }
  /// As from_errno, for an errno value that is already at hand.
  template <class... Args>
  [[gnu::cold]] static Error from_code(int code, fmt::format_string<Args...> doing,
                                       Args&&... args) {
    Error error(code, fmt::format(doing, std::forward<Args>(args)...));
    error.text_.append(": ").append(errno_text(code));
    return error;
  }
  /// The request itself is wrong; there is no errno.
  template <class... Args>
  [[gnu::cold]] static Error invalid(fmt::format_string<Args...> what, Args&&... args) {
    return Error(0, fmt::format(what, std::forward<Args>(args)...));
  }
  /// An error that arrived from another process, text and errno as they were there.
  static Error received(int code, std::string text) { return Error(code, std::move(text)); }

  /// Branch on codes, never on text.
  bool is(int code) const { return code_ == code; }
  int code() const { return code_; }
  const std::string& text() const { return text_; }

  [[gnu::cold]] void add_context(std::string_view step) {
    text_.insert(0, ": ");
    text_.insert(0, step);
  }
  /// Appends what the reader can do about it: "… (hint: …)".
  Error&& with_hint(std::string_view hint) && {
    text_.append(" (hint: ").append(hint).append(")");
    return std::move(*this);
  }

 private:
  Error(int code, std::string text) : code_(code), text_(std::move(text)) {}

  int code_;
  std::string text_;
};

/// A value of type T, or the Error that stands in its place.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  Error& error() & { return *std::get_if<1>(&state_); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

  /// Names the step under way. By value: TRY binds a reference to what this returns.
  template <class... Args>
  Result context(fmt::format_string<Args...> step, Args&&... args) && {
    if (!*this) error().add_context(fmt::format(step, std::forward<Args>(args)...));
    return std::move(*this);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_.has_value(); }
  void operator*() const {}

  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

  template <class... Args>
  Result context(fmt::format_string<Args...> step, Args&&... args) && {
    if (error_) error_->add_context(fmt::format(step, std::forward<Args>(args)...));
    return std::move(*this);
  }

 private:
  std::optional<Error> error_;
};

/// The value of `expr`; on failure, returns its Error from this function.
/// It stands alone, after `=`, or after `return`; never inside a braced
/// initializer, whose finished members GCC 12 and clang 14 would leak.
#define TRY(expr)                     \
  __extension__({                     \
    auto&& try_ = (expr);             \
    if (!try_) [[unlikely]]           \
      return std::move(try_).error(); \
    *std::move(try_);                 \
  })

}  // namespace skiff
