// The user's process: the same ending for create, run and exec.
#pragma once

#include <string>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/launch/channel.h"
#include "src/launch/hooks.h"
#include "src/launch/plan.h"

namespace skiff::init {

/// What the steps before leave for the ending.
struct Prepared {
  Fd root;      // "/", for lookups that must not leave it
  Fd terminal;  // the pty's slave, if the process has a terminal
  bool may_make_cwd = false;
  launch::HookFiles hook_files;
  Fd procfs;            // the host's, where something is to be written there
  std::string program;  // found by prepare_process
  std::string home;     // "HOME=…", where the configuration has none
};

/// Everything that can fail before `start`: stdio, working directory, user,
/// capabilities, label, and the program, which must exist. Leaves no descriptor of the host's
/// open. Without a program, this process is made one that waits: it reaps what comes to it and
/// ends with SIGTERM.
Result<void> prepare_process(const launch::ProcessPlan& plan, Prepared& prepared);

/// startContainer hooks with `state` on stdin, limits, filter, execve. Returns only on failure.
Result<void> execute(const launch::LaunchPlan& plan, const Prepared& prepared,
                     const std::string& state, launch::Channel& runtime);

}  // namespace skiff::init
