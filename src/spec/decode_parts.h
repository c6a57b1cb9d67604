// The parts of decode(), each in the file of its subject; nothing outside src/spec includes this.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "src/base/json.h"
#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

Result<Process> decode_process(const json::View& json);
Result<Linux> decode_linux(const json::View& json);
Result<Resources> decode_resources(const json::View& json);
Result<Seccomp> decode_seccomp(const json::View& json);
Result<Scheduler> decode_scheduler(const json::View& json);
Result<IoPriority> decode_io_priority(const json::View& json);
Result<ExecAffinity> decode_exec_affinity(const json::View& json);
Result<uint64_t> decode_personality(const json::View& json);
Result<MemoryPolicy> decode_memory_policy(const json::View& json);
/// The object `timeOffsets` of `json`, if there is one.
Result<std::vector<TimeOffset>> decode_time_offsets(const json::View& json);
/// The object `netDevices` of `json`, if there is one.
Result<std::vector<NetDevice>> decode_net_devices(const json::View& json);
Result<IntelRdt> decode_intel_rdt(const json::View& json);
Result<Mount> decode_mount(const json::View& json);
Result<Device> decode_device(const json::View& json);
/// The array `name` of id mappings, which must not overlap.
Result<std::vector<IdMapping>> decode_mappings(const json::View& json, std::string_view name);

/// The string member `name`; fails unless it begins with '/'.
Result<std::string> absolute_path(const json::View& json, std::string_view name);
/// As json.optional<std::string>(), "" when absent.
Result<std::string> text_of(const json::View& json, std::string_view name);
/// As json.optional<bool>(), false when absent.
Result<bool> flag_of(const json::View& json, std::string_view name);
/// An element of the array `name` that is not among the words it may hold.
Error unknown_word(const json::View& json, std::string_view name, size_t index,
                   std::string_view word);
/// The member `name` with a word it may not hold.
Error unknown_word(const json::View& json, std::string_view name, std::string_view word);

/// The object `name` read by `decode`; nullopt when absent.
template <class T>
Result<std::optional<T>> optional_part(const json::View& json, std::string_view name,
                                       Result<T> (*decode)(const json::View&)) {
  const std::optional<json::View> part = TRY(json.optional<json::View>(name));
  if (!part) return std::optional<T>();
  auto value = decode(*part);
  if (value) return std::optional<T>(*std::move(value));
  part->abandon();
  return json.tolerate(Result<std::optional<T>>(std::move(value).error()));
}

/// The objects of the array `name`, each read by `decode`.
template <class T>
Result<std::vector<T>> part_list(const json::View& json, std::string_view name,
                                 Result<T> (*decode)(const json::View&)) {
  const std::vector<json::View> parts = TRY(json.list<json::View>(name));
  std::vector<T> decoded;
  decoded.reserve(parts.size());
  for (const json::View& part : parts) {
    auto value = decode(part);
    if (!value) part.abandon();
    decoded.push_back(TRY(json.tolerate(std::move(value))));
  }
  return decoded;
}

}  // namespace skiff::spec
