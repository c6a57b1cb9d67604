// seccomp compile and explain: a profile as the kernel gets it, and as people read it.
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "src/base/json.h"
#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/commands/values.h"
#include "src/container/bundle.h"
#include "src/linux/seccomp/explain.h"
#include "src/linux/seccomp/generate.h"
#include "src/linux/syscalls.h"
#include "src/spec/decode.h"

namespace skiff::commands {
namespace {

using seccomp::ArchitecturePolicy;
using seccomp::Explanation;
using seccomp::Policy;

constexpr Option kOptions[] = {
    {"output", 'o', "FILE", "compile: where the program goes (default standard output)",
     check_not_empty},
    {"arch", 'a', "ARCH", "explain: this architecture only, say x86_64; may be repeated",
     check_not_empty},
    {"format", 0, "text|json", "explain: how to print it (default text)", check_text_format},
};

Result<void> check_words(const Arguments& arguments) {
  const std::string& action = arguments.operands().front();
  const bool compiles = action == "compile";
  if (!compiles && action != "explain")
    return Error::invalid("expected compile or explain, found {}", text::quote(action));
  if (compiles && arguments.operands().size() > 2)
    return Error::invalid("unexpected argument {}", text::quote(arguments.operands()[2]));
  for (const char* option : {"arch", "format"})
    if (compiles && arguments.get(option))
      return Error::invalid("--{}: has no meaning for compile", option);
  if (!compiles && arguments.get("output"))
    return Error::invalid("--output: has no meaning for explain");
  return {};
}

Result<Policy> read_policy(const std::string& file) {
  std::string text = TRY(file == "-" ? read_all(STDIN_FILENO) : container::read_config(file));
  const spec::Seccomp profile = TRY(spec::decode_profile(std::move(text)));
  return seccomp::make_policy(profile, seccomp::native_architecture());
}

Result<void> compile(const Arguments& arguments) {
  const std::optional<std::string> output = arguments.get("output");
  if (!output && ::isatty(STDOUT_FILENO) == 1)
    return Error::invalid("the program is no text for a terminal")
        .with_hint("--output FILE, or redirect standard output");
  const std::string& file = arguments.operands()[1];
  const Policy policy = TRY(read_policy(file).context("{}", file));
  const std::vector<sock_filter> program = TRY(seccomp::generate(policy));
  const std::string_view bytes(reinterpret_cast<const char*>(program.data()),
                               program.size() * sizeof program.front());
  if (!output) return print(bytes);
  const Fd opened = TRY(sys::open(*output, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  return write_all(opened.get(), bytes).context("{}", *output);
}

// ---- words for people

std::string errno_word(uint32_t code) {
  const char* name = ::strerrorname_np(static_cast<int>(code));
  return name == nullptr ? fmt::format("errno {}", code) : fmt::format("{} ({})", name, code);
}

std::string describe(uint32_t action) {
  const uint32_t data = action & 0xffff;
  const std::string_view name = seccomp::action_name(action);
  if (name == "SCMP_ACT_ALLOW") return "allowed";
  if (name == "SCMP_ACT_ERRNO") return "fails with " + errno_word(data);
  if (name == "SCMP_ACT_KILL_PROCESS") return "kills the process";
  if (name == "SCMP_ACT_KILL_THREAD") return "kills the thread";
  if (name == "SCMP_ACT_LOG") return "allowed and logged";
  if (name == "SCMP_ACT_TRACE") return fmt::format("put to a tracer with {}, else ENOSYS", data);
  if (name == "SCMP_ACT_TRAP") return "raises SIGSYS";
  return "put to the listener";
}

std::string describe(const seccomp::Condition& condition) {
  constexpr std::pair<seccomp::Operator, std::string_view> kSigns[] = {
      {seccomp::Operator::Equal, "=="},       {seccomp::Operator::NotEqual, "!="},
      {seccomp::Operator::Less, "<"},         {seccomp::Operator::LessEqual, "<="},
      {seccomp::Operator::Greater, ">"},      {seccomp::Operator::GreaterEqual, ">="},
      {seccomp::Operator::MaskedEqual, "=="},
  };
  const auto* sign = std::find_if(std::begin(kSigns), std::end(kSigns),
                                  [&](const auto& entry) { return entry.first == condition.op; });
  const std::string argument =
      condition.op == seccomp::Operator::MaskedEqual
          ? fmt::format("(arg{} & {:#x})", condition.argument, condition.mask)
          : fmt::format("arg{}", condition.argument);
  return fmt::format("{} {} {:#x}", argument, sign->second, condition.value);
}

std::string describe(const Explanation& call) {
  std::string text;
  for (const seccomp::Case& one : call.cases) {
    std::vector<std::string> conditions;
    for (const seccomp::Condition& condition : one.conditions)
      conditions.push_back(describe(condition));
    text += fmt::format("{} if {}; ", describe(one.action), text::join(conditions, " and "));
  }
  return text + (call.cases.empty() ? "" : "else ") + describe(call.otherwise);
}

/// The names in lines of at most 100 columns.
std::string listing(const std::vector<std::string>& names) {
  constexpr size_t kWidth = 100;
  std::string text;
  std::string line = "   ";
  for (const std::string& name : names) {
    if (line.size() + 1 + name.size() > kWidth) {
      text += line + "\n";
      line = "   ";
    }
    line += " " + name;
  }
  return text + line + "\n";
}

/// All calls of one architecture: those with conditions one by one, the others by what happens.
std::string overview(const std::vector<Explanation>& calls) {
  std::map<std::string, std::vector<std::string>> alike;
  std::string conditional;
  for (const Explanation& call : calls) {
    if (call.cases.empty())
      alike[describe(call.otherwise)].push_back(call.name);
    else
      conditional += fmt::format("    {}: {}\n", call.name, describe(call));
  }
  std::string text;
  for (auto& [what, names] : alike) {
    std::sort(names.begin(), names.end());
    text += fmt::format("  {}, {}:\n{}", what, names.size(), listing(names));
  }
  if (!conditional.empty()) text += "  by their arguments:\n" + conditional;
  return text;
}

std::string preface(const Policy& policy, size_t instructions) {
  std::string text = fmt::format("A program of {} instructions. Calls that no rule names: {}.\n",
                                 instructions, describe(policy.default_action));
  text += "Calls of other architectures: kills the thread.\n";
  if (!policy.unknown_architectures.empty())
    text += fmt::format("Unknown architectures, skipped: {}\n",
                        text::join(policy.unknown_architectures, " "));
  if (policy.unknown_calls.empty()) return text;
  std::vector<std::string> names;
  for (const std::string& name : policy.unknown_calls) names.push_back(shown(name));
  return text + fmt::format("Unknown system calls, skipped:\n{}", listing(names));
}

// ---- what was asked for

/// "SCMP_ARCH_X86_64" of "x86_64" and of itself.
std::string full_name(const std::string& word) {
  const std::string upper = text::upper(word);
  return upper.starts_with("SCMP_ARCH_") ? upper : "SCMP_ARCH_" + upper;
}

Result<std::vector<const ArchitecturePolicy*>> choose_architectures(
    const Policy& policy, const std::vector<std::string>& words) {
  std::vector<const ArchitecturePolicy*> chosen;
  for (const ArchitecturePolicy& entry : policy.architectures)
    if (words.empty()) chosen.push_back(&entry);
  for (const std::string& word : words) {
    const std::string name = full_name(word);
    const auto found = std::find_if(
        policy.architectures.begin(), policy.architectures.end(),
        [&](const ArchitecturePolicy& entry) { return entry.architecture.name == name; });
    if (found == policy.architectures.end())
      return Error::invalid("--arch: {} is not in the profile: every call of it kills the thread",
                            text::quote(word));
    chosen.push_back(&*found);
  }
  return chosen;
}

/// Of `calls` those named, or all.
std::vector<Explanation> choose_calls(std::vector<Explanation> calls,
                                      const std::set<std::string>& names) {
  if (!names.empty())
    std::erase_if(calls, [&](const Explanation& call) { return names.count(call.name) == 0; });
  return calls;
}

std::string to_text(const ArchitecturePolicy& entry, const std::vector<Explanation>& calls,
                    bool chosen) {
  std::string text = fmt::format("\n{}{}\n", entry.architecture.name,
                                 entry.newest ? fmt::format(", numbers above {}: {}", *entry.newest,
                                                            describe(0x00050000u | ENOSYS))
                                              : "");
  if (!chosen) return text + overview(calls);
  for (const Explanation& call : calls)
    text += fmt::format("  {} ({}): {}\n", call.name, call.number, describe(call));
  return text;
}

void write_action(json::Writer& json, uint32_t action) {
  json.field("action", seccomp::action_name(action));
  if (seccomp::has_data(action)) json.field("errnoRet", action & 0xffff);
}

void write_condition(json::Writer& json, const seccomp::Condition& condition) {
  const bool masked = condition.op == seccomp::Operator::MaskedEqual;
  json.begin_object();
  json.field("index", condition.argument);
  json.field("op", seccomp::operator_name(condition.op));
  json.field("value", masked ? condition.mask : condition.value);
  if (masked) json.field("valueTwo", condition.value);
  json.end_object();
}

void write_call(json::Writer& json, const Explanation& call) {
  json.begin_object();
  json.field("name", call.name);
  json.field("number", call.number);
  write_action(json, call.otherwise);
  if (!call.cases.empty()) {
    json.key("rules");
    json.begin_array();
    for (const seccomp::Case& one : call.cases) {
      json.begin_object();
      json.key("args");
      json.begin_array();
      for (const seccomp::Condition& condition : one.conditions) write_condition(json, condition);
      json.end_array();
      write_action(json, one.action);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
}

struct Chosen {
  const ArchitecturePolicy* entry;
  std::vector<Explanation> calls;
};

std::string to_json(const Policy& policy, size_t instructions, const std::vector<Chosen>& chosen) {
  json::Writer json(json::Style::Indented);
  json.begin_object();
  json.key("default");
  json.begin_object();
  write_action(json, policy.default_action);
  json.end_object();
  json.field("instructions", static_cast<uint64_t>(instructions));
  json.field("notifies", policy.notifies);
  json.array("unknownArchitectures", policy.unknown_architectures);
  json.array("unknownSyscalls", policy.unknown_calls);
  json.key("architectures");
  json.begin_array();
  for (const Chosen& one : chosen) {
    json.begin_object();
    json.field("name", one.entry->architecture.name);
    if (one.entry->newest) json.field("newestSyscall", *one.entry->newest);
    json.key("syscalls");
    json.begin_array();
    for (const Explanation& call : one.calls) write_call(json, call);
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take() + '\n';
}

Result<void> explain(const Arguments& arguments) {
  const std::vector<std::string>& operands = arguments.operands();
  const std::set<std::string> names(operands.begin() + 2, operands.end());
  for (const std::string& name : names)
    if (!seccomp::is_known_call(name))
      return Error::invalid("unknown system call {}", text::quote(name));
  const Policy policy = TRY(read_policy(operands[1]).context("{}", operands[1]));
  const std::vector<sock_filter> program = TRY(seccomp::generate(policy));
  const auto entries = TRY(choose_architectures(policy, arguments.all("arch")));
  std::vector<Chosen> chosen;
  chosen.reserve(entries.size());
  for (const ArchitecturePolicy* entry : entries)
    chosen.push_back({entry, choose_calls(seccomp::explain(policy, *entry), names)});
  if (arguments.value_or("format", "text") == "json")
    return print(to_json(policy, program.size(), chosen));
  std::string text = preface(policy, program.size());
  for (const Chosen& one : chosen) text += to_text(*one.entry, one.calls, !names.empty());
  return print(text);
}

Result<int> seccomp_command(const Invocation& call) {
  const bool compiles = call.arguments.operands().front() == "compile";
  TRY(compiles ? compile(call.arguments) : explain(call.arguments));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kSeccomp = {
    .name = "seccomp",
    .synopsis = "compile|explain PROFILE [SYSCALL...]",
    .summary = "compile a seccomp profile, or tell what it does",
    .details =
        "PROFILE is a config.json or the value of its linux.seccomp in a file of its own; - is\n"
        "standard input. compile writes the classic BPF program that create would load, in this\n"
        "machine's byte order. explain tells what happens to each system call, or to those named.",
    .options = kOptions,
    .check = check_words,
    .run = seccomp_command,
};

}  // namespace skiff::commands
