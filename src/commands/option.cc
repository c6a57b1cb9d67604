#include "src/commands/option.h"

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <numeric>

#include "src/base/text.h"

namespace skiff::commands {
namespace {

namespace po = boost::program_options;

/// Boost's name for a flag switched off; no option of ours has a colon in its name.
constexpr std::string_view kOff = "off:";

const Option* by_name(std::span<const Option> options, std::string_view name) {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const Option& option) { return option.name == name; });
  return found == options.end() ? nullptr : &*found;
}

const Option* by_letter(std::span<const Option> options, char letter) {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const Option& option) { return option.letter == letter; });
  return found == options.end() || letter == 0 ? nullptr : &*found;
}

/// The option that `token` gives an argument to after '='; null if it is no such token.
const Option* assigned(std::span<const Option> options, std::string_view token) {
  const size_t equals = token.find('=');
  if (token.starts_with("--") && equals != std::string_view::npos)
    return by_name(options, token.substr(2, equals - 2));
  return equals == 2 ? by_letter(options, token[1]) : nullptr;
}

/// Whether the token after `token` is the argument of an option in it.
bool awaits_argument(std::span<const Option> options, std::string_view token) {
  if (token.starts_with("--")) {
    const Option* option = by_name(options, token.substr(2));
    return option != nullptr && !option->is_flag();
  }
  for (size_t i = 1; i < token.size(); ++i) {
    const Option* option = by_letter(options, token[i]);
    if (option == nullptr) return false;
    if (!option->is_flag()) return i + 1 == token.size();
  }
  return false;
}

std::optional<bool> parse_bool(std::string_view word) {
  for (const std::string_view yes : {"true", "yes", "1"})
    if (word == yes) return true;
  for (const std::string_view no : {"false", "no", "0"})
    if (word == no) return false;
  return std::nullopt;
}

/// A command line in the forms that Boost.Program_options reads as we do.
struct Normalised {
  std::vector<std::string> options;   // with operands among them, or without
  std::vector<std::string> operands;  // what follows the end of the options
};

/// Appends `token`, an option given as `--name=argument` or `-n=argument`. Boost knows
/// neither an argument after `-n=`, nor an empty one after `--name=`, nor a flag's value.
Result<void> append_assignment(const Option& option, std::string_view argument,
                               std::vector<std::string>& out) {
  if (!option.is_flag()) {
    out.push_back(fmt::format("--{}", option.name));
    out.emplace_back(argument);
    return {};
  }
  const std::optional<bool> on = parse_bool(argument);
  if (!on)
    return Error::invalid("--{}: expected true or false, found {}", option.name,
                          text::quote(argument));
  out.push_back(fmt::format("--{}{}", *on ? "" : kOff, option.name));
  return {};
}

Result<Normalised> normalise(std::span<const Option> options,
                             const std::vector<std::string>& tokens, Operands style) {
  Normalised line;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string& token = tokens[i];
    const bool terminator = token == "--";
    const bool operand = token.size() < 2 || token[0] != '-';
    if (terminator || (operand && style == Operands::EndOptions)) {
      const auto rest = static_cast<std::ptrdiff_t>(terminator ? i + 1 : i);
      line.operands.assign(tokens.begin() + rest, tokens.end());
      return line;
    }
    if (const Option* option = operand ? nullptr : assigned(options, token)) {
      const std::string_view argument = std::string_view(token).substr(token.find('=') + 1);
      TRY(append_assignment(*option, argument, line.options));
      continue;
    }
    line.options.push_back(token);
    // Whatever it looks like: `--cwd --` names a directory.
    const bool takes_next = !operand && awaits_argument(options, token);
    if (takes_next && i + 1 < tokens.size()) line.options.push_back(tokens[++i]);
  }
  return line;
}

/// Whether one of `tokens` could give `option`; sees more than there is, never less.
bool may_be_given(const Option& option, const std::vector<std::string>& tokens) {
  return std::any_of(tokens.begin(), tokens.end(), [&](std::string_view token) {
    if (!token.starts_with('-')) return false;
    return token.starts_with("--") ? token.find(option.name) != std::string_view::npos
                                   : token.find(option.letter) != std::string_view::npos;
  });
}

/// Only what may be given: Boost takes longer to describe an option than to find it.
void describe(std::span<const Option> options, const std::vector<std::string>& tokens,
              po::options_description& description) {
  for (const Option& option : options) {
    if (!may_be_given(option, tokens)) continue;
    std::string names(option.name);
    if (option.letter != 0) names.append(",").push_back(option.letter);
    description.add_options()(names.c_str(), new po::untyped_value(option.is_flag()));
    if (!option.is_flag()) continue;
    names = fmt::format("{}{}", kOff, option.name);
    description.add_options()(names.c_str(), new po::untyped_value(true));
  }
}

Error unknown_option(std::span<const Option> options, const std::string& token,
                     std::string_view hint) {
  const std::string name = token.substr(0, token.find('='));
  std::vector<std::string_view> names;
  for (const Option& option : options) names.push_back(option.name);
  const std::string_view near = name.starts_with("--")
                                    ? text::nearest(std::string_view(name).substr(2), names)
                                    : std::string_view();
  return Error::invalid("unknown option {}", shown(name))
      .with_hint(near.empty() ? std::string(hint) : fmt::format("did you mean --{}?", near));
}

/// Boost reports by exceptions; this is the one place that catches them.
Result<std::vector<po::option>> parse(std::span<const Option> options,
                                      const po::options_description& known,
                                      const std::vector<std::string>& tokens,
                                      std::string_view hint) {
  namespace style = po::command_line_style;
  try {
    return po::command_line_parser(tokens)
        .options(known)
        .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next |
               style::allow_short | style::allow_dash_for_short | style::short_allow_adjacent |
               style::short_allow_next | style::allow_sticky)
        .run()
        .options;
  } catch (const po::unknown_option& unknown) {
    return unknown_option(options, unknown.get_option_name(), hint);
  } catch (const po::error_with_option_name& wrong) {
    return Error::invalid("{}: needs an argument", wrong.get_option_name());
  }
}

}  // namespace

bool Arguments::flag(std::string_view name) const { return get(name) == "true"; }

std::optional<std::string> Arguments::get(std::string_view name) const {
  for (auto it = given_.rbegin(); it != given_.rend(); ++it)
    if (it->first == name) return it->second;
  return std::nullopt;
}

std::string Arguments::value_or(std::string_view name, std::string_view fallback) const {
  return get(name).value_or(std::string(fallback));
}

std::vector<std::string> Arguments::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [given, value] : given_)
    if (given == name) values.push_back(value);
  return values;
}

Result<Arguments> read_options(std::span<const Option> options,
                               const std::vector<std::string>& tokens, Operands style,
                               std::string_view hint) {
  Normalised line = TRY(normalise(options, tokens, style));
  po::options_description known;
  describe(options, line.options, known);
  Arguments arguments;
  std::vector<std::string> operands;
  for (po::option& option : TRY(parse(options, known, line.options, hint))) {
    const bool off = option.string_key.starts_with(kOff);
    if (option.string_key.empty())
      operands.push_back(std::move(option.value.front()));
    else if (option.value.empty())
      arguments.add(option.string_key.substr(off ? kOff.size() : 0), off ? "false" : "true");
    else
      arguments.add(std::move(option.string_key), std::move(option.value.front()));
  }
  std::move(line.operands.begin(), line.operands.end(), std::back_inserter(operands));
  arguments.set_operands(std::move(operands));
  return arguments;
}

Result<void> check_arguments(std::span<const Option> options, const Arguments& arguments) {
  for (const Option& option : options) {
    if (option.check == nullptr) continue;
    for (const std::string& argument : arguments.all(option.name))
      TRY(option.check(argument).context("--{}", option.name));
  }
  return {};
}

std::string shown(std::string_view word) {
  constexpr std::string_view kPlain = "-_.,:/+@=";
  const bool plain = std::all_of(word.begin(), word.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPlain.find(c) != std::string_view::npos;
  });
  return plain && !word.empty() ? std::string(word) : text::quote(word);
}

}  // namespace skiff::commands
