#include "src/commands/values.h"

#include <signal.h>

#include "src/base/text.h"
#include "src/linux/capabilities.h"

namespace skiff::commands {
namespace {

struct NamedSignal {
  std::string_view name;
  int number;
};

constexpr NamedSignal kSignals[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"BUS", SIGBUS},       {"CHLD", SIGCHLD},
    {"CLD", SIGCHLD},  {"CONT", SIGCONT}, {"FPE", SIGFPE},       {"HUP", SIGHUP},
    {"ILL", SIGILL},   {"INT", SIGINT},   {"IO", SIGIO},         {"IOT", SIGIOT},
    {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"POLL", SIGPOLL},     {"PROF", SIGPROF},
    {"PWR", SIGPWR},   {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},     {"STKFLT", SIGSTKFLT},
    {"STOP", SIGSTOP}, {"SYS", SIGSYS},   {"TERM", SIGTERM},     {"TRAP", SIGTRAP},
    {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},     {"URG", SIGURG},
    {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"VTALRM", SIGVTALRM}, {"WINCH", SIGWINCH},
    {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
};

// What programs mean by SIGRTMIN: the kernel's 32 and 33 are the C library's own (signal(7)).
constexpr int kFirstRealTime = 34;
constexpr int kLastSignal = 64;

/// "RTMIN", "RTMIN+3", "RTMAX-1": counted from the end that is named.
std::optional<int> real_time_signal(std::string_view name) {
  const bool from_first = name.starts_with("RTMIN");
  if (!from_first && !name.starts_with("RTMAX")) return std::nullopt;
  name.remove_prefix(5);
  if (name.empty()) return from_first ? kFirstRealTime : kLastSignal;
  if (name.front() != (from_first ? '+' : '-')) return std::nullopt;
  const std::optional<uint64_t> offset = text::parse_unsigned(name.substr(1));
  if (!offset || *offset > kLastSignal - kFirstRealTime) return std::nullopt;
  const int steps = static_cast<int>(*offset);
  return from_first ? kFirstRealTime + steps : kLastSignal - steps;
}

Result<uint64_t> parse_number(std::string_view word, uint64_t last) {
  const std::optional<uint64_t> number = text::parse_unsigned(word);
  if (!number || *number > last)
    return Error::invalid("expected a number from 0 to {}, found {}", last, text::quote(word));
  return *number;
}

}  // namespace

Result<int> parse_signal(std::string_view word) {
  const std::optional<uint64_t> number = text::parse_unsigned(word);
  if (number && *number <= kLastSignal) return static_cast<int>(*number);
  std::string name = text::upper(word);
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (const NamedSignal& signal : kSignals)
    if (signal.name == name) return signal.number;
  if (const std::optional<int> signal = real_time_signal(name)) return *signal;
  return Error::invalid("unknown signal {}", text::quote(word))
      .with_hint("a number from 0 to 64 or a name such as TERM");
}

Result<uint32_t> parse_id(std::string_view word) {
  return static_cast<uint32_t>(TRY(parse_number(word, UINT32_MAX - 1)));
}

Result<User> parse_user(std::string_view word) {
  const size_t colon = word.find(':');
  User user;
  user.uid = TRY(parse_id(word.substr(0, colon)).context("user id"));
  if (colon != std::string_view::npos)
    user.gid = TRY(parse_id(word.substr(colon + 1)).context("group id"));
  return user;
}

Result<unsigned> parse_descriptor_count(std::string_view word) {
  constexpr uint64_t kDefaultNrOpen = 1'048'576;  // fs.nr_open, proc(5)
  return static_cast<unsigned>(TRY(parse_number(word, kDefaultNrOpen)));
}

Result<int64_t> parse_interval(std::string_view word) {
  constexpr uint64_t kDay = 86'400'000;
  const auto microseconds = text::parse_duration(word);
  if (!microseconds)
    return Error::invalid("expected a time such as 5s or 500ms, found {}", text::quote(word));
  const uint64_t milliseconds = *microseconds / 1000;
  if (milliseconds == 0 || milliseconds > kDay)
    return Error::invalid("expected a time from 1ms to 24h, found {}", text::quote(word));
  return static_cast<int64_t>(milliseconds);
}

Result<void> check_interval(const std::string& argument) {
  TRY(parse_interval(argument));
  return {};
}

Result<void> check_user(const std::string& argument) {
  TRY(parse_user(argument));
  return {};
}

Result<void> check_id(const std::string& argument) {
  TRY(parse_id(argument));
  return {};
}

Result<void> check_descriptor_count(const std::string& argument) {
  TRY(parse_descriptor_count(argument));
  return {};
}

Result<void> check_environment(const std::string& argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0)
    return Error::invalid("expected KEY=VALUE, found {}", text::quote(argument));
  return {};
}

Result<void> check_absolute_path(const std::string& argument) {
  if (!argument.starts_with('/'))
    return Error::invalid("expected an absolute path, found {}", text::quote(argument));
  return {};
}

Result<void> check_not_empty(const std::string& argument) {
  if (argument.empty()) return Error::invalid("must not be empty");
  return {};
}

Result<void> check_capability(const std::string& argument) {
  if (!capabilities::number(argument))
    return Error::invalid("unknown capability {}", text::quote(argument));
  return {};
}

Result<void> check_text_format(const std::string& argument) {
  if (argument != "text" && argument != "json")
    return Error::invalid("expected text or json, found {}", text::quote(argument));
  return {};
}

Result<void> check_listing_format(const std::string& argument) {
  if (argument != "table" && argument != "json")
    return Error::invalid("expected table or json, found {}", text::quote(argument));
  return {};
}

}  // namespace skiff::commands
