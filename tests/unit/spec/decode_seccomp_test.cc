#include <catch2/catch.hpp>

#include "src/spec/seccomp_names.h"
#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

Seccomp seccomp_of(const std::string& members) {
  return *decoded(
              with_linux("\"seccomp\": {\"defaultAction\": \"SCMP_ACT_ERRNO\", " + members + "}"))
              .linux.seccomp;
}

std::string refusal_of(const std::string& members) {
  return refusal(
      with_linux("\"seccomp\": {\"defaultAction\": \"SCMP_ACT_ERRNO\", " + members + "}"));
}

}  // namespace

TEST_CASE("a profile decodes as podman writes it", "[spec]") {
  const Seccomp profile = seccomp_of(R"("defaultErrnoRet": 38,
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "flags": ["SECCOMP_FILTER_FLAG_LOG"],
    "syscalls": [
      {"names": ["bdflush", "io_pgetevents"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
      {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 0, "value": 4294967295, "op": "SCMP_CMP_EQ"}]},
      {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 5, "value": 2114060288, "valueTwo": 7, "op": "SCMP_CMP_MASKED_EQ"}]}])");
  CHECK(profile.default_action == SeccompAction::Errno);
  CHECK(profile.default_errno_ret == 38u);
  CHECK(profile.architectures.size() == 3);
  CHECK(profile.flags == std::vector<std::string>{"SECCOMP_FILTER_FLAG_LOG"});
  CHECK(profile.flags_given);
  REQUIRE(profile.rules.size() == 3);
  CHECK(profile.rules[0].names == std::vector<std::string>{"bdflush", "io_pgetevents"});
  CHECK(profile.rules[0].errno_ret == 1u);
  CHECK(profile.rules[1].action == SeccompAction::Allow);
  CHECK_FALSE(profile.rules[1].errno_ret);
  CHECK(profile.rules[1].args.at(0).value == 4294967295);
  CHECK(profile.rules[2].args.at(0).index == 5);
  CHECK(profile.rules[2].args.at(0).value_two == 7);
  CHECK(profile.rules[2].args.at(0).op == "SCMP_CMP_MASKED_EQ");
}

TEST_CASE("flags that are absent differ from flags that are empty", "[spec]") {
  CHECK_FALSE(seccomp_of(R"("flags": null)").flags_given);
  CHECK(seccomp_of(R"("flags": [])").flags_given);
}

TEST_CASE("every constant of a profile is known", "[spec]") {
  for (const SeccompActionName& entry : kSeccompActions) {
    const std::string action = "\"" + std::string(entry.name) + "\"";
    const Seccomp profile =
        seccomp_of(R"("syscalls": [{"names": ["read"], "action": )" + action + "}]");
    CHECK(profile.rules.at(0).action == entry.action);
    if (entry.action != SeccompAction::Notify)
      CHECK(seccomp_of("\"defaultAction\": " + action).default_action == entry.action);
  }
  for (const std::string_view name : kSeccompArchitectures)
    seccomp_of("\"architectures\": [\"" + std::string(name) + "\"]");
  for (const std::string_view name : kSeccompFlags)
    seccomp_of("\"flags\": [\"" + std::string(name) + "\"]");
  for (const std::string_view name : kSeccompOperators)
    seccomp_of(R"("syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [)"
               R"({"index": 0, "value": 18446744073709551615, "op": ")" +
               std::string(name) + "\"}]}]");
}

TEST_CASE("every member of a profile has its type and range", "[spec]") {
  const std::string rule = R"("syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", )";
  const BadMembers table[] = {
      {R"("defaultAction": null)", "defaultAction: missing"},
      {R"("defaultAction": 1)", "defaultAction: expected string, found unsigned integer"},
      {R"("defaultAction": "ALLOW")", "defaultAction: unknown \"ALLOW\""},
      {R"("defaultAction": "SCMP_ACT_NOTIFY")",
       "defaultAction: SCMP_ACT_NOTIFY cannot be the default action"},
      {R"("defaultErrnoRet": "EPERM")", "defaultErrnoRet: expected unsigned integer, found string"},
      {R"("defaultErrnoRet": 4096)", "defaultErrnoRet: 4096 is out of range, at most 4095"},
      {R"("defaultAction": "SCMP_ACT_TRACE", "defaultErrnoRet": 65536)",
       "defaultErrnoRet: 65536 is out of range, at most 65535"},
      {R"("architectures": "SCMP_ARCH_X86")", "architectures: expected array, found string"},
      {R"("architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_Z80"])",
       "architectures[1]: unknown \"SCMP_ARCH_Z80\""},
      {R"("flags": {})", "flags: expected array, found object"},
      {R"("flags": ["SECCOMP_FILTER_FLAG_NEW_LISTENER"])",
       "flags[0]: unknown \"SECCOMP_FILTER_FLAG_NEW_LISTENER\""},
      {R"("syscalls": {})", "syscalls: expected array, found object"},
      {R"("syscalls": [{"action": "SCMP_ACT_ALLOW"}])", "syscalls[0].names: empty"},
      {R"("syscalls": [{"names": [], "action": "SCMP_ACT_ALLOW"}])", "syscalls[0].names: empty"},
      {R"("syscalls": [{"names": "read", "action": "SCMP_ACT_ALLOW"}])",
       "syscalls[0].names: expected array, found string"},
      {R"("syscalls": [{"names": [0], "action": "SCMP_ACT_ALLOW"}])",
       "syscalls[0].names[0]: expected string, found unsigned integer"},
      {R"("syscalls": [{"names": ["read"]}])", "syscalls[0].action: missing"},
      {R"("syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_NOTIFY"}])",
       "syscalls[0].names[1]: SCMP_ACT_NOTIFY cannot be used for write"},
      {rule + R"("errnoRet": -1}])",
       "syscalls[0].errnoRet: expected unsigned integer, found negative integer"},
      {rule + R"("args": {}}])", "syscalls[0].args: expected array, found object"},
      {rule + R"("args": [{"value": 0, "op": "SCMP_CMP_EQ"}]}])",
       "syscalls[0].args[0].index: missing"},
      {rule + R"("args": [{"index": 0, "op": "SCMP_CMP_EQ"}]}])",
       "syscalls[0].args[0].value: missing"},
      {rule + R"("args": [{"index": 0, "value": 0}]}])", "syscalls[0].args[0].op: missing"},
      {rule + R"("args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}])",
       "syscalls[0].args[0].index: 6 is out of range, at most 5"},
      {rule + R"("args": [{"index": "0", "value": 0, "op": "SCMP_CMP_EQ"}]}])",
       "syscalls[0].args[0].index: expected unsigned integer, found string"},
      {rule + R"("args": [{"index": 0, "value": "0", "op": "SCMP_CMP_EQ"}]}])",
       "syscalls[0].args[0].value: expected unsigned integer, found string"},
      {rule + R"("args": [{"index": 0, "value": 0, "valueTwo": -1, "op": "SCMP_CMP_EQ"}]}])",
       "syscalls[0].args[0].valueTwo: expected unsigned integer, found negative integer"},
      {rule + R"("args": [{"index": 0, "value": 0, "op": "=="}]}])",
       "syscalls[0].args[0].op: unknown \"==\""},
      {R"("listenerPath": 1)", "listenerPath: expected string, found unsigned integer"},
      {R"("listenerMetadata": "x")", "listenerMetadata: needs listenerPath"},
  };
  for (const BadMembers& row : table)
    CHECK(refusal_of(row.members) == "linux.seccomp." + row.error);
}

TEST_CASE("an errno is refused for an action that returns none", "[spec]") {
  for (const SeccompActionName& entry : kSeccompActions) {
    CAPTURE(entry.name);
    const std::string action = "\"" + std::string(entry.name) + "\"";
    const std::string top = "\"defaultAction\": " + action + ", \"defaultErrnoRet\": 1";
    const std::string in_rule =
        R"("syscalls": [{"names": ["read"], "errnoRet": 1, "action": )" + action + "}]";
    if (entry.action == SeccompAction::Errno || entry.action == SeccompAction::Trace) {
      CHECK(seccomp_of(top).default_errno_ret == 1u);
      CHECK(seccomp_of(in_rule).rules.at(0).errno_ret == 1u);
    } else {
      CHECK(refusal_of(top) ==
            "linux.seccomp.defaultErrnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno");
      CHECK(refusal_of(in_rule) ==
            "linux.seccomp.syscalls[0].errnoRet: only SCMP_ACT_ERRNO and "
            "SCMP_ACT_TRACE take an errno");
    }
  }
}

TEST_CASE("a listener has a path and perhaps metadata", "[spec]") {
  const Seccomp profile = seccomp_of(R"("listenerPath": "/run/a", "listenerMetadata": "x")");
  CHECK(profile.listener_path == "/run/a");
  CHECK(profile.listener_metadata == "x");
  CHECK(seccomp_of(R"("listenerPath": "", "listenerMetadata": null)").listener_path.empty());
}

TEST_CASE("the rules of a profile that is known are left alone", "[spec]") {
  const std::string profile =
      R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": [], "x": "}\"{\u0041",
          "syscalls": [{"names": ["read"], "action": "SCMP_ACT_KILL"}]})";
  const std::string text = with_linux("\"se\\u0063comp\" : " + profile);
  std::string asked;
  const auto spec = decode(text, [&](std::string_view given) {
    asked = given;
    return true;
  });
  REQUIRE(spec);
  CHECK(asked == profile);
  CHECK(spec->linux.seccomp->rules.empty());
  CHECK(spec->linux.seccomp->flags_given);
  CHECK(decode(text, [](std::string_view) { return false; })->linux.seccomp->rules.size() == 1);
  // What is wrong beside the rules is found all the same.
  const auto wrong = decode(with_linux(R"("seccomp": {"defaultAction": 1})"),
                            [](std::string_view) { return true; });
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().text() ==
        "linux.seccomp.defaultAction: expected string, found unsigned integer");
  const auto never = [](std::string_view) -> bool {
    FAIL("there is no profile");
    return false;
  };
  CHECK(decode(with_linux("\"seccomp\": null"), never));
  CHECK(decode(with_top(""), never));
}

TEST_CASE("a profile stands alone or in a configuration", "[spec]") {
  const std::string profile = R"({"defaultAction": "SCMP_ACT_LOG"})";
  CHECK(decode_profile(profile)->default_action == SeccompAction::Log);
  CHECK(decode_profile("{\"linux\": {\"seccomp\": " + profile + "}}")->default_action ==
        SeccompAction::Log);
  CHECK(decode_profile("{\"linux\": {}}").error().text() == "linux.seccomp: missing");
  CHECK(decode_profile("{}").error().text() == "linux.seccomp.defaultAction: missing");
}
