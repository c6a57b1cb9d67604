/// Code that runs as root of namespaces of its own, whoever runs the tests.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "src/base/fd.h"

namespace tests {

inline bool write_to(const char* path, const std::string& text) {
  const skiff::Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Forks and calls `body`, which returns an exit code, in a new user namespace and those that
/// `flags` (CLONE_NEW*) name; nullopt if this machine does not let us.
template <class Body>
std::optional<int> in_namespaces(int flags, const Body& body) {
  constexpr int kRefused = 120;
  const std::string uid = "0 " + std::to_string(::geteuid()) + " 1";
  const std::string gid = "0 " + std::to_string(::getegid()) + " 1";
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::unshare(CLONE_NEWUSER | flags) < 0 || !write_to("/proc/self/setgroups", "deny") ||
        !write_to("/proc/self/uid_map", uid) || !write_to("/proc/self/gid_map", gid))
      ::_exit(kRefused);
    ::_exit(body());
  }
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  if (WEXITSTATUS(status) == kRefused) return std::nullopt;
  return WEXITSTATUS(status);
}

}  // namespace tests
