// Processes by descriptor: a pidfd never comes to mean another process, a pid does.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::pidfd {

/// pidfd_open(2), close-on-exec. Fails with ESRCH if there is no such process.
Result<Fd> open(pid_t pid);
/// pidfd_send_signal(2). Fails with ESRCH once the process has been reaped.
Result<void> send_signal(const Fd& pidfd, int signal);
/// Whether the process still runs: neither gone nor a zombie.
bool is_alive(const Fd& pidfd);
/// Waits until the process has exited, at most `timeout_ms` (-1: for ever); whether it did. Does
/// not reap it, and need not be its parent.
Result<bool> wait_exit(const Fd& pidfd, int timeout_ms);

/// How process `pid`, which started at `start_time` and has exited, ended: wait(2)'s status. Before
/// it is reaped /proc tells, after it the pidfd since Linux 6.15, if it was opened before; nullopt
/// if neither does. The caller need not be its parent.
std::optional<int> exit_status(const Fd& pidfd, pid_t pid, uint64_t start_time);

/// What /proc/PID/stat tells of a process.
struct Stat {
  std::string command;      // field 2, at most 15 bytes
  char state = '?';         // field 3: R, S, D, Z, X, …
  uint64_t start_time = 0;  // field 22: clock ticks since boot
  int exit_status = 0;      // field 52: of a zombie, wait(2)'s status
};
/// Parses the line; the command in field 2 may hold anything, parentheses too (proc(5)).
Result<Stat> parse_stat(std::string_view line);
/// Reads /proc/PID/stat. Fails with ENOENT or ESRCH if there is no such process.
Result<Stat> stat(pid_t pid);
/// stat(pid).start_time: together with the pid the name of a process, until the next boot.
Result<uint64_t> start_time(pid_t pid);
/// The pid that process `pid` has in its own, innermost pid namespace; nullopt when it is gone.
std::optional<pid_t> innermost_pid(pid_t pid);

/// What /proc tells of the live process `pid` that started at `start_time`; nullopt if there is
/// none at this moment.
Result<std::optional<Stat>> stat_running(pid_t pid, uint64_t start_time);
/// Whether `pid` is that of a live process that started at `start_time`, at this moment.
Result<bool> is_running(pid_t pid, uint64_t start_time);

/// A pidfd of the live process `pid` that started at `start_time`; an empty Fd if it has exited,
/// is a zombie, or its pid has come to mean another process.
Result<Fd> open_verified(pid_t pid, uint64_t start_time);

}  // namespace skiff::pidfd
