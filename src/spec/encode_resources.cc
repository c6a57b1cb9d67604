#include "src/base/json.h"
#include "src/spec/merge_resources.h"

namespace skiff::spec {
namespace {

template <class T>
void field(json::Writer& out, std::string_view name, const std::optional<T>& value) {
  if (value) out.field(name, *value);
}

void field(json::Writer& out, std::string_view name, const std::optional<uint16_t>& value) {
  if (value) out.field(name, static_cast<unsigned>(*value));
}

void field(json::Writer& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out.field(name, value);
}

/// The array `name` of one object for each of `items`, whose members `members` writes.
template <class T, class Members>
void objects(json::Writer& out, std::string_view name, const std::vector<T>& items,
             const Members& members) {
  if (items.empty()) return;
  out.key(name);
  out.begin_array();
  for (const T& item : items) {
    out.begin_object();
    members(item);
    out.end_object();
  }
  out.end_array();
}

void write_devices(json::Writer& out, const std::vector<DeviceRule>& rules) {
  objects(out, "devices", rules, [&](const DeviceRule& rule) {
    out.field("allow", rule.allow);
    out.field("type", std::string(1, rule.type));
    field(out, "major", rule.major);
    field(out, "minor", rule.minor);
    out.field("access", fmt::format("{}{}{}", rule.read ? "r" : "", rule.write ? "w" : "",
                                    rule.mknod ? "m" : ""));
  });
}

void write_memory(json::Writer& out, const Memory& memory) {
  out.key("memory");
  out.begin_object();
  field(out, "limit", memory.limit);
  field(out, "reservation", memory.reservation);
  field(out, "swap", memory.swap);
  field(out, "kernel", memory.kernel);
  field(out, "kernelTCP", memory.kernel_tcp);
  field(out, "swappiness", memory.swappiness);
  field(out, "disableOOMKiller", memory.disable_oom_killer);
  field(out, "useHierarchy", memory.use_hierarchy);
  field(out, "checkBeforeUpdate", memory.check_before_update);
  out.end_object();
}

void write_cpu(json::Writer& out, const Cpu& cpu) {
  out.key("cpu");
  out.begin_object();
  field(out, "shares", cpu.shares);
  field(out, "quota", cpu.quota);
  field(out, "burst", cpu.burst);
  field(out, "period", cpu.period);
  field(out, "realtimeRuntime", cpu.realtime_runtime);
  field(out, "realtimePeriod", cpu.realtime_period);
  field(out, "idle", cpu.idle);
  field(out, "cpus", cpu.cpus);
  field(out, "mems", cpu.mems);
  out.end_object();
}

void write_block_io(json::Writer& out, const BlockIo& io) {
  const auto device = [&](const auto& entry) {
    out.field("major", entry.major);
    out.field("minor", entry.minor);
  };
  const auto throttle = [&](const ThrottleDevice& entry) {
    device(entry);
    out.field("rate", entry.rate);
  };
  out.key("blockIO");
  out.begin_object();
  field(out, "weight", io.weight);
  field(out, "leafWeight", io.leaf_weight);
  objects(out, "weightDevice", io.weight_device, [&](const WeightDevice& entry) {
    device(entry);
    field(out, "weight", entry.weight);
    field(out, "leafWeight", entry.leaf_weight);
  });
  objects(out, "throttleReadBpsDevice", io.throttle_read_bps, throttle);
  objects(out, "throttleWriteBpsDevice", io.throttle_write_bps, throttle);
  objects(out, "throttleReadIOPSDevice", io.throttle_read_iops, throttle);
  objects(out, "throttleWriteIOPSDevice", io.throttle_write_iops, throttle);
  out.end_object();
}

void write_network(json::Writer& out, const Network& network) {
  out.key("network");
  out.begin_object();
  field(out, "classID", network.class_id);
  objects(out, "priorities", network.priorities, [&](const InterfacePriority& entry) {
    out.field("name", entry.name);
    out.field("priority", entry.priority);
  });
  out.end_object();
}

void write_rdma(json::Writer& out, const std::vector<Rdma>& limits) {
  out.key("rdma");
  out.begin_object();
  for (const Rdma& entry : limits) {
    out.key(entry.device);
    out.begin_object();
    field(out, "hcaHandles", entry.hca_handles);
    field(out, "hcaObjects", entry.hca_objects);
    out.end_object();
  }
  out.end_object();
}

}  // namespace

std::string encode_resources(const Resources& resources) {
  json::Writer out(json::Style::Compact);
  out.begin_object();
  write_devices(out, resources.devices);
  if (resources.memory) write_memory(out, *resources.memory);
  if (resources.cpu) write_cpu(out, *resources.cpu);
  if (resources.pids_limit) {
    out.key("pids");
    out.begin_object();
    out.field("limit", *resources.pids_limit);
    out.end_object();
  }
  if (resources.block_io) write_block_io(out, *resources.block_io);
  objects(out, "hugepageLimits", resources.hugepage_limits, [&](const HugepageLimit& entry) {
    out.field("pageSize", entry.page_size);
    out.field("limit", entry.limit);
  });
  if (resources.network) write_network(out, *resources.network);
  if (!resources.rdma.empty()) write_rdma(out, resources.rdma);
  if (!resources.unified.empty()) {
    out.key("unified");
    out.begin_object();
    for (const auto& [file, value] : resources.unified) out.field(file, value);
    out.end_object();
  }
  out.end_object();
  return out.take();
}

}  // namespace skiff::spec
