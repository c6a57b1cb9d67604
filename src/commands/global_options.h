// The options before the command, which hold for every command.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/log.h"
#include "src/commands/option.h"
#include "src/container/create.h"
#include "src/container/store.h"

namespace skiff::commands {

std::span<const Option> global_options();

/// A command line, its global options set apart.
struct GlobalOptions {
  Arguments arguments;               // of the global options
  std::vector<std::string> command;  // the command's name and what follows; empty if there is none

  /// The file of --log, if given.
  std::optional<std::string> log_file() const { return arguments.get("log"); }
  log::Format log_format() const;
  log::Level log_level() const;

  /// Where containers' state is: --root, else /run/skiff, or $XDG_RUNTIME_DIR/skiff
  /// for a caller that is not root. Fails when there is no such variable.
  Result<container::ContainerStore> store() const;
  /// Fails for the systemd manager.
  Result<container::CgroupDriver> cgroup_driver() const;
};

/// Separates the global options from the command; does not check their arguments.
Result<GlobalOptions> read_global_options(const std::vector<std::string>& tokens);

}  // namespace skiff::commands
