#include "src/linux/cgroup/resource_files.h"

namespace skiff::cgroup {
namespace {

std::string device_key(int64_t major, int64_t minor) { return fmt::format("{}:{}", major, minor); }

/// A weight where the BFQ scheduler has it, and where `other` has it: which of them counts is
/// up to each device's scheduler, and a kernel may have only one of them.
void put_weight(Files& files, std::string_view bfq_file, std::string bfq_value,
                std::string_view other_file, std::string other_value, std::string_view name) {
  put(files, bfq_file, std::move(bfq_value), name);
  files.back().also_file = other_file;
  files.back().also_value = std::move(other_value);
}

struct Throttle {
  const std::vector<spec::ThrottleDevice>& devices;
  const char* name;  // in the configuration
  const char* file;  // of v1
  const char* key;   // in io.max
};

/// Calls `put_one` for every throttled device with the configuration's name of it.
template <class PutOne>
void for_each_throttle(const spec::BlockIo& io, const PutOne& put_one) {
  const Throttle throttles[] = {
      {io.throttle_read_bps, "throttleReadBpsDevice", "read_bps_device", "rbps"},
      {io.throttle_write_bps, "throttleWriteBpsDevice", "write_bps_device", "wbps"},
      {io.throttle_read_iops, "throttleReadIOPSDevice", "read_iops_device", "riops"},
      {io.throttle_write_iops, "throttleWriteIOPSDevice", "write_iops_device", "wiops"},
  };
  for (const Throttle& throttle : throttles)
    for (size_t i = 0; i < throttle.devices.size(); ++i)
      put_one(throttle, throttle.devices[i], fmt::format("blockIO.{}[{}]", throttle.name, i));
}

Error no_leaf_weight(std::string_view name) {
  return Error::invalid("{}: cgroup v2 has no weight of a cgroup's own processes", field(name));
}

}  // namespace

uint64_t io_weight_from_blkio(uint16_t weight) {
  if (weight == 0) return 0;
  return 1 + (uint64_t{weight} - 10) * 9999 / 990;
}

Result<void> put_block_io_v2(Files& files, const spec::BlockIo& io) {
  if (is_set(io.leaf_weight)) return no_leaf_weight("blockIO.leafWeight");
  if (is_set(io.weight))
    put_weight(files, "io.bfq.weight", fmt::to_string(*io.weight), "io.weight",
               fmt::to_string(io_weight_from_blkio(*io.weight)), "blockIO.weight");
  for (size_t i = 0; i < io.weight_device.size(); ++i) {
    const spec::WeightDevice& device = io.weight_device[i];
    const std::string name = fmt::format("blockIO.weightDevice[{}]", i);
    if (is_set(device.leaf_weight)) return no_leaf_weight(name + ".leafWeight");
    if (!is_set(device.weight)) continue;
    const std::string key = device_key(device.major, device.minor);
    put_weight(files, "io.bfq.weight", fmt::format("{} {}", key, *device.weight), "io.weight",
               fmt::format("{} {}", key, io_weight_from_blkio(*device.weight)), name);
  }
  for_each_throttle(io, [&](const Throttle& throttle, const spec::ThrottleDevice& device,
                            const std::string& name) {
    // No rate is no limit, as v1 has it; v2 refuses the number 0.
    const std::string rate = device.rate == 0 ? "max" : fmt::to_string(device.rate);
    put(files, "io.max",
        fmt::format("{} {}={}", device_key(device.major, device.minor), throttle.key, rate), name);
  });
  return {};
}

void put_block_io_v1(Files& files, const spec::BlockIo& io) {
  if (is_set(io.weight))
    put_weight(files, "blkio/blkio.bfq.weight", fmt::to_string(*io.weight), "blkio/blkio.weight",
               fmt::to_string(*io.weight), "blockIO.weight");
  if (is_set(io.leaf_weight))
    put(files, "blkio/blkio.leaf_weight", fmt::to_string(*io.leaf_weight), "blockIO.leafWeight");
  for (size_t i = 0; i < io.weight_device.size(); ++i) {
    const spec::WeightDevice& device = io.weight_device[i];
    const std::string name = fmt::format("blockIO.weightDevice[{}]", i);
    const std::string key = device_key(device.major, device.minor);
    if (is_set(device.weight)) {
      const std::string value = fmt::format("{} {}", key, *device.weight);
      put_weight(files, "blkio/blkio.bfq.weight_device", value, "blkio/blkio.weight_device", value,
                 name);
    }
    if (is_set(device.leaf_weight))
      put(files, "blkio/blkio.leaf_weight_device", fmt::format("{} {}", key, *device.leaf_weight),
          name + ".leafWeight");
  }
  for_each_throttle(io, [&](const Throttle& throttle, const spec::ThrottleDevice& device,
                            const std::string& name) {
    put(files, fmt::format("blkio/blkio.throttle.{}", throttle.file),
        fmt::format("{} {}", device_key(device.major, device.minor), device.rate), name);
  });
}

}  // namespace skiff::cgroup
