// The runtime under test, driven as an engine or a person drives it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/integration/support/bundle.h"
#include "tests/integration/support/command.h"
#include "tests/integration/support/environment.h"
#include "tests/integration/support/files.h"

namespace tests {

using Words = std::vector<std::string>;

/// Runs the runtime with these arguments and nothing else.
Output runtime(const Words& args, const CommandOptions& options = {});
/// Runs the runtime with `--root` of this bundle.
Output runtime(const Bundle& bundle, const Words& args, const CommandOptions& options = {});

/// Runs a copy of the runtime that an ordinary user can reach, as user 1000.
Output runtime_as_user(const Words& args, CommandOptions options);

/// One container of a bundle. Whatever is left of it at the end of the test is destroyed.
class Container {
 public:
  explicit Container(Bundle& bundle);
  Container(Bundle& bundle, std::string id);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const std::string& id() const { return id_; }
  Bundle& bundle() const { return bundle_; }

  Output run(const Words& flags = {}, const CommandOptions& options = {});
  Output create(const Words& flags = {}, const CommandOptions& options = {});
  Output start(const CommandOptions& options = {});
  /// create and start; fails the running test if one of them does.
  void launch();
  Output exec(const Words& flags, const Words& command, const CommandOptions& options = {});
  /// exec of `/bin/sh -c script`.
  Output sh(const std::string& script, const CommandOptions& options = {});
  Output kill(const Words& words = {});
  Output remove(const Words& flags = {});
  /// `command ID`, for commands that take only that.
  Output call(const std::string& command, const Words& flags = {});
  /// The words that `run` etc. would be started with, for a Command of the test's own.
  Words words(const std::string& command, const Words& flags, const Words& rest = {}) const;

  /// "" if the container does not exist.
  std::string status();
  /// init's pid as `state` tells it; 0 if it has none.
  pid_t pid();
  /// Waits for the status to become `wanted`.
  bool becomes(const std::string& wanted, double seconds = 5);
  /// The directory of its cgroup in the hierarchy of `controller`, as the kernel tells it for init.
  std::string cgroup(const std::string& controller);
  /// The same where v2 is all there is, with or without controllers.
  std::string v2_cgroup();

 private:
  Bundle& bundle_;
  std::string id_;
};

/// What `script` prints, run in the foreground by this bundle; fails the test on an error.
std::string output_of(Bundle& bundle, std::string_view script);

/// What `create` says to a bundle; checks that it refuses in one line and leaves nothing.
std::string refusal(Bundle& bundle);

/// The mounts that a container of this bundle sees.
std::vector<MountLine> mounts_inside(Bundle& bundle);

}  // namespace tests
