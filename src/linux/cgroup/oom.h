// Out of memory in a container's cgroups: whose limit was met, and whose processes were killed.
#pragma once

#include <string>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/linux/cgroup/cgroup.h"

namespace skiff::cgroup {

/// Paths are those that the kernel names cgroups by: "/web/worker".
struct OomEvent {
  std::string cgroup;        // of the processes that were killed, else where memory ran out
  std::string limit_cgroup;  // the one whose limit was met; "" if that cannot be told
  uint64_t kills = 0;        // 0: memory ran out, and nobody was killed
  bool group_kill = false;   // memory.oom.group: everything in it was killed
};

/// Compares what the kernel counts for the tree, and for the cgroups above it, with what it counted
/// before.
class OomWatch {
 public:
  /// From now on. A watch of a container that has no memory cgroup tells nothing.
  explicit OomWatch(const Paths& paths);

  /// v1: an eventfd that is signalled when memory runs out, and when the cgroup is removed; empty
  /// on v2 and where the kernel refuses.
  Fd subscribe() const;
  /// To be called when that eventfd was signalled: v1 does so for a limit of the container's own
  /// cgroup or of one above it.
  void heard() { heard_ = true; }
  /// v2: the file that inotify(7) tells changes of; "" on v1.
  std::string events_file() const;

  /// What happened since the last call. The kernel tells first that memory ran out and then counts
  /// kills one by one: unless `settled`, counts that changed since the last look are left for a
  /// later call.
  std::vector<OomEvent> news(bool settled);
  /// Whether something is left for a later call. Of v1 only kills are known.
  bool expects_more() const { return expects_more_; }

 private:
  struct Counts {
    std::string directory;
    uint64_t met = 0;  // how often memory ran out at the limit; v1: 1 if it was ever reached
    uint64_t kills = 0;
    uint64_t group_kills = 0;
  };
  std::vector<Counts> read() const;
  Counts read_one(const std::string& directory) const;
  bool may_have_met(const Counts& counts) const;
  std::string limit_above(const std::string& directory, const std::vector<Counts>& now) const;
  const Counts* before(const std::string& directory) const;
  std::string name(const std::string& directory) const;

  std::string directory_;  // "" for none
  std::string mount_point_;
  bool v2_ = false;
  bool heard_ = false;
  bool expects_more_ = false;
  uint64_t last_sum_ = 0;  // of all kills at the last look
  std::vector<Counts> counts_;
};

}  // namespace skiff::cgroup
