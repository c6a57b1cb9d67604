#include <sys/resource.h>

#include <limits>

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/spec/capability.h"
#include "src/spec/decode_parts.h"

namespace skiff::spec {
namespace {

struct RlimitName {
  std::string_view name;
  int resource;
};

constexpr RlimitName kRlimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

std::string_view rlimit_name(int resource) {
  return std::find_if(std::begin(kRlimits), std::end(kRlimits),
                      [&](const RlimitName& entry) { return entry.resource == resource; })
      ->name;
}

/// setresuid(2) takes the id -1 for "leave it", so that a process meant to be nobody would stay
/// root.
Error no_id(const std::string& path) {
  return Error::invalid("{}: {} is no user or group id", path,
                        std::numeric_limits<uint32_t>::max());
}
bool is_id(uint32_t id) { return id != std::numeric_limits<uint32_t>::max(); }

Result<uint32_t> decode_id(const json::View& json, std::string_view name) {
  const uint32_t id = TRY(json.required<uint32_t>(name));
  if (!is_id(id)) return no_id(json.path_of(name));
  return id;
}

Result<User> decode_user(const json::View& json) {
  User user;
  user.uid = TRY(json.tolerate(decode_id(json, "uid")));
  user.gid = TRY(json.tolerate(decode_id(json, "gid")));
  user.umask = TRY(json.optional<uint32_t>("umask"));
  if (user.umask && *user.umask > 07777)
    TRY(json.complain(Error::invalid("{}: {} is out of range, at most {}", json.path_of("umask"),
                                     *user.umask, 07777)));
  user.additional_gids = TRY(json.list<uint32_t>("additionalGids"));
  for (size_t i = 0; i < user.additional_gids.size(); ++i)
    if (!is_id(user.additional_gids[i]))
      TRY(json.complain(no_id(fmt::format("{}[{}]", json.path_of("additionalGids"), i))));
  return user;
}

Result<ConsoleSize> decode_console_size(const json::View& json) {
  ConsoleSize size;
  size.height = TRY(json.required<uint16_t>("height"));
  size.width = TRY(json.required<uint16_t>("width"));
  return size;
}

Result<uint64_t> decode_capability_set(const json::View& json, std::string_view name) {
  const std::vector<std::string> words = TRY(json.list<std::string>(name));
  uint64_t set = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    // config.md#linux-process: what cannot be mapped to the kernel is a warning, not an error.
    if (const auto number = capability_number(words[i]))
      set |= uint64_t{1} << *number;
    else if (!json.remark(fmt::format("{}[{}]: unknown capability {}, has no effect",
                                      json.path_of(name), i, text::quote(words[i]))))
      log::warn("{}[{}]: unknown capability {}, ignoring", json.path_of(name), i,
                text::quote(words[i]));
  }
  return set;
}

Result<Capabilities> decode_capabilities(const json::View& json) {
  Capabilities sets;
  sets.bounding = TRY(json.tolerate(decode_capability_set(json, "bounding")));
  sets.effective = TRY(json.tolerate(decode_capability_set(json, "effective")));
  sets.permitted = TRY(json.tolerate(decode_capability_set(json, "permitted")));
  sets.inheritable = TRY(json.tolerate(decode_capability_set(json, "inheritable")));
  sets.ambient = TRY(json.tolerate(decode_capability_set(json, "ambient")));
  return sets;
}

Result<Rlimit> decode_rlimit(const json::View& json) {
  const std::string type = TRY(json.required<std::string>("type"));
  const auto* known = std::find_if(std::begin(kRlimits), std::end(kRlimits),
                                   [&](const RlimitName& entry) { return entry.name == type; });
  if (known == std::end(kRlimits)) return unknown_word(json, "type", type);
  Rlimit limit;
  limit.resource = known->resource;
  limit.soft = TRY(json.required<uint64_t>("soft"));
  limit.hard = TRY(json.required<uint64_t>("hard"));
  if (limit.soft > limit.hard)
    TRY(json.complain(Error::invalid("{}: soft limit {} is above the hard limit {}", json.path(),
                                     limit.soft, limit.hard)));
  return limit;
}

Result<std::vector<Rlimit>> decode_rlimits(const json::View& json) {
  std::vector<Rlimit> limits = TRY(part_list(json, "rlimits", decode_rlimit));
  uint32_t seen = 0;
  for (size_t i = 0; i < limits.size(); ++i) {
    const uint32_t bit = 1u << limits[i].resource;
    if (seen & bit)
      TRY(json.complain(Error::invalid("{}[{}]: duplicate \"{}\"", json.path_of("rlimits"), i,
                                       rlimit_name(limits[i].resource))));
    seen |= bit;
  }
  return limits;
}

Result<std::optional<int32_t>> decode_oom_score_adj(const json::View& json) {
  const std::optional<int32_t> score = TRY(json.optional<int32_t>("oomScoreAdj"));
  if (score && (*score < -1000 || *score > 1000))  // proc_pid_oom_score_adj(5)
    return Error::invalid("{}: {} is out of range, -1000 to 1000", json.path_of("oomScoreAdj"),
                          *score);
  return score;
}

/// What is written to a file of /proc/PID/attr: one line that says something.
Result<std::string> decode_label(const json::View& json, std::string_view name) {
  std::string label = TRY(text_of(json, name));
  const bool strange = std::any_of(label.begin(), label.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
  });
  if (strange)
    return Error::invalid("{}: a control character in {}", json.path_of(name), text::quote(label));
  return label;
}

}  // namespace

Result<Process> decode_process(const json::View& json) {
  Process process;
  process.terminal = TRY(flag_of(json, "terminal"));
  // config.md#process: "MUST ignore consoleSize if terminal is false".
  if (process.terminal)
    process.console_size = TRY(optional_part(json, "consoleSize", decode_console_size));
  else if (json.has("consoleSize"))
    json.remark(json.path_of("consoleSize") + ": has no effect without a terminal");
  process.user = TRY(optional_part(json, "user", decode_user)).value_or(User());
  process.args = TRY(json.list<std::string>("args"));
  process.env = TRY(json.list<std::string>("env"));
  process.cwd = TRY(json.required<std::string>("cwd"));
  process.capabilities = TRY(optional_part(json, "capabilities", decode_capabilities));
  process.rlimits = TRY(json.tolerate(decode_rlimits(json)));
  process.no_new_privileges = TRY(flag_of(json, "noNewPrivileges"));
  process.oom_score_adj = TRY(json.tolerate(decode_oom_score_adj(json)));
  process.scheduler = TRY(optional_part(json, "scheduler", decode_scheduler));
  process.io_priority = TRY(optional_part(json, "ioPriority", decode_io_priority));
  process.exec_affinity =
      TRY(optional_part(json, "execCPUAffinity", decode_exec_affinity)).value_or(ExecAffinity());
  process.apparmor_profile = TRY(json.tolerate(decode_label(json, "apparmorProfile")));
  process.selinux_label = TRY(json.tolerate(decode_label(json, "selinuxLabel")));
  return process;
}

}  // namespace skiff::spec
