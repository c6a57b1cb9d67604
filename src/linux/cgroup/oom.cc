#include "src/linux/cgroup/oom.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "src/base/path.h"
#include "src/linux/cgroup/directory.h"
#include "src/linux/cgroup/stat_files.h"

namespace skiff::cgroup {
namespace {

Counters counters_of(const Directory& directory, const char* file) {
  Counters counters;
  const auto text = directory.peek(file);
  if (text) (void)parse_counters(*text, counters);  // what there is counts
  return counters;
}

/// v1, where the OOM killer is switched off: processes wait for memory.
bool is_under_oom(const std::string& directory) {
  return value_of(counters_of(Directory(directory), "memory.oom_control"), "under_oom") != 0;
}

/// v1: whether the limit was ever reached. Memory is out when a few pages more do not fit.
bool has_reached(const Directory& directory, const std::string& prefix) {
  constexpr int64_t kFewPages = 8L * 4096;
  const int64_t limit = number_in(directory, prefix + ".limit_in_bytes");
  return limit != 0 && number_in(directory, prefix + ".max_usage_in_bytes") + kFewPages >= limit;
}

}  // namespace

OomWatch::OomWatch(const Paths& paths) {
  for (const auto& [controller, directory] : paths.directories) {
    if (controller != "memory" && !controller.empty()) continue;
    if (controller.empty() && !Directory(directory).peek("memory.events")) continue;
    directory_ = directory;
    v2_ = controller.empty();
    if (!v2_) break;  // what v1 has is used there
  }
  const std::string& path = paths.path;
  if (directory_.size() > path.size() && directory_.ends_with(path))
    mount_point_ = directory_.substr(0, directory_.size() - path.size());
  counts_ = read();
  for (const Counts& counts : counts_)
    if (path::is_below(counts.directory, directory_))
      last_sum_ += counts.kills + counts.group_kills;
}

Fd OomWatch::subscribe() const {
  if (directory_.empty() || v2_) return Fd();
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const Directory memory(directory_);
  const auto base = memory.fd();
  if (!event || !base) return Fd();
  const Fd control(::openat(*base, "memory.oom_control", O_RDONLY | O_CLOEXEC));
  if (!control ||
      !memory.write("cgroup.event_control", fmt::format("{} {}", event.get(), control.get())))
    return Fd();
  return event;
}

std::string OomWatch::events_file() const { return v2_ ? directory_ + "/memory.events" : ""; }

/// A cgroup's own, not those of the tree below it.
OomWatch::Counts OomWatch::read_one(const std::string& path) const {
  const Directory directory(path);
  Counts counts;
  counts.directory = path;
  if (!v2_) {
    counts.kills = value_of(counters_of(directory, "memory.oom_control"), "oom_kill");
    // memory.failcnt also counts where reclaim helped, or, in newer kernels, nothing.
    counts.met = has_reached(directory, "memory") || has_reached(directory, "memory.memsw");
    return counts;
  }
  Counters events = counters_of(directory, "memory.events.local");
  // Before Linux 5.2 there are only the sums.
  if (events.empty()) events = counters_of(directory, "memory.events");
  counts.kills = value_of(events, "oom_kill");
  counts.met = value_of(events, "oom");
  counts.group_kills = value_of(events, "oom_group_kill");
  return counts;
}

/// The tree's, the container's cgroup first, then those of the cgroups above.
std::vector<OomWatch::Counts> OomWatch::read() const {
  std::vector<Counts> all;
  if (directory_.empty()) return all;
  const Directory top(directory_);
  const auto tree = top.tree();
  if (!tree) return all;
  for (const std::string& below : *tree) all.push_back(read_one(path::join(directory_, below)));
  if (mount_point_.empty()) return all;
  for (std::string above = path::parent(directory_); above.size() > mount_point_.size();
       above = path::parent(above))
    all.push_back(read_one(above));
  return all;
}

const OomWatch::Counts* OomWatch::before(const std::string& directory) const {
  for (const Counts& counts : counts_)
    if (counts.directory == directory) return &counts;
  return nullptr;
}

std::string OomWatch::name(const std::string& directory) const {
  return mount_point_.empty() ? directory : directory.substr(mount_point_.size());
}

bool OomWatch::may_have_met(const Counts& counts) const {
  if (v2_) {
    const Counts* old = before(counts.directory);
    return counts.met > (old ? old->met : 0);
  }
  const bool is_below = counts.directory.size() > directory_.size();
  return counts.met != 0 && is_below != heard_;
}

/// The one cgroup, `directory` or above it, whose limit may have been met; "" if it is none or one
/// of several.
std::string OomWatch::limit_above(const std::string& directory,
                                  const std::vector<Counts>& now) const {
  std::string found;
  for (const Counts& counts : now) {
    if (!path::is_below(directory, counts.directory) || !may_have_met(counts)) continue;
    if (!found.empty()) return {};
    found = counts.directory;
  }
  return found.empty() ? found : name(found);
}

std::vector<OomEvent> OomWatch::news(bool settled) {
  std::vector<OomEvent> events;
  expects_more_ = false;
  std::vector<Counts> now = read();
  if (now.empty()) return events;
  uint64_t sum = 0;
  bool met = false;
  for (const Counts& counts : now) {
    if (!path::is_below(counts.directory, directory_)) continue;
    const Counts none;
    const Counts* known = before(counts.directory);
    const Counts& old = known ? *known : none;
    sum += counts.kills + counts.group_kills;
    met = met || counts.met > old.met;
    if (counts.kills > old.kills)
      events.push_back({name(counts.directory), limit_above(counts.directory, now),
                        counts.kills - old.kills, counts.group_kills > old.group_kills});
  }
  const bool changed = std::exchange(last_sum_, sum) != sum;
  if (!settled && (changed || events.empty())) {
    expects_more_ = changed || (v2_ && met);  // v1's counter also rises where reclaim helped
    return {};
  }
  if (events.empty() && (v2_ ? met : is_under_oom(directory_)))
    events.push_back({name(directory_), limit_above(directory_, now), 0, false});
  counts_ = std::move(now);
  heard_ = false;
  return events;
}

}  // namespace skiff::cgroup
