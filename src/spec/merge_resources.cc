#include "src/spec/merge_resources.h"

#include <algorithm>

namespace skiff::spec {
namespace {

template <class T>
void take(std::optional<T>& present, const std::optional<T>& change) {
  if (change) present = change;
}

/// For numbers of which 0 means "leave alone".
template <class T>
void take_nonzero(std::optional<T>& present, const std::optional<T>& change) {
  if (change.value_or(0) != 0) present = change;
}

void take(std::string& present, const std::string& change) {
  if (!change.empty()) present = change;
}

/// The entry of `present` that is about the same thing is replaced, others are added.
template <class T, class Same>
void join(std::vector<T>& present, const std::vector<T>& change, const Same& same) {
  for (const T& entry : change) {
    const auto found = std::find_if(present.begin(), present.end(),
                                    [&](const T& other) { return same(other, entry); });
    if (found == present.end())
      present.push_back(entry);
    else
      *found = entry;
  }
}

constexpr auto kSameDevice = [](const auto& a, const auto& b) {
  return a.major == b.major && a.minor == b.minor;
};
constexpr auto kSameName = [](const auto& a, const auto& b) { return a.name == b.name; };

void merge(Memory& present, const Memory& change) {
  if (change.limit.value_or(0) == -1 && change.swap.value_or(0) == 0) present.swap = -1;
  take_nonzero(present.limit, change.limit);
  take_nonzero(present.reservation, change.reservation);
  take_nonzero(present.swap, change.swap);
  take_nonzero(present.kernel, change.kernel);
  take_nonzero(present.kernel_tcp, change.kernel_tcp);
  take(present.swappiness, change.swappiness);
  take(present.disable_oom_killer, change.disable_oom_killer);
  take(present.use_hierarchy, change.use_hierarchy);
  take(present.check_before_update, change.check_before_update);
}

void merge(Cpu& present, const Cpu& change) {
  take_nonzero(present.shares, change.shares);
  take_nonzero(present.quota, change.quota);
  take(present.burst, change.burst);
  take_nonzero(present.period, change.period);
  take_nonzero(present.realtime_runtime, change.realtime_runtime);
  take_nonzero(present.realtime_period, change.realtime_period);
  take(present.idle, change.idle);
  take(present.cpus, change.cpus);
  take(present.mems, change.mems);
}

void merge(BlockIo& present, const BlockIo& change) {
  take_nonzero(present.weight, change.weight);
  take_nonzero(present.leaf_weight, change.leaf_weight);
  join(present.weight_device, change.weight_device, kSameDevice);
  join(present.throttle_read_bps, change.throttle_read_bps, kSameDevice);
  join(present.throttle_write_bps, change.throttle_write_bps, kSameDevice);
  join(present.throttle_read_iops, change.throttle_read_iops, kSameDevice);
  join(present.throttle_write_iops, change.throttle_write_iops, kSameDevice);
}

void merge(Network& present, const Network& change) {
  take(present.class_id, change.class_id);
  join(present.priorities, change.priorities, kSameName);
}

template <class T>
void merge(std::optional<T>& present, const std::optional<T>& change) {
  if (!change) return;
  if (!present) present.emplace();
  merge(*present, *change);
}

}  // namespace

Resources merged(const Resources& present, const Resources& change) {
  Resources all = present;
  if (!change.devices.empty()) all.devices = change.devices;
  merge(all.memory, change.memory);
  merge(all.cpu, change.cpu);
  take(all.pids_limit, change.pids_limit);
  merge(all.block_io, change.block_io);
  join(all.hugepage_limits, change.hugepage_limits,
       [](const auto& a, const auto& b) { return a.page_size == b.page_size; });
  merge(all.network, change.network);
  join(all.rdma, change.rdma, [](const auto& a, const auto& b) { return a.device == b.device; });
  join(all.unified, change.unified,
       [](const auto& a, const auto& b) { return a.first == b.first; });
  return all;
}

}  // namespace skiff::spec
