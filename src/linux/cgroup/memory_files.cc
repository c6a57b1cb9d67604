#include "src/linux/cgroup/resource_files.h"

namespace skiff::cgroup {
namespace {

/// Bytes as v2 writes them; -1 is no limit. Zero means "leave alone" to every engine.
std::string bytes_or_max(int64_t bytes) { return bytes < 0 ? "max" : fmt::to_string(bytes); }

Result<void> check_bytes(const std::optional<int64_t>& bytes, std::string_view name) {
  if (bytes.value_or(0) >= -1) return {};
  return Error::invalid("{}: {} is neither a number of bytes nor -1 for no limit", field(name),
                        *bytes);
}

/// A kernel that cannot account swap has no file to limit it. What asks for no swap
/// or for no limit is then as fulfilled as it can be; any other value is not.
bool swap_may_be_unlimited(const spec::Memory& memory) {
  return memory.swap.value_or(0) <= 0 || *memory.swap == memory.limit.value_or(0);
}

/// Setting memory unlimited and saying nothing of swap means both, as a finite swap
/// limit cannot outlive the memory limit it contains.
bool swap_follows_unlimited_memory(const spec::Memory& memory) {
  return memory.limit.value_or(0) == -1 && !is_set(memory.swap);
}

}  // namespace

Result<void> check_memory(const spec::Memory& memory) {
  TRY(check_bytes(memory.limit, "memory.limit"));
  TRY(check_bytes(memory.reservation, "memory.reservation"));
  TRY(check_bytes(memory.swap, "memory.swap"));
  TRY(check_bytes(memory.kernel, "memory.kernel"));
  TRY(check_bytes(memory.kernel_tcp, "memory.kernelTCP"));
  if (memory.swappiness.value_or(0) > 100)
    return Error::invalid("linux.resources.memory.swappiness: {} is above the maximum, 100",
                          *memory.swappiness);
  const int64_t swap = memory.swap.value_or(0);
  if (swap <= 0) return {};
  const int64_t limit = memory.limit.value_or(0);
  if (limit <= 0)
    return Error::invalid(
        "linux.resources.memory.swap: {} is memory plus swap and needs memory.limit as well", swap);
  if (swap < limit)
    return Error::invalid(
        "linux.resources.memory.swap: {} is memory plus swap and cannot be below memory.limit, {}",
        swap, limit);
  return {};
}

Result<void> check_memory_usage(const spec::Memory& memory, const MemoryUsage& usage) {
  if (memory.limit.value_or(0) > 0 && *memory.limit < usage.memory)
    return Error::invalid(
        "linux.resources.memory.limit: rejecting memory limit {}, below the usage of {} bytes",
        *memory.limit, usage.memory);
  if (memory.swap.value_or(0) > 0 && *memory.swap < usage.with_swap)
    return Error::invalid(
        "linux.resources.memory.swap: rejecting memory+swap limit {}, below the usage of {} bytes",
        *memory.swap, usage.with_swap);
  return {};
}

Result<void> put_memory_v2(Files& files, const spec::Memory& memory) {
  if (memory.swappiness)
    return Error::invalid("linux.resources.memory.swappiness: cgroup v2 has no swappiness");
  if (memory.disable_oom_killer.value_or(false))
    return Error::invalid(
        "linux.resources.memory.disableOOMKiller: cgroup v2 cannot disable the OOM killer");
  if (!memory.use_hierarchy.value_or(true))
    return Error::invalid("linux.resources.memory.useHierarchy: cgroup v2 is always hierarchical");
  if (memory.kernel.value_or(0) > 0)
    return Error::invalid(
        "linux.resources.memory.kernel: cgroup v2 has no limit of kernel memory alone");
  if (memory.kernel_tcp.value_or(0) > 0)
    return Error::invalid(
        "linux.resources.memory.kernelTCP: cgroup v2 has no limit of TCP memory alone");
  const int64_t limit = memory.limit.value_or(0);
  if (is_set(memory.swap) || swap_follows_unlimited_memory(memory)) {
    const int64_t swap = memory.swap.value_or(0);
    put(files, "memory.swap.max", swap > 0 ? fmt::to_string(swap - limit) : "max", "memory.swap");
    files.back().may_be_absent = swap_may_be_unlimited(memory);
  }
  if (limit != 0) put(files, "memory.max", bytes_or_max(limit), "memory.limit");
  if (is_set(memory.reservation))
    put(files, "memory.low", bytes_or_max(*memory.reservation), "memory.reservation");
  return {};
}

void put_memory_v1(Files& files, const spec::Memory& memory) {
  if (memory.use_hierarchy)
    put(files, "memory/memory.use_hierarchy", *memory.use_hierarchy ? "1" : "0",
        "memory.useHierarchy");
  // The order of a shrinking limit. A growing one is refused (EINVAL) until memsw has
  // grown, and is then written again after it.
  if (is_set(memory.limit))
    put(files, "memory/memory.limit_in_bytes", fmt::to_string(*memory.limit), "memory.limit");
  if (is_set(memory.swap) || swap_follows_unlimited_memory(memory)) {
    const int64_t swap = is_set(memory.swap) ? *memory.swap : -1;
    put(files, "memory/memory.memsw.limit_in_bytes", fmt::to_string(swap), "memory.swap");
    files.back().may_be_absent = swap_may_be_unlimited(memory);
  }
  if (is_set(memory.reservation))
    put(files, "memory/memory.soft_limit_in_bytes", fmt::to_string(*memory.reservation),
        "memory.reservation");
  // Not recommended by the specification and refused by Linux 5.16 and later, but never ignored.
  if (memory.kernel.value_or(0) > 0)
    put(files, "memory/memory.kmem.limit_in_bytes", fmt::to_string(*memory.kernel),
        "memory.kernel");
  if (memory.kernel_tcp.value_or(0) > 0)
    put(files, "memory/memory.kmem.tcp.limit_in_bytes", fmt::to_string(*memory.kernel_tcp),
        "memory.kernelTCP");
  if (memory.swappiness)
    put(files, "memory/memory.swappiness", fmt::to_string(*memory.swappiness), "memory.swappiness");
  if (memory.disable_oom_killer) {
    put(files, "memory/memory.oom_control", *memory.disable_oom_killer ? "1" : "0",
        "memory.disableOOMKiller");
    files.back().may_be_absent = !*memory.disable_oom_killer;
  }
}

}  // namespace skiff::cgroup
