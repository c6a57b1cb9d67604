// How a process is scheduled: the CPU's time, the disk's, and on which CPUs.
#include <linux/sched.h>

#include "src/base/text.h"
#include "src/spec/decode_parts.h"
#include "src/spec/ioprio.h"
#include "src/spec/number_list.h"

namespace skiff::spec {
namespace {

struct Word {
  std::string_view name;
  uint32_t value;
};

constexpr uint32_t kSchedIso = 4;  // reserved by <linux/sched.h>, in no released kernel
constexpr Word kPolicies[] = {
    {"SCHED_OTHER", SCHED_NORMAL},      {"SCHED_FIFO", SCHED_FIFO}, {"SCHED_RR", SCHED_RR},
    {"SCHED_BATCH", SCHED_BATCH},       {"SCHED_ISO", kSchedIso},   {"SCHED_IDLE", SCHED_IDLE},
    {"SCHED_DEADLINE", SCHED_DEADLINE},
};
constexpr Word kFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
    {"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
    {"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
    {"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
    {"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
};
constexpr Word kIoClasses[] = {
    {"IOPRIO_CLASS_RT", ioprio::kRealTime},
    {"IOPRIO_CLASS_BE", ioprio::kBestEffort},
    {"IOPRIO_CLASS_IDLE", ioprio::kIdle},
};

template <size_t N>
const Word* find(const Word (&words)[N], std::string_view name) {
  for (const Word& word : words)
    if (word.name == name) return &word;
  return nullptr;
}

/// "must be" rules of sched_setattr(2): what a policy does not use is a misunderstanding.
Result<void> check_times(const json::View& json, const Scheduler& scheduler) {
  constexpr uint64_t kLeastRuntime = 1024;  // DL_SCALE: sched(7), "SCHED_DEADLINE"
  if (scheduler.policy != SCHED_DEADLINE) {
    for (const char* name : {"runtime", "deadline", "period"})
      if (!json.is_blank(name))
        return Error::invalid("{}: only SCHED_DEADLINE has one", json.path_of(name));
    return {};
  }
  if (scheduler.runtime < kLeastRuntime)
    return Error::invalid("{}: {} is out of range, at least {} ns", json.path_of("runtime"),
                          scheduler.runtime, kLeastRuntime);
  if (scheduler.runtime > scheduler.deadline)
    return Error::invalid("{}: {} ns is less than the runtime, {} ns", json.path_of("deadline"),
                          scheduler.deadline, scheduler.runtime);
  if (scheduler.period != 0 && scheduler.deadline > scheduler.period)
    return Error::invalid("{}: {} ns is less than the deadline, {} ns", json.path_of("period"),
                          scheduler.period, scheduler.deadline);
  return {};
}

Result<void> check_priorities(const json::View& json, const Scheduler& scheduler) {
  const bool fair = scheduler.policy == SCHED_NORMAL || scheduler.policy == SCHED_BATCH;
  const bool real_time = scheduler.policy == SCHED_FIFO || scheduler.policy == SCHED_RR;
  if (!fair && scheduler.nice != 0)
    return Error::invalid("{}: only SCHED_OTHER and SCHED_BATCH have one", json.path_of("nice"));
  if (scheduler.nice < -20 || scheduler.nice > 19)
    return Error::invalid("{}: {} is out of range, -20 to 19", json.path_of("nice"),
                          scheduler.nice);
  if (!real_time && scheduler.priority != 0)
    return Error::invalid("{}: only SCHED_FIFO and SCHED_RR have one", json.path_of("priority"));
  if (real_time && (scheduler.priority < 1 || scheduler.priority > 99))
    return Error::invalid("{}: {} is out of range, 1 to 99", json.path_of("priority"),
                          static_cast<int32_t>(scheduler.priority));
  return {};
}

Result<NumberSet> decode_cpus(const json::View& json, std::string_view name) {
  const std::string list = TRY(text_of(json, name));
  return parse_number_list(list).context("{}", json.path_of(name));
}

}  // namespace

Result<Scheduler> decode_scheduler(const json::View& json) {
  Scheduler scheduler;
  const std::string policy = TRY(json.required<std::string>("policy"));
  const Word* known = find(kPolicies, policy);
  if (known == nullptr) return unknown_word(json, "policy", policy);
  scheduler.policy = known->value;
  scheduler.nice = TRY(json.optional<int32_t>("nice")).value_or(0);
  scheduler.priority = static_cast<uint32_t>(TRY(json.optional<int32_t>("priority")).value_or(0));
  const std::vector<std::string> flags = TRY(json.list<std::string>("flags"));
  for (size_t i = 0; i < flags.size(); ++i) {
    const Word* flag = find(kFlags, flags[i]);
    if (flag == nullptr)
      TRY(json.complain(unknown_word(json, "flags", i, flags[i])));
    else
      scheduler.flags |= flag->value;
  }
  scheduler.runtime = TRY(json.optional<uint64_t>("runtime")).value_or(0);
  scheduler.deadline = TRY(json.optional<uint64_t>("deadline")).value_or(0);
  scheduler.period = TRY(json.optional<uint64_t>("period")).value_or(0);
  TRY(check_priorities(json, scheduler));
  TRY(check_times(json, scheduler));
  return scheduler;
}

Result<IoPriority> decode_io_priority(const json::View& json) {
  IoPriority priority;
  const std::string name = TRY(json.required<std::string>("class"));
  const Word* known = find(kIoClasses, name);
  if (known == nullptr)
    TRY(json.complain(unknown_word(json, "class", name)));
  else
    priority.io_class = static_cast<uint8_t>(known->value);
  const int32_t level = TRY(json.optional<int32_t>("priority")).value_or(0);
  constexpr int32_t kLowest = 7;  // ioprio_set(2)
  if (level < 0 || level > kLowest)
    TRY(json.complain(Error::invalid("{}: {} is out of range, 0 to {}", json.path_of("priority"),
                                     level, kLowest)));
  priority.level = static_cast<uint8_t>(level);
  return priority;
}

Result<ExecAffinity> decode_exec_affinity(const json::View& json) {
  ExecAffinity affinity;
  affinity.initial = TRY(json.tolerate(decode_cpus(json, "initial")));
  affinity.final = TRY(json.tolerate(decode_cpus(json, "final")));
  return affinity;
}

std::string_view scheduler_policy_name(uint32_t policy) {
  for (const Word& word : kPolicies)
    if (word.value == policy) return word.name;
  return {};
}

std::string_view io_class_name(uint8_t io_class) {
  for (const Word& word : kIoClasses)
    if (word.value == io_class) return word.name;
  return {};
}

}  // namespace skiff::spec
