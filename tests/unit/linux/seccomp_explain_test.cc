#include <linux/seccomp.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "src/linux/seccomp.h"
#include "src/linux/seccomp/explain.h"
#include "src/linux/seccomp/generate.h"
#include "tests/unit/linux/support/bpf.h"

using namespace skiff;
using seccomp::Explanation;
using spec::SeccompAction;

namespace {

seccomp::Policy policy_of(spec::Seccomp profile) {
  auto policy = seccomp::make_policy(profile, *seccomp::find_architecture("SCMP_ARCH_X86_64"));
  REQUIRE(policy);
  return *std::move(policy);
}

spec::Seccomp profile() {
  spec::Seccomp profile;
  profile.default_action = SeccompAction::Errno;
  profile.architectures = {"SCMP_ARCH_X86", "SCMP_ARCH_LOONGARCH64"};
  profile.rules = {
      {{"read", "openat2", "no_such_call"}, SeccompAction::Allow, std::nullopt, {}},
      {{"personality"},
       SeccompAction::Allow,
       std::nullopt,
       {{0, 0, 0, "SCMP_CMP_EQ"}, {0, 8, 0, "SCMP_CMP_EQ"}}},
      {{"clone"}, SeccompAction::Log, std::nullopt, {{0, 0xff, 0x11, "SCMP_CMP_MASKED_EQ"}}},
      {{"socket"}, SeccompAction::Allow, std::nullopt, {{0, 1, 0, "SCMP_CMP_EQ"}}},
  };
  return profile;
}

const Explanation& find(const std::vector<Explanation>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Explanation& one) { return one.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

}  // namespace

TEST_CASE("every call of an architecture is explained", "[linux][seccomp]") {
  const seccomp::Policy policy = policy_of(profile());
  REQUIRE(policy.architectures.size() == 2);
  const auto all = seccomp::explain(policy, policy.architectures[0]);
  CHECK(find(all, "read").otherwise == SECCOMP_RET_ALLOW);
  CHECK(find(all, "read").cases.empty());
  CHECK(find(all, "getpid").otherwise == (SECCOMP_RET_ERRNO | EPERM));
  CHECK(find(all, "close_range").otherwise == (SECCOMP_RET_ERRNO | EPERM));
  CHECK(find(all, "faccessat2").otherwise == (SECCOMP_RET_ERRNO | ENOSYS));
  const Explanation& personality = find(all, "personality");
  REQUIRE(personality.cases.size() == 2);
  CHECK(personality.cases[0].conditions.at(0).value == 8);
  CHECK(personality.cases[0].action == SECCOMP_RET_ALLOW);
  CHECK(personality.otherwise == (SECCOMP_RET_ERRNO | EPERM));
  const Explanation& clone = find(all, "clone");
  CHECK(clone.cases.at(0).conditions.at(0).mask == 0xff);
  CHECK(clone.cases.at(0).conditions.at(0).value == 0x11);
  CHECK(policy.unknown_calls == std::vector<std::string>{"no_such_call"});
}

TEST_CASE("a multiplexer is explained by its selectors", "[linux][seccomp]") {
  const seccomp::Policy policy = policy_of(profile());
  const auto all = seccomp::explain(policy, policy.architectures[1]);
  const Explanation& socketcall = find(all, "socketcall");
  REQUIRE(socketcall.cases.size() == 1);
  CHECK(socketcall.cases[0].conditions.at(0).value == 1);
  CHECK(find(all, "socket").cases.size() == 1);
}

TEST_CASE("what is explained is what the program does", "[linux][seccomp]") {
  const seccomp::Policy policy = policy_of(profile());
  const auto program = seccomp::generate(policy);
  REQUIRE(program);
  for (const seccomp::ArchitecturePolicy& entry : policy.architectures)
    for (const Explanation& call : seccomp::explain(policy, entry)) {
      CAPTURE(call.name);
      const tests::CallArguments none = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};
      CHECK(tests::answer(*program, entry.architecture.audit, call.number, none) == call.otherwise);
    }
}

TEST_CASE("an architecture's calls are all known by number", "[linux][seccomp]") {
  for (const char* name :
       {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_MIPS",
        "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_S390X", "SCMP_ARCH_RISCV64"}) {
    CAPTURE(name);
    seccomp::Calls calls(*seccomp::find_architecture(name));
    CHECK(calls.all().size() > 250);
    for (const auto& [number, call] : calls.all()) {
      CAPTURE(call);
      CHECK(calls.find(call).direct == number);
    }
  }
  seccomp::Calls arm(*seccomp::find_architecture("SCMP_ARCH_ARM"));
  CHECK(arm.all().rbegin()->second == "get_tls");
}

TEST_CASE("a program can be given as it is", "[linux][seccomp]") {
  const auto program = seccomp::generate(policy_of(profile()));
  const std::string bytes(reinterpret_cast<const char*>(program->data()),
                          program->size() * sizeof program->front());
  const auto taken = seccomp::from_instructions(bytes, std::nullopt);
  REQUIRE(taken);
  CHECK(taken->instructions.size() == program->size());
  CHECK(taken->flags == SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  CHECK_FALSE(taken->notifies);
  CHECK(seccomp::from_instructions(bytes.substr(1), std::nullopt).error().text() ==
        "malformed program");
  CHECK(seccomp::from_instructions(bytes.substr(0, 8), std::nullopt).error().text() ==
        "malformed program: instruction 0");
}
