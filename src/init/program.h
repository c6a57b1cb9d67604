// The program of the process: found in the container, and why it could not be executed.
#pragma once

#include <string>
#include <vector>

#include "src/base/result.h"

namespace skiff::init {

/// The path to execute for `name`: itself if it has a slash, else searched in PATH of
/// `env`, as this process's user. Engines parse the messages:
/// `exec: "x": executable file not found in $PATH`.
Result<std::string> find_program(const std::string& name, const std::vector<std::string>& env);

/// The failure of execve(2) with `code`, with what the file itself tells about the cause.
Error explain_exec_failure(int code, const std::string& program);

}  // namespace skiff::init
