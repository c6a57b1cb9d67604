#include "src/base/text.h"
#include "src/spec/decode_parts.h"
#include "src/spec/seccomp_names.h"

namespace skiff::spec {
namespace {

Result<SeccompAction> decode_action(const json::View& json, std::string_view name) {
  const std::string word = TRY(json.required<std::string>(name));
  for (const SeccompActionName& entry : kSeccompActions)
    if (entry.name == word) return entry.action;
  return unknown_word(json, name, word);
}

/// The errno that `action` returns; config-linux.md#seccomp demands an error for an action that
/// returns none.
Result<std::optional<uint32_t>> decode_errno_ret(const json::View& json, std::string_view name,
                                                 SeccompAction action) {
  const std::optional<uint32_t> value = TRY(json.optional<uint32_t>(name));
  if (!value) return value;
  const std::optional<uint32_t> greatest = greatest_errno_ret(action);
  if (!greatest)
    return Error::invalid("{}: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno",
                          json.path_of(name));
  if (*value > *greatest)
    return Error::invalid("{}: {} is out of range, at most {}", json.path_of(name), *value,
                          *greatest);
  return value;
}

Result<SeccompArg> decode_arg(const json::View& json) {
  SeccompArg arg;
  arg.index = TRY(json.required<uint32_t>("index"));
  constexpr uint32_t kMostIndex = 5;  // a system call takes six arguments
  if (arg.index > kMostIndex)
    TRY(json.complain(Error::invalid("{}: {} is out of range, at most {}", json.path_of("index"),
                                     arg.index, kMostIndex)));
  arg.value = TRY(json.required<uint64_t>("value"));
  arg.value_two = TRY(json.optional<uint64_t>("valueTwo")).value_or(0);
  arg.op = TRY(json.required<std::string>("op"));
  if (std::find(kSeccompOperators.begin(), kSeccompOperators.end(), arg.op) ==
      kSeccompOperators.end())
    return unknown_word(json, "op", arg.op);
  return arg;
}

/// As runc has it: with write(2) a process of ours would tell the runtime what went wrong.
Result<void> check_notified(const json::View& json, const SeccompRule& rule) {
  if (rule.action != SeccompAction::Notify) return {};
  for (size_t i = 0; i < rule.names.size(); ++i)
    if (rule.names[i] == "write")
      return Error::invalid("{}[{}]: SCMP_ACT_NOTIFY cannot be used for write",
                            json.path_of("names"), i);
  return {};
}

Result<SeccompRule> decode_rule(const json::View& json) {
  SeccompRule rule;
  rule.names = TRY(json.list<std::string>("names"));
  if (rule.names.empty()) TRY(json.complain(Error::invalid("{}: empty", json.path_of("names"))));
  rule.action = TRY(json.tolerate(decode_action(json, "action")));
  rule.errno_ret = TRY(json.tolerate(decode_errno_ret(json, "errnoRet", rule.action)));
  TRY(json.tolerate(check_notified(json, rule)));
  rule.args = TRY(part_list(json, "args", decode_arg));
  return rule;
}

/// The strings of the array `name`, all of them among `known`.
template <size_t N>
Result<std::vector<std::string>> decode_words(const json::View& json, std::string_view name,
                                              const std::array<std::string_view, N>& known) {
  std::vector<std::string> words = TRY(json.list<std::string>(name));
  for (size_t i = 0; i < words.size(); ++i)
    if (std::find(known.begin(), known.end(), words[i]) == known.end())
      TRY(json.complain(unknown_word(json, name, i, words[i])));
  return words;
}

Result<void> decode_listener(const json::View& json, Seccomp& profile) {
  profile.listener_path = TRY(text_of(json, "listenerPath"));
  profile.listener_metadata = TRY(text_of(json, "listenerMetadata"));
  if (!profile.listener_metadata.empty() && profile.listener_path.empty())
    return Error::invalid("{}: needs listenerPath", json.path_of("listenerMetadata"));
  // The listener would be asked about what it needs to be told of.
  if (profile.default_action == SeccompAction::Notify)
    return Error::invalid("{}: SCMP_ACT_NOTIFY cannot be the default action",
                          json.path_of("defaultAction"));
  return {};
}

}  // namespace

Result<Seccomp> decode_seccomp(const json::View& json) {
  Seccomp profile;
  profile.default_action = TRY(json.tolerate(decode_action(json, "defaultAction")));
  profile.default_errno_ret =
      TRY(json.tolerate(decode_errno_ret(json, "defaultErrnoRet", profile.default_action)));
  profile.architectures =
      TRY(json.tolerate(decode_words(json, "architectures", kSeccompArchitectures)));
  profile.flags = TRY(json.tolerate(decode_words(json, "flags", kSeccompFlags)));
  profile.flags_given = json.has("flags");
  profile.rules = TRY(part_list(json, "syscalls", decode_rule));
  TRY(json.tolerate(decode_listener(json, profile)));
  return profile;
}

}  // namespace skiff::spec
