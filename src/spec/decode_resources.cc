#include "src/base/text.h"
#include "src/spec/decode_parts.h"

namespace skiff::spec {
namespace {

/// A device number; -1 and absence both mean any, as engines write it.
Result<std::optional<int64_t>> decode_device_number(const json::View& json, std::string_view name) {
  const std::optional<int64_t> number = TRY(json.optional<int64_t>(name));
  if (!number || *number == -1) return std::optional<int64_t>();
  constexpr int64_t kMost = 0xffffffff;
  if (*number < 0 || *number > kMost)
    return Error::invalid("{}: {} is out of range, -1 to {}", json.path_of(name), *number, kMost);
  return number;
}

Result<DeviceRule> decode_device_rule(const json::View& json) {
  DeviceRule rule;
  rule.allow = TRY(json.required<bool>("allow"));
  const std::string type = TRY(text_of(json, "type"));
  if (!type.empty() && type != "a" && type != "b" && type != "c")
    return unknown_word(json, "type", type);
  rule.type = type.empty() ? 'a' : type[0];
  rule.major = TRY(decode_device_number(json, "major"));
  rule.minor = TRY(decode_device_number(json, "minor"));
  const std::string access = TRY(text_of(json, "access"));
  if (access.empty() || access.find_first_not_of("rwm") != std::string::npos)
    return Error::invalid("{}: {} is not made of \"r\", \"w\" and \"m\"", json.path_of("access"),
                          text::quote(access));
  rule.read = access.find('r') != std::string::npos;
  rule.write = access.find('w') != std::string::npos;
  rule.mknod = access.find('m') != std::string::npos;
  return rule;
}

/// A number of bytes, or -1 for no limit.
Result<std::optional<int64_t>> decode_limit(const json::View& json, std::string_view name) {
  const std::optional<int64_t> limit = TRY(json.optional<int64_t>(name));
  if (limit && *limit < -1)
    return Error::invalid("{}: {} is out of range, at least -1", json.path_of(name), *limit);
  return limit;
}

Result<Memory> decode_memory(const json::View& json) {
  Memory memory;
  memory.limit = TRY(decode_limit(json, "limit"));
  memory.reservation = TRY(decode_limit(json, "reservation"));
  memory.swap = TRY(decode_limit(json, "swap"));
  memory.kernel = TRY(decode_limit(json, "kernel"));
  memory.kernel_tcp = TRY(decode_limit(json, "kernelTCP"));
  memory.swappiness = TRY(json.optional<uint64_t>("swappiness"));
  if (memory.swappiness && *memory.swappiness > 100)
    return Error::invalid("{}: {} is out of range, at most 100", json.path_of("swappiness"),
                          *memory.swappiness);
  memory.disable_oom_killer = TRY(json.optional<bool>("disableOOMKiller"));
  memory.use_hierarchy = TRY(json.optional<bool>("useHierarchy"));
  memory.check_before_update = TRY(json.optional<bool>("checkBeforeUpdate"));
  return memory;
}

Result<Cpu> decode_cpu(const json::View& json) {
  Cpu cpu;
  cpu.shares = TRY(json.optional<uint64_t>("shares"));
  cpu.quota = TRY(json.optional<int64_t>("quota"));
  cpu.burst = TRY(json.optional<uint64_t>("burst"));
  cpu.period = TRY(json.optional<uint64_t>("period"));
  cpu.realtime_runtime = TRY(json.optional<int64_t>("realtimeRuntime"));
  cpu.realtime_period = TRY(json.optional<uint64_t>("realtimePeriod"));
  cpu.idle = TRY(json.optional<int64_t>("idle"));
  if (cpu.idle && *cpu.idle != 0 && *cpu.idle != 1)
    return Error::invalid("{}: {} is out of range, 0 or 1", json.path_of("idle"), *cpu.idle);
  cpu.cpus = TRY(text_of(json, "cpus"));
  cpu.mems = TRY(text_of(json, "mems"));
  return cpu;
}

}  // namespace

Result<Resources> decode_resources(const json::View& json) {
  Resources resources;
  resources.devices = TRY(part_list(json, "devices", decode_device_rule));
  resources.memory = TRY(optional_part(json, "memory", decode_memory));
  resources.cpu = TRY(optional_part(json, "cpu", decode_cpu));
  if (const std::optional<json::View> pids = TRY(json.optional<json::View>("pids")))
    resources.pids_limit = TRY(pids->optional<int64_t>("limit"));
  TRY(refuse(json, {"blockIO", "hugepageLimits", "network", "rdma", "unified"}));
  return resources;
}

}  // namespace skiff::spec
