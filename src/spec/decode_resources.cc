#include <algorithm>
#include <iterator>

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
    TRY(json.complain(unknown_word(json, "type", type)));
  rule.type = type.empty() ? 'a' : type[0];
  rule.major = TRY(json.tolerate(decode_device_number(json, "major")));
  rule.minor = TRY(json.tolerate(decode_device_number(json, "minor")));
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
  memory.limit = TRY(json.tolerate(decode_limit(json, "limit")));
  memory.reservation = TRY(json.tolerate(decode_limit(json, "reservation")));
  memory.swap = TRY(json.tolerate(decode_limit(json, "swap")));
  memory.kernel = TRY(json.tolerate(decode_limit(json, "kernel")));
  memory.kernel_tcp = TRY(json.tolerate(decode_limit(json, "kernelTCP")));
  memory.swappiness = TRY(json.optional<uint64_t>("swappiness"));
  if (memory.swappiness && *memory.swappiness > 100)
    TRY(json.complain(Error::invalid("{}: {} is out of range, at most 100",
                                     json.path_of("swappiness"), *memory.swappiness)));
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
    TRY(json.complain(
        Error::invalid("{}: {} is out of range, 0 or 1", json.path_of("idle"), *cpu.idle)));
  cpu.cpus = TRY(text_of(json, "cpus"));
  cpu.mems = TRY(text_of(json, "mems"));
  return cpu;
}

// ---- block devices

Result<int64_t> decode_block_number(const json::View& json, std::string_view name) {
  const int64_t number = TRY(json.required<int64_t>(name));
  if (number >= 0) return number;
  return Error::invalid("{}: {} is out of range, at least 0", json.path_of(name), number);
}

/// Absent and 0 both leave the weight as it is.
Result<std::optional<uint16_t>> decode_weight(const json::View& json, std::string_view name) {
  const std::optional<uint16_t> weight = TRY(json.optional<uint16_t>(name));
  if (weight && *weight != 0 && (*weight < 10 || *weight > 1000))
    return Error::invalid("{}: {} is out of range, 10 to 1000", json.path_of(name), *weight);
  return weight;
}

Result<WeightDevice> decode_weight_device(const json::View& json) {
  WeightDevice device;
  device.major = TRY(json.tolerate(decode_block_number(json, "major")));
  device.minor = TRY(json.tolerate(decode_block_number(json, "minor")));
  device.weight = TRY(json.tolerate(decode_weight(json, "weight")));
  device.leaf_weight = TRY(json.tolerate(decode_weight(json, "leafWeight")));
  if (!device.weight && !device.leaf_weight)
    return Error::invalid("{}: neither weight nor leafWeight", json.path());
  return device;
}

Result<ThrottleDevice> decode_throttle_device(const json::View& json) {
  ThrottleDevice device;
  device.major = TRY(json.tolerate(decode_block_number(json, "major")));
  device.minor = TRY(json.tolerate(decode_block_number(json, "minor")));
  device.rate = TRY(json.required<uint64_t>("rate"));
  return device;
}

Result<BlockIo> decode_block_io(const json::View& json) {
  BlockIo io;
  io.weight = TRY(json.tolerate(decode_weight(json, "weight")));
  io.leaf_weight = TRY(json.tolerate(decode_weight(json, "leafWeight")));
  io.weight_device = TRY(part_list(json, "weightDevice", decode_weight_device));
  io.throttle_read_bps = TRY(part_list(json, "throttleReadBpsDevice", decode_throttle_device));
  io.throttle_write_bps = TRY(part_list(json, "throttleWriteBpsDevice", decode_throttle_device));
  io.throttle_read_iops = TRY(part_list(json, "throttleReadIOPSDevice", decode_throttle_device));
  io.throttle_write_iops = TRY(part_list(json, "throttleWriteIOPSDevice", decode_throttle_device));
  return io;
}

// ---- huge pages, networks, RDMA, files of cgroup v2

/// As the kernel names its files: hugetlb.2MB.max (hugetlb_cgroup.c, mem_fmt()).
bool is_page_size(std::string_view size) {
  if (size.size() < 3 || size[0] == '0') return false;
  const std::string_view unit = size.substr(size.size() - 2);
  const std::string_view digits = size.substr(0, size.size() - 2);
  return (unit == "KB" || unit == "MB" || unit == "GB") &&
         digits.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<HugepageLimit> decode_hugepage_limit(const json::View& json) {
  HugepageLimit limit;
  limit.page_size = TRY(json.required<std::string>("pageSize"));
  if (!is_page_size(limit.page_size))
    TRY(json.complain(Error::invalid("{}: {} is not a size such as \"2MB\"",
                                     json.path_of("pageSize"), text::quote(limit.page_size))));
  limit.limit = TRY(json.required<uint64_t>("limit"));
  return limit;
}

/// A name that the kernel's files take as one word.
Result<std::string> decode_word(const json::View& json, std::string_view name) {
  std::string word = TRY(json.required<std::string>(name));
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(),
                                                  [](char c) { return c > ' ' && c < 0x7f; });
  if (plain) return word;
  return Error::invalid("{}: {} is not a name", json.path_of(name), text::quote(word));
}

Result<InterfacePriority> decode_interface_priority(const json::View& json) {
  InterfacePriority entry;
  entry.name = TRY(json.tolerate(decode_word(json, "name")));
  entry.priority = TRY(json.required<uint32_t>("priority"));
  return entry;
}

Result<Network> decode_network(const json::View& json) {
  Network network;
  network.class_id = TRY(json.optional<uint32_t>("classID"));
  network.priorities = TRY(part_list(json, "priorities", decode_interface_priority));
  return network;
}

Result<Rdma> decode_rdma_device(const json::View& devices, std::string_view name) {
  const json::View entry = TRY(devices.required<json::View>(name));
  Rdma rdma;
  rdma.device = name;
  if (name.empty() || name.find_first_of(" \t\n/") != std::string_view::npos)
    return Error::invalid("{}: not the name of an RDMA device", devices.path_of(name));
  rdma.hca_handles = TRY(entry.optional<uint32_t>("hcaHandles"));
  rdma.hca_objects = TRY(entry.optional<uint32_t>("hcaObjects"));
  if (!rdma.hca_handles && !rdma.hca_objects)
    return Error::invalid("{}: neither hcaHandles nor hcaObjects", entry.path());
  return rdma;
}

Result<std::vector<Rdma>> decode_rdma(const json::View& json) {
  std::vector<Rdma> limits;
  const std::optional<json::View> devices = TRY(json.optional<json::View>("rdma"));
  if (!devices) return limits;
  const auto add = [&](std::string_view name) -> Result<void> {
    limits.push_back(TRY(decode_rdma_device(*devices, name)));
    return {};
  };
  TRY(devices->each_member(add));
  return limits;
}

/// What makes, ends, moves or freezes a cgroup is the runtime's own business.
bool is_of_the_runtime(std::string_view file) {
  constexpr std::string_view kFiles[] = {"cgroup.freeze",          "cgroup.kill",    "cgroup.procs",
                                         "cgroup.subtree_control", "cgroup.threads", "cgroup.type"};
  return std::find(std::begin(kFiles), std::end(kFiles), file) != std::end(kFiles);
}

Result<void> check_unified(const std::string& file, const std::string& path) {
  if (file.find('/') != std::string::npos || file.find("..") != std::string::npos)
    return Error::invalid("{}: not the name of a file in the container's cgroup", path);
  const size_t dot = file.find('.');
  if (dot == 0 || dot == std::string::npos || dot + 1 == file.size())
    return Error::invalid("{}: a file of cgroup v2 is named CONTROLLER.PARAMETER", path);
  if (is_of_the_runtime(file)) return Error::invalid("{}: belongs to the runtime", path);
  return {};
}

Result<StringMap> decode_unified(const json::View& json) {
  StringMap files = TRY(json.string_map("unified"));
  for (const auto& [file, value] : files) {
    const std::string path = fmt::format("{}.{}", json.path_of("unified"), text::one_line(file));
    TRY(json.tolerate(check_unified(file, path)));
  }
  return files;
}

}  // namespace

Result<Resources> decode_resources(const json::View& json) {
  Resources resources;
  resources.devices = TRY(part_list(json, "devices", decode_device_rule));
  resources.memory = TRY(optional_part(json, "memory", decode_memory));
  resources.cpu = TRY(optional_part(json, "cpu", decode_cpu));
  if (const std::optional<json::View> pids = TRY(json.optional<json::View>("pids")))
    resources.pids_limit = TRY(pids->optional<int64_t>("limit"));
  resources.block_io = TRY(optional_part(json, "blockIO", decode_block_io));
  resources.hugepage_limits = TRY(part_list(json, "hugepageLimits", decode_hugepage_limit));
  resources.network = TRY(optional_part(json, "network", decode_network));
  resources.rdma = TRY(json.tolerate(decode_rdma(json)));
  resources.unified = TRY(json.tolerate(decode_unified(json)));
  return resources;
}

}  // namespace skiff::spec
