#include "tests/unit/linux/support/oracle.h"

#include <endian.h>
#include <seccomp.h>
#include <sys/mman.h>

#include <memory>
#include <set>

#include "src/base/fd.h"

namespace tests {
namespace {

using namespace skiff;
using Context = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

scmp_compare operator_of(const std::string& name) {
  if (name == "SCMP_CMP_EQ") return SCMP_CMP_EQ;
  if (name == "SCMP_CMP_GE") return SCMP_CMP_GE;
  if (name == "SCMP_CMP_GT") return SCMP_CMP_GT;
  if (name == "SCMP_CMP_LE") return SCMP_CMP_LE;
  if (name == "SCMP_CMP_LT") return SCMP_CMP_LT;
  if (name == "SCMP_CMP_NE") return SCMP_CMP_NE;
  REQUIRE(name == "SCMP_CMP_MASKED_EQ");
  return SCMP_CMP_MASKED_EQ;
}

std::vector<std::vector<scmp_arg_cmp>> alternatives(const spec::SeccompRule& rule) {
  std::vector<scmp_arg_cmp> all;
  std::set<uint32_t> arguments;
  for (const spec::SeccompArg& arg : rule.args) {
    all.push_back({arg.index, operator_of(arg.op), arg.value, arg.value_two});
    arguments.insert(arg.index);
  }
  if (arguments.size() == all.size()) return {all};
  std::vector<std::vector<scmp_arg_cmp>> lists;
  for (const scmp_arg_cmp& one : all) lists.push_back({one});
  return lists;
}

/// False if a rule contradicts another.
bool add_rules(const Context& context, const spec::Seccomp& profile, uint32_t default_action) {
  for (const spec::SeccompRule& rule : profile.rules) {
    const uint32_t action = seccomp::action_value(rule.action, rule.errno_ret);
    if (action == default_action) continue;
    for (const std::string& name : rule.names) {
      const int number = ::seccomp_syscall_resolve_name(name.c_str());
      if (number == __NR_SCMP_ERROR) continue;
      for (const auto& list : alternatives(rule)) {
        const int code = ::seccomp_rule_add_array(context.get(), action, number,
                                                  static_cast<unsigned>(list.size()), list.data());
        if (code == -EEXIST) return false;
        REQUIRE(code == 0);
      }
    }
  }
  return true;
}

bool is_result(uint32_t value) {
  for (const uint32_t action :
       {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_LOG,
        SECCOMP_RET_TRACE, SECCOMP_RET_TRAP, SECCOMP_RET_USER_NOTIF})
    if ((value & SECCOMP_RET_ACTION_FULL) == action) return true;
  return value == SECCOMP_RET_KILL_THREAD;
}

Instructions read_program(const Context& context, bool big_endian) {
  const Fd file(::memfd_create("oracle", MFD_CLOEXEC));
  REQUIRE(::seccomp_export_bpf(context.get(), file.get()) == 0);
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  Instructions program(static_cast<size_t>(size) / sizeof(sock_filter));
  REQUIRE(::pread(file.get(), program.data(), static_cast<size_t>(size), 0) == size);
  if (!big_endian) return program;
  for (sock_filter& step : program) {
    step.code = be16toh(step.code);
    step.k = be32toh(step.k);
    // Results that libseccomp 2.5.4 copies, to be near enough to a jump, it swaps once too often.
    if (step.code == (BPF_RET | BPF_K) && !is_result(step.k)) step.k = be32toh(step.k);
  }
  return program;
}

}  // namespace

std::optional<Instructions> libseccomp_program(const spec::Seccomp& profile,
                                               const seccomp::Architecture& native, Layout layout) {
  const uint32_t default_action =
      seccomp::action_value(profile.default_action, profile.default_errno_ret);
  const Context context(::seccomp_init(default_action), ::seccomp_release);
  REQUIRE(context);
  if (native.token != ::seccomp_arch_native()) {
    REQUIRE(::seccomp_arch_remove(context.get(), ::seccomp_arch_native()) == 0);
    REQUIRE(::seccomp_arch_add(context.get(), native.token) == 0);
  }
  for (const std::string& name : profile.architectures) {
    const auto found = seccomp::find_architecture(name);
    if (!found) continue;
    const int code = ::seccomp_arch_add(context.get(), found->token);
    REQUIRE((code == 0 || code == -EEXIST));
  }
  if (!add_rules(context, profile, default_action)) return std::nullopt;
  REQUIRE(::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE,
                             static_cast<uint32_t>(layout)) == 0);
  return read_program(context, native.big_endian);
}

}  // namespace tests
