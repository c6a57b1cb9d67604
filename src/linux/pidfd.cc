#include "src/linux/pidfd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff::pidfd {
namespace {

constexpr size_t kStartTimeField = 22;
constexpr size_t kStateField = 3;
constexpr size_t kExitField = 52;
constexpr size_t kMostStatus = 64u << 10;

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// PIDFD_GET_INFO and what it fills in (<linux/pidfd.h> of Linux 6.15).
struct Info {
  uint64_t mask;
  uint64_t cgroup;
  uint32_t ids[11];  // pid and parents, user and group ids
  int32_t exit_code;
};
constexpr uint64_t kInfoExit = 1u << 3;
constexpr unsigned long kGetInfo = _IOWR(0xff, 11, Info);

/// EINVAL: before Linux 6.15 pidfd_open(2) says so of a reaped process whose number lives on as
/// that of a session or process group.
bool is_gone(const Error& error) { return error.is(ENOENT) || error.is(ESRCH) || error.is(EINVAL); }

/// The word of `line` with `number` spaces before it; "" if there are not as many.
std::string_view word_of(std::string_view line, size_t number) {
  for (; number > 0; --number) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

}  // namespace

Result<Fd> open(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return Error::from_errno("pidfd_open {}", pid);
  return Fd(static_cast<int>(fd));
}

Result<void> send_signal(const Fd& pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) < 0)
    return Error::from_errno("send signal {}", signal);
  return {};
}

bool is_alive(const Fd& pidfd) {
  pollfd exited{pidfd.get(), POLLIN, 0};
  return ::poll(&exited, 1, 0) == 0;
}

Result<bool> wait_exit(const Fd& pidfd, int timeout_ms) {
  const auto deadline = Clock::now() + milliseconds(timeout_ms);
  int left = timeout_ms;
  for (;;) {
    pollfd exited{pidfd.get(), POLLIN, 0};
    const int ready = ::poll(&exited, 1, left);
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return Error::from_errno("wait for a process");
    if (timeout_ms < 0) continue;
    const auto rest = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    left = static_cast<int>(std::max<int64_t>(rest, 0));
  }
}

Result<Stat> parse_stat(std::string_view line) {
  const size_t command_end = line.rfind(')');
  if (command_end == std::string_view::npos || command_end + 2 > line.size())
    return Error::invalid("malformed: {}", text::quote(line));
  // What follows the command and a space begins with field 3.
  const std::string_view fields = line.substr(command_end + 2);
  const std::string_view state = fields.substr(0, fields.find(' '));
  const auto started = text::parse_unsigned(word_of(fields, kStartTimeField - kStateField));
  if (!started || state.size() != 1) return Error::invalid("malformed: {}", text::quote(line));
  const size_t command = line.find('(') + 1;
  Stat found{std::string(line.substr(command, command_end - command)), state[0], *started};
  // Only zombies have one, and most processes that are looked at live.
  if (found.state == 'Z')
    found.exit_status =
        static_cast<int>(text::parse_signed(word_of(fields, kExitField - kStateField)).value_or(0));
  return found;
}

Result<Stat> stat(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error::from_errno("open {}", path);
  char line[1024];  // 52 numbers and a command of at most 64 bytes
  const ssize_t size = ::read(file.get(), line, sizeof line);
  if (size < 0) return Error::from_errno("read {}", path);
  return parse_stat(text::trim({line, static_cast<size_t>(size)})).context("{}", path);
}

Result<uint64_t> start_time(pid_t pid) {
  const Stat found = TRY(stat(pid));
  return found.start_time;
}

Result<std::optional<Stat>> stat_running(pid_t pid, uint64_t start_time) {
  if (pid <= 0) return std::optional<Stat>();
  auto found = stat(pid);
  if (!found && !is_gone(found.error())) return std::move(found).error();
  if (!found || found->start_time != start_time || found->state == 'Z' || found->state == 'X')
    return std::optional<Stat>();
  return std::optional(*std::move(found));
}

Result<bool> is_running(pid_t pid, uint64_t start_time) {
  const auto found = TRY(stat_running(pid, start_time));
  return found.has_value();
}

Result<Fd> open_verified(pid_t pid, uint64_t start_time) {
  if (pid <= 0) return Fd();
  auto opened = open(pid);
  if (!opened) {
    if (is_gone(opened.error())) return Fd();
    return opened;
  }
  // Read after opening: if the process meant still has its pid now, it had it then.
  const auto found = stat(pid);
  if (!found) {
    if (is_gone(found.error())) return Fd();
    return found.error();
  }
  if (found->start_time != start_time || found->state == 'Z' || found->state == 'X' ||
      !is_alive(*opened))
    return Fd();
  return opened;
}

std::optional<int> exit_status(const Fd& pidfd, pid_t pid, uint64_t start_time) {
  const auto found = stat(pid);
  if (found && found->start_time == start_time && found->state == 'Z') return found->exit_status;
  Info info{};
  info.mask = kInfoExit;
  if (::ioctl(pidfd.get(), kGetInfo, &info) < 0 || (info.mask & kInfoExit) == 0)
    return std::nullopt;
  return info.exit_code;
}

std::optional<pid_t> innermost_pid(pid_t pid) {
  const auto file = sys::open(fmt::format("/proc/{}/status", pid), O_RDONLY);
  if (!file) return std::nullopt;
  const auto status = sys::read_all(*file, kMostStatus, "status");
  const size_t at = status ? status->find("\nNSpid:") : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  const std::string_view line = std::string_view(*status).substr(at + 1);
  const std::string_view ids = line.substr(0, line.find('\n'));
  const auto inner = text::parse_unsigned(ids.substr(ids.find_last_of(":\t") + 1));
  if (!inner) return std::nullopt;
  return static_cast<pid_t>(*inner);
}

}  // namespace skiff::pidfd
