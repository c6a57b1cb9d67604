#include <algorithm>

#include "src/base/json.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/commands/values.h"
#include "src/container/bundle.h"
#include "src/container/inspect.h"
#include "src/spec/advice.h"
#include "src/spec/decode.h"

namespace skiff::commands {
namespace {

constexpr Option kOptions[] = {
    {"bundle", 'b', "DIR", "the bundle's directory (default .), as the operand", check_not_empty},
    {"config", 'f', "FILE", "another file than config.json", check_not_empty},
    {"no-host", 0, "", "judge the configuration alone, not what this host has of it"},
    {"format", 0, "text|json", "how to print them (default text)", check_text_format},
};

using spec::Finding;

struct Findings {
  std::vector<Finding> errors;
  std::vector<Finding> advice;
};

void append(std::vector<Finding>& to, std::vector<Finding> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void take_unknown(const std::vector<spec::Survey::Unknown>& unknown, Findings& findings) {
  for (const spec::Survey::Unknown& member : unknown) {
    std::string text = "unknown, has no effect";
    if (!member.suggestion.empty())
      text += fmt::format(" (hint: perhaps {})", text::quote(member.suggestion));
    findings.advice.push_back({member.path, std::move(text), "unknown-field"});
  }
}

/// `findings` without what may only seem so because its field is wrong.
std::vector<Finding> without_followers(std::vector<Finding> findings,
                                       const std::vector<Finding>& errors) {
  std::erase_if(findings, [&](const Finding& each) {
    return std::any_of(errors.begin(), errors.end(), [&](const Finding& error) {
      return spec::is_within(error.path, each.path) || spec::is_within(each.path, error.path);
    });
  });
  return findings;
}

Result<Findings> examine(const std::string& directory, const std::string& config, bool with_host) {
  const std::string bundle = TRY(container::absolute_path(directory));
  std::string text = TRY(container::read_config(path::join(bundle, config)));
  const spec::Survey survey = TRY(spec::survey(std::move(text)));
  Findings findings;
  for (const Error& error : survey.errors) findings.errors.push_back(spec::finding(error.text()));
  take_unknown(survey.unknown, findings);
  for (const std::string& remark : survey.remarks)
    findings.advice.push_back(spec::finding(remark, "no-effect"));
  append(findings.advice, without_followers(spec::advise(survey.spec), findings.errors));
  if (!with_host) return findings;
  container::Inspection inspection = container::inspect(bundle, survey.spec);
  append(findings.advice, without_followers(std::move(inspection.advice), findings.errors));
  append(findings.errors, without_followers(std::move(inspection.errors), findings.errors));
  return findings;
}

std::string count(size_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", number, number == 1 ? one : many);
}

std::string to_text(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings.errors)
    text += fmt::format("error: {}: {}\n", finding.path, text::one_line(finding.message));
  for (const Finding& finding : findings.advice)
    text += fmt::format("advice: {}: {} [{}]\n", finding.path, text::one_line(finding.message),
                        finding.rule);
  text += fmt::format("{}, {}\n", count(findings.errors.size(), "error", "errors"),
                      count(findings.advice.size(), "piece of advice", "pieces of advice"));
  return text;
}

void write_findings(json::Writer& json, std::string_view name,
                    const std::vector<Finding>& findings) {
  json.key(name);
  json.begin_array();
  for (const Finding& finding : findings) {
    json.begin_object();
    if (!finding.rule.empty()) json.field("rule", finding.rule);
    json.field("path", finding.path);
    json.field("message", finding.message);
    json.end_object();
  }
  json.end_array();
}

std::string to_json(const Findings& findings) {
  json::Writer json(json::Style::Indented);
  json.begin_object();
  json.field("valid", findings.errors.empty());
  write_findings(json, "errors", findings.errors);
  write_findings(json, "advice", findings.advice);
  json.end_object();
  return json.take() + '\n';
}

Result<int> validate(const Invocation& call) {
  const auto& operands = call.arguments.operands();
  const std::string bundle =
      operands.empty() ? call.arguments.value_or("bundle", ".") : operands.front();
  const Findings findings = TRY(examine(bundle, call.arguments.value_or("config", "config.json"),
                                        !call.arguments.flag("no-host")));
  const bool json = call.arguments.value_or("format", "text") == "json";
  TRY(print(json ? to_json(findings) : to_text(findings)));
  return findings.errors.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

constexpr Command kValidate = {
    .name = "validate",
    .synopsis = "[BUNDLE]",
    .summary = "tell everything that is wrong or weak in a bundle",
    .details =
        "Reads the whole configuration, whatever is wrong with it, and looks for what it names on\n"
        "this host. Errors are what create would fail of; advice is what has no effect and what\n"
        "makes the container weaker than it could be. The exit status is 1 if there are errors.",
    .options = kOptions,
    .run = validate,
};

}  // namespace skiff::commands
