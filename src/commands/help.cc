// help, --help, --version, and the option table for machines.
#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/linux/seccomp.h"
#include "src/spec/spec.h"

namespace skiff::commands {
namespace {

/// "-b, --bundle DIR"
std::string spelling(const Option& option) {
  std::string text = option.letter != 0 ? fmt::format("-{}, --{}", option.letter, option.name)
                                        : fmt::format("    --{}", option.name);
  if (!option.is_flag()) text.append(" ").append(option.argument);
  return text;
}

void append_options(std::span<const Option> options, std::string& text) {
  constexpr size_t kColumn = 30;
  for (const Option& option : options) {
    const std::string left = spelling(option);
    text += fmt::format("  {:<{}}", left, kColumn);
    if (left.size() >= kColumn) text += fmt::format("\n  {:<{}}", "", kColumn);
    text += fmt::format("{}\n", option.help);
  }
}

std::string overview() {
  std::string text =
      "Usage: skiff [GLOBAL-OPTION...] COMMAND [ARG...]\n\n"
      "Run containers as the Open Container Initiative specifies them.\n\nCommands:\n";
  for (const Command* command : all_commands())
    if (!command->hidden) text += fmt::format("  {:<10}{}\n", command->name, command->summary);
  text += "\nGlobal options, before the command:\n";
  append_options(global_options(), text);
  return text += "\nskiff help COMMAND tells more about a command.\n";
}

std::string help_on(const Command& command) {
  std::string text = fmt::format("Usage: {}\n\n{}.\n", usage(command), command.summary);
  text[text.find(command.summary)] = text::upper(command.summary.substr(0, 1)).front();
  if (!command.details.empty()) text += fmt::format("\n{}\n", command.details);
  text += "\nOptions:\n";
  append_options(command.options, text);
  append_options(std::span(&kHelpOption, 1), text);
  return text;
}

Result<int> help(const Invocation& call) {
  const std::vector<std::string>& operands = call.arguments.operands();
  if (operands.empty()) {
    TRY(print(overview()));
    return EXIT_SUCCESS;
  }
  const Command* topic = find_command(operands.front());
  if (topic == nullptr || topic->hidden)
    return Error::invalid("No help topic for '{}'", shown(operands.front()));
  TRY(print(help_on(*topic)));
  return EXIT_SUCCESS;
}

Result<int> print_version(const Invocation&) {
  TRY(print(fmt::format("skiff version {}\nspec: {}\nlibseccomp: {}\n+CAP +SECCOMP +EBPF\n",
                        SKIFF_VERSION, spec::kOciVersion, seccomp::library_version())));
  return EXIT_SUCCESS;
}

void append_rows(std::string_view command, std::span<const Option> options, std::string& text) {
  for (const Option& option : options) {
    const std::string letter = option.letter != 0 ? fmt::format(",-{}", option.letter) : "";
    text += fmt::format("{}\t--{}{}\t{}\t{}\n", command, option.name, letter, option.argument,
                        option.help);
  }
}

Result<int> print_options(const Invocation&) {
  std::string text;
  append_rows("", global_options(), text);
  for (const Command* command : all_commands()) {
    if (command->hidden) continue;
    append_rows(command->name, command->options, text);
    append_rows(command->name, std::span(&kHelpOption, 1), text);
  }
  TRY(print(text));
  return EXIT_SUCCESS;
}

}  // namespace

std::string usage(const Command& command) {
  std::string text = fmt::format("skiff {}", command.name);
  if (!command.options.empty()) text += " [OPTION...]";
  if (!command.synopsis.empty()) text.append(" ").append(command.synopsis);
  return text;
}

constexpr Command kHelp = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "explain skiff or one of its commands",
    .details = "",
    .run = help,
};

constexpr Command kPrintVersion = {
    .name = "__version",
    .synopsis = "",
    .summary = "print versions, as --version does",
    .details = "",
    .hidden = true,
    .run = print_version,
};

/// One line an option: command (empty for global ones), spelling, argument, help; tabs between.
constexpr Command kPrintOptions = {
    .name = "__options",
    .synopsis = "",
    .summary = "print every option of every command",
    .details = "",
    .hidden = true,
    .run = print_options,
};

}  // namespace skiff::commands
