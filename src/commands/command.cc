#include "src/commands/command.h"

#include "src/base/text.h"
#include "src/commands/commands.h"

namespace skiff::commands {
namespace {

constexpr const Command* kCommands[] = {
    &kCreate, &kStart,   &kRun,      &kExec,  &kState,        &kKill,         &kDelete, &kList,
    &kPs,     &kEvents,  &kStats,    &kPause, &kResume,       &kUpdate,       &kSpec,   &kValidate,
    &kPlan,   &kSeccomp, &kFeatures, &kHelp,  &kPrintVersion, &kPrintOptions,
};

struct OperandCount {
  size_t required = 0;
  size_t at_most = 0;
};

OperandCount count_operands(std::string_view synopsis) {
  OperandCount count;
  if (synopsis.empty()) return count;
  for (const std::string_view word : text::split(synopsis, ' ')) {
    if (!word.starts_with('[')) ++count.required;
    if (word.ends_with("...]")) count.at_most = SIZE_MAX;
    if (count.at_most != SIZE_MAX) ++count.at_most;
  }
  return count;
}

Result<void> check_operands(const Command& command, const std::vector<std::string>& operands) {
  const OperandCount expected = count_operands(command.synopsis);
  const std::string hint = fmt::format("usage: {}", usage(command));
  if (operands.size() < expected.required)
    return Error::invalid("missing argument {}",
                          text::split(command.synopsis, ' ')[operands.size()])
        .with_hint(hint);
  if (operands.size() > expected.at_most)
    return Error::invalid("unexpected argument {}", text::quote(operands[expected.at_most]))
        .with_hint(hint);
  return {};
}

Error unknown_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command* command : kCommands)
    if (!command->hidden) names.push_back(command->name);
  const std::string_view near = text::nearest(name, names);
  return Error::invalid("unknown command {}", shown(name))
      .with_hint(near.empty() ? "see skiff help" : fmt::format("did you mean {}?", near));
}

/// `create --help` is `help create`.
Invocation help_on(const GlobalOptions& globals, const Command& topic) {
  Invocation call{kHelp, globals, {}};
  call.arguments.set_operands({std::string(topic.name)});
  return call;
}

Result<Invocation> read_command(const GlobalOptions& globals, const Command& command) {
  std::vector<Option> options(command.options.begin(), command.options.end());
  options.push_back(kHelpOption);
  const std::vector<std::string> tokens(globals.command.begin() + 1, globals.command.end());
  Invocation call{command, globals, {}};
  call.arguments = TRY(read_options(options, tokens, command.operands,
                                    fmt::format("see skiff help {}", command.name)));
  if (call.arguments.flag(kHelpOption.name)) return help_on(globals, command);
  TRY(check_arguments(command.options, call.arguments));
  TRY(check_operands(command, call.arguments.operands()));
  if (command.check != nullptr) TRY(command.check(call.arguments));
  return call;
}

}  // namespace

const Option kHelpOption = {"help", 'h', "", "print this help"};

std::string Invocation::title() const {
  const bool has_id = command.synopsis.starts_with("CONTAINER-ID") ||
                      (command.synopsis == "[CONTAINER-ID]" && !arguments.operands().empty());
  return has_id ? fmt::format("{} {}", command.name, shown(id())) : std::string(command.name);
}

std::span<const Command* const> all_commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  for (const Command* command : kCommands)
    if (command->name == name) return command;
  return nullptr;
}

Result<Invocation> prepare(const GlobalOptions& globals) {
  TRY(check_arguments(global_options(), globals.arguments));
  if (globals.arguments.flag("version")) return Invocation{kPrintVersion, globals, {}};
  if (globals.arguments.flag("help")) return Invocation{kHelp, globals, {}};
  if (globals.command.empty())
    return Error::invalid("no command given").with_hint("see skiff --help");
  const Command* command = find_command(globals.command.front());
  if (command == nullptr) return unknown_command(globals.command.front());
  return read_command(globals, *command).context("{}", command->name);
}

}  // namespace skiff::commands
