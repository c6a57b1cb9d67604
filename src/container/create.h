// create and run: from a bundle to a container.
#pragma once

#include <string>

#include "src/container/store.h"

namespace skiff::container {

enum class CgroupDriver { Cgroupfs, Systemd, Disabled };

/// Options that `create` and `run` share; paths are relative to the caller's
/// working directory and may be empty where the option is absent.
struct CreateOptions {
  std::string bundle = ".";
  std::string config = "config.json";  // relative to the bundle
  std::string console_socket;
  std::string pidfd_socket;
  std::string pid_file;
  bool no_pivot = false;
  bool no_new_keyring = false;
  unsigned preserve_fds = 0;
  CgroupDriver cgroup_driver = CgroupDriver::Cgroupfs;
};

/// Makes the container and its parked init process. After a failure nothing is left.
Result<void> create(const ContainerStore& store, const std::string& id,
                    const CreateOptions& options);

/// What create would do with these options, in words or as JSON (launch/describe.h). Nothing is
/// done.
Result<std::string> describe(const std::string& id, const CreateOptions& options, bool json);

struct RunOptions {
  CreateOptions create;
  bool detach = false;
  bool keep = false;          // leave the stopped container for `delete`
  bool no_subreaper = false;  // do not adopt the orphans of a detached container
};

/// create, start and, in the foreground, wait and delete. Returns the exit
/// status of the user's process: its own, or 128+n for signal n; 0 when detached.
Result<int> run(const ContainerStore& store, const std::string& id, const RunOptions& options);

}  // namespace skiff::container
