// The parts of v1_files() and v2_files(), each in the file of its subject; nothing outside
// resources.cc and those files includes this.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/linux/cgroup/resources.h"

namespace skiff::cgroup {

using Files = std::vector<FileValue>;

/// "linux.resources.memory.limit" for "memory.limit"
std::string field(std::string_view name);
void put(Files& files, std::string_view file, std::string value, std::string_view name);

inline bool is_set(const std::optional<int64_t>& value) { return value.value_or(0) != 0; }
inline bool is_set(const std::optional<uint64_t>& value) { return value.value_or(0) != 0; }
inline bool is_set(const std::optional<uint16_t>& value) { return value.value_or(0) != 0; }

/// What both versions demand of memory and swap, which is memory *plus* swap.
Result<void> check_memory(const spec::Memory& memory);
Result<void> put_memory_v2(Files& files, const spec::Memory& memory);
void put_memory_v1(Files& files, const spec::Memory& memory);

Result<void> check_cpu(const spec::Cpu& cpu);
Result<void> put_cpu_v2(Files& files, const spec::Cpu& cpu);
Result<void> put_cpu_v1(Files& files, const spec::Cpu& cpu);
/// `prefix`: "" or "cpuset/".
void put_cpuset(Files& files, const spec::Cpu& cpu, std::string_view prefix);

Result<void> put_block_io_v2(Files& files, const spec::BlockIo& io);
void put_block_io_v1(Files& files, const spec::BlockIo& io);

}  // namespace skiff::cgroup
