// What engines are given of a new process: its terminal, its pidfd, its pid.
#pragma once

#include <sys/types.h>

#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::container {

struct HandoverPaths {
  std::string console_socket;
  std::string pidfd_socket;
  std::string pid_file;
  std::string pidfd_receiver;  // one more pidfd_socket, by annotation
};

/// Sends `console` and `pidfd` (`role`: "standard" for init, "setns" for exec) where asked to, and
/// writes the pid file, last and atomically: who sees it sees all of it. A console that
/// is sent is closed here.
Result<void> hand_over(Fd& console, const Fd& pidfd, const char* role, pid_t pid,
                       const HandoverPaths& paths);

}  // namespace skiff::container
