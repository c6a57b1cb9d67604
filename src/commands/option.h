// Options: how they are declared, and what a command line says of them.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace skiff::commands {

/// One option as its user sees it. Constant data: help, completions and the
/// manual pages' check read the same table as the parser.
struct Option {
  std::string_view name;      // "bundle" for --bundle
  char letter = 0;            // 'b' for -b; 0 for none
  std::string_view argument;  // "DIR"; empty for a flag
  std::string_view help;
  /// Fails if the argument is no good; the parser names the option. Null: any text will do.
  Result<void> (*check)(const std::string& argument) = nullptr;

  constexpr bool is_flag() const { return argument.empty(); }
};

/// The options of both tables, in order.
template <size_t A, size_t B>
constexpr std::array<Option, A + B> joined(const std::array<Option, A>& first,
                                           const std::array<Option, B>& second) {
  std::array<Option, A + B> all;
  for (size_t i = 0; i < A; ++i) all[i] = first[i];
  for (size_t i = 0; i < B; ++i) all[A + i] = second[i];
  return all;
}

/// What a command line said: options with their arguments, and operands.
class Arguments {
 public:
  bool flag(std::string_view name) const;
  /// The argument of the option's last occurrence.
  std::optional<std::string> get(std::string_view name) const;
  std::string value_or(std::string_view name, std::string_view fallback) const;
  /// The arguments of all its occurrences, in their order.
  std::vector<std::string> all(std::string_view name) const;

  const std::vector<std::string>& operands() const { return operands_; }
  void set_operands(std::vector<std::string> operands) { operands_ = std::move(operands); }
  void add(std::string name, std::string argument) {
    given_.emplace_back(std::move(name), std::move(argument));
  }

 private:
  std::vector<std::pair<std::string, std::string>>
      given_;  // a flag's argument is "true" or "false"
  std::vector<std::string> operands_;
};

enum class Operands {
  AmongOptions,  // options may follow operands
  EndOptions,    // everything from the first operand on is an operand
};

/// Sorts `tokens` into options and operands. Taken: `--name ARG`, `--name=ARG`, `-n ARG`, `-nARG`,
/// `-n=ARG`, `--flag`, `--flag=true|false|yes|no|1|0`, bundled one-letter flags, and `--` before
/// operands that look like options. Names are never abbreviated. Of an option
/// given twice the last wins, where it takes a list all count.
/// Arguments are not checked yet: see check_arguments(). An unknown option's Error
/// ends in the name it resembles, or in `hint`.
Result<Arguments> read_options(std::span<const Option> options,
                               const std::vector<std::string>& tokens, Operands style,
                               std::string_view hint);

/// Runs each option's check; an Error begins with the option: `--preserve-fds: …`.
Result<void> check_arguments(std::span<const Option> options, const Arguments& arguments);

/// `word` as it is if it is plain, else quoted: for messages.
std::string shown(std::string_view word);

}  // namespace skiff::commands
