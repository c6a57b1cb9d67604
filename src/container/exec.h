// exec: one more process in a running container.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/container/store.h"

namespace skiff::container {

/// What the command line changes of the container's process; empty or absent
/// values leave it as the container's configuration has it.
struct ExecOptions {
  std::string process_file;  // --process: a process object that replaces all the rest
  std::vector<std::string> args;
  std::vector<std::string> env;  // KEY=VALUE, appended: the last wins
  std::string cwd;
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  std::vector<uint32_t> additional_gids;
  std::vector<std::string> capabilities;  // names, added to bounding, effective and permitted
  std::optional<std::string> apparmor_profile;
  std::optional<std::string> selinux_label;
  bool tty = false;
  bool no_new_privileges = false;
  bool detach = false;
  bool ignore_paused = false;
  unsigned preserve_fds = 0;
  std::string console_socket;
  std::string pidfd_socket;
  std::string pid_file;
  std::string cgroup;  // a sub-cgroup of the container's
};

/// Returns the process's status as `run` does; 0 when detached. A failure to set
/// the process up is an Error (the command exits 255 for it).
Result<int> exec(const ContainerStore& store, const std::string& id, const ExecOptions& options);

}  // namespace skiff::container
