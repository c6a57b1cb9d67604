#include "src/linux/cgroup/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/text.h"

namespace skiff::cgroup {
namespace {

constexpr size_t kDescribed = 3;
constexpr size_t kFrames = 8;

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

Result<void> signal_one(pid_t pid, const Fd& pidfd, int signal) {
  const long status = pidfd ? ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0)
                            : ::kill(pid, signal);
  // ESRCH: it ended by itself.
  if (status < 0 && errno != ESRCH) return Error::from_errno("signal process {}", pid);
  return {};
}

/// The kernel functions that `pid` sleeps in, innermost first; "" if unknown.
std::string kernel_stack(pid_t pid) {
  // "[<0>] nfs_wait_bit_killable+0x1e/0x90" a line; needs privilege that wchan does not.
  const auto read = read_file(AT_FDCWD, fmt::format("/proc/{}/stack", pid));
  const std::string_view stack = read ? std::string_view(*read) : "";
  std::vector<std::string> functions;
  for (const std::string_view line : text::split(stack, '\n')) {
    const size_t name = line.find("] ");
    if (name == std::string_view::npos || functions.size() == kFrames) continue;
    functions.emplace_back(line.substr(name + 2, line.find('+') - name - 2));
  }
  if (!functions.empty()) return text::join(functions, " < ");
  const auto wchan = read_file(AT_FDCWD, fmt::format("/proc/{}/wchan", pid));
  return wchan && *wchan != "0" ? *wchan : "";
}

std::string describe(pid_t pid) {
  std::string text = fmt::format("process {}", pid);
  const auto stat = read_file(AT_FDCWD, fmt::format("/proc/{}/stat", pid));
  if (!stat) return text;
  // "12 (a name) with) D 1 …": the name may hold anything, so its end is the last ')'.
  const size_t open = stat->find('(');
  const size_t close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 2 >= stat->size())
    return text;
  text += fmt::format(" ({}) in state {}",
                      text::quote(std::string_view(*stat).substr(open + 1, close - open - 1)),
                      (*stat)[close + 2]);
  if (const std::string stack = kernel_stack(pid); !stack.empty()) text += " at " + stack;
  return text;
}

}  // namespace

Result<void> signal_processes(const Directory& directory, int signal) {
  const auto listed = TRY(directory.processes());
  std::vector<Fd> pidfds;
  pidfds.reserve(listed.size());
  for (const pid_t pid : listed) pidfds.push_back(open_pidfd(pid));
  // Those still listed are the processes that the descriptors stand for: a pid is not
  // reused as long as its process is in the cgroup.
  const auto still_listed = TRY(directory.processes());
  for (size_t i = 0; i < listed.size(); ++i)
    if (listed[i] != ::getpid() &&
        std::binary_search(still_listed.begin(), still_listed.end(), listed[i]))
      TRY(signal_one(listed[i], pidfds[i], signal));
  return {};
}

std::string describe(const std::vector<pid_t>& pids) {
  if (pids.empty()) return "no process that can be seen from here";
  std::string text;
  for (size_t i = 0; i < std::min(pids.size(), kDescribed); ++i) {
    if (i > 0) text += ", ";
    text += describe(pids[i]);
  }
  if (pids.size() > kDescribed) text += fmt::format(" and {} more", pids.size() - kDescribed);
  return text;
}

}  // namespace skiff::cgroup
