// The commands: what each is called, what it takes, what it does.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/commands/global_options.h"
#include "src/commands/option.h"

namespace skiff::commands {

struct Invocation;

/// Constant data, so that starting one command costs nothing for the others.
struct Command {
  std::string_view name;
  /// The operands: "CONTAINER-ID", "[SIGNAL]" if optional, "[ARG...]" for any number.
  std::string_view synopsis;
  std::string_view summary;  // one line, no full stop
  std::string_view details;  // further help, a final newline is added
  std::span<const Option> options = {};
  Operands operands = Operands::AmongOptions;
  bool hidden = false;
  int failure_status = 1;  // the exit status when run() fails
  /// Rules that concern more than one option or operand. Null: none.
  Result<void> (*check)(const Arguments& arguments) = nullptr;
  /// Returns the exit status.
  Result<int> (*run)(const Invocation& call) = nullptr;
};

/// A command with everything it needs to run.
struct Invocation {
  const Command& command;
  const GlobalOptions& globals;
  Arguments arguments;

  /// The first operand. Only commands whose synopsis demands one may ask.
  const std::string& id() const { return arguments.operands().front(); }
  /// What goes before a colon in messages: "create web", "list".
  std::string title() const;
};

/// Every command, in the order of the help; hidden ones last.
std::span<const Command* const> all_commands();
/// Null if there is none of that name.
const Command* find_command(std::string_view name);

/// -h, --help: every command has it.
extern const Option kHelpOption;

/// Finds the command and sorts its `tokens`; nothing of the system is looked
/// at. Errors are complete sentences for the user: "create: unknown option --foo (hint: …)".
Result<Invocation> prepare(const GlobalOptions& globals);

}  // namespace skiff::commands
