// What the kernel shows a process of the machine: clocks, execution domain, memory nodes.
#include <linux/mempolicy.h>
#include <linux/personality.h>
#include <time.h>

#include "src/base/text.h"
#include "src/spec/decode_parts.h"
#include "src/spec/memory_policy.h"
#include "src/spec/number_list.h"

namespace skiff::spec {
namespace {

struct Word {
  std::string_view name;
  uint64_t value;
};

constexpr Word kDomains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};
// Of personality(2); the specification leaves their names open.
constexpr Word kPersonalityFlags[] = {
    {"ADDR_COMPAT_LAYOUT", ADDR_COMPAT_LAYOUT},
    {"ADDR_LIMIT_32BIT", ADDR_LIMIT_32BIT},
    {"ADDR_LIMIT_3GB", ADDR_LIMIT_3GB},
    {"ADDR_NO_RANDOMIZE", ADDR_NO_RANDOMIZE},
    {"MMAP_PAGE_ZERO", MMAP_PAGE_ZERO},
    {"READ_IMPLIES_EXEC", READ_IMPLIES_EXEC},
    {"SHORT_INODE", SHORT_INODE},
    {"STICKY_TIMEOUTS", STICKY_TIMEOUTS},
    {"UNAME26", UNAME26},
    {"WHOLE_SECONDS", WHOLE_SECONDS},
};

constexpr int kWeightedInterleave = 6;  // MPOL_WEIGHTED_INTERLEAVE of Linux 6.9
constexpr Word kModes[] = {
    {"MPOL_DEFAULT", MPOL_DEFAULT},       {"MPOL_BIND", MPOL_BIND},
    {"MPOL_INTERLEAVE", MPOL_INTERLEAVE}, {"MPOL_WEIGHTED_INTERLEAVE", kWeightedInterleave},
    {"MPOL_PREFERRED", MPOL_PREFERRED},   {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
    {"MPOL_LOCAL", MPOL_LOCAL},
};
constexpr Word kModeFlags[] = {
    {"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
    {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
    {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
};
constexpr Word kClocks[] = {{"monotonic", CLOCK_MONOTONIC}, {"boottime", CLOCK_BOOTTIME}};

template <size_t N>
const Word* find(const Word (&words)[N], std::string_view name) {
  for (const Word& word : words)
    if (word.name == name) return &word;
  return nullptr;
}

template <size_t N>
std::vector<std::string> names(const Word (&words)[N]) {
  std::vector<std::string> list;
  for (const Word& word : words) list.emplace_back(word.name);
  return list;
}

/// The bits of the words of the array `name`.
template <size_t N>
Result<uint64_t> decode_flags(const json::View& json, std::string_view name,
                              const Word (&words)[N]) {
  const std::vector<std::string> flags = TRY(json.list<std::string>(name));
  uint64_t bits = 0;
  for (size_t i = 0; i < flags.size(); ++i) {
    const Word* word = find(words, flags[i]);
    if (word == nullptr)
      TRY(json.complain(unknown_word(json, name, i, flags[i])));
    else
      bits |= word->value;
  }
  return bits;
}

/// The rules of set_mempolicy(2), for which the kernel knows only EINVAL.
Result<void> check_policy(const json::View& json, int mode, int flags, bool has_nodes) {
  const bool without = mode == MPOL_DEFAULT || mode == MPOL_LOCAL;
  if (without && has_nodes)
    return Error::invalid("{}: MPOL_DEFAULT and MPOL_LOCAL take none", json.path_of("nodes"));
  if (!without && mode != MPOL_PREFERRED && !has_nodes)
    return Error::invalid("{}: missing", json.path_of("nodes"));
  if ((flags & MPOL_F_STATIC_NODES) != 0 && (flags & MPOL_F_RELATIVE_NODES) != 0)
    return Error::invalid("{}: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other",
                          json.path_of("flags"));
  if ((flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)) != 0 && !has_nodes)
    return Error::invalid("{}: without nodes there is nothing to renumber", json.path_of("flags"));
  if ((flags & MPOL_F_NUMA_BALANCING) != 0 && mode != MPOL_BIND && mode != MPOL_PREFERRED_MANY)
    return Error::invalid(
        "{}: MPOL_F_NUMA_BALANCING goes with MPOL_BIND and MPOL_PREFERRED_MANY only",
        json.path_of("flags"));
  return {};
}

}  // namespace

Result<uint64_t> decode_personality(const json::View& json) {
  const std::string name = TRY(json.required<std::string>("domain"));
  const Word* domain = find(kDomains, name);
  if (domain == nullptr) return unknown_word(json, "domain", name);
  return domain->value | TRY(decode_flags(json, "flags", kPersonalityFlags));
}

Result<MemoryPolicy> decode_memory_policy(const json::View& json) {
  const std::string name = TRY(json.required<std::string>("mode"));
  const Word* mode = find(kModes, name);
  if (mode == nullptr) return unknown_word(json, "mode", name);
  const std::string nodes = TRY(text_of(json, "nodes"));
  MemoryPolicy policy;
  policy.nodes = TRY(parse_number_list(nodes).context("{}", json.path_of("nodes")));
  const int flags = static_cast<int>(TRY(decode_flags(json, "flags", kModeFlags)));
  policy.mode = static_cast<int>(mode->value);
  TRY(check_policy(json, policy.mode, flags, !policy.nodes.empty()));
  policy.mode |= flags;
  return policy;
}

std::vector<std::string> memory_policy_modes() { return names(kModes); }
std::vector<std::string> memory_policy_flags() { return names(kModeFlags); }

Result<std::vector<TimeOffset>> decode_time_offsets(const json::View& json) {
  std::vector<TimeOffset> offsets;
  const std::optional<json::View> clocks = TRY(json.optional<json::View>("timeOffsets"));
  if (!clocks) return offsets;
  auto decoded = clocks->each_member([&](std::string_view name) -> Result<void> {
    const Word* clock = find(kClocks, name);
    if (clock == nullptr)
      return Error::invalid("{}: unknown clock, there are monotonic and boottime",
                            clocks->path_of(name));
    const std::optional<json::View> entry = TRY(clocks->optional<json::View>(name));
    if (!entry) return {};
    TimeOffset offset;
    offset.clock = static_cast<int>(clock->value);
    offset.seconds = TRY(entry->optional<int64_t>("secs")).value_or(0);
    offset.nanoseconds = TRY(entry->optional<uint32_t>("nanosecs")).value_or(0);
    constexpr uint32_t kSecond = 1'000'000'000;
    if (offset.nanoseconds >= kSecond)
      return Error::invalid("{}: {} is out of range, at most {}", entry->path_of("nanosecs"),
                            offset.nanoseconds, kSecond - 1);
    offsets.push_back(offset);
    return {};
  });
  TRY(std::move(decoded));
  return offsets;
}

std::string_view memory_mode_name(int mode) {
  constexpr int kFlags = MPOL_F_NUMA_BALANCING | MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES;
  for (const Word& word : kModes)
    if (static_cast<int>(word.value) == (mode & ~kFlags)) return word.name;
  return {};
}

}  // namespace skiff::spec
