// A container's control group, whatever the layout of the host.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::cgroup {

/// One mounted hierarchy.
struct Hierarchy {
  std::string mount_point;               // "/sys/fs/cgroup/memory"
  std::vector<std::string> controllers;  // v1: "cpu","cpuacct" or "name=systemd"; none for v2
  bool v2 = false;
  /// This process's cgroup below the mount point: "/", "/user.slice/…"; "" if it lies outside.
  std::string own_path;
};

enum class LayoutKind { None, V1, Hybrid, V2 };

/// What is mounted on this host, read once.
struct Layout {
  LayoutKind kind = LayoutKind::None;
  std::vector<Hierarchy> hierarchies;  // the v2 one, if any, is last
};

/// Reads the layout of the calling process's mount namespace: /proc/self/cgroup and one
/// statfs where /sys/fs/cgroup is the v2 tree, else /proc/self/mountinfo too.
Result<Layout> read_layout();

/// What `resources` ask for that `layout` cannot do: controllers that are missing, values without
/// an equivalent. Each Error begins with its field. Reads, and makes nothing.
std::vector<Error> find_faults(const Layout& layout, const spec::Resources& resources);

/// Where a container's cgroup lives in each hierarchy: what the record stores
/// and every later command needs.
struct Paths {
  /// The path below the hierarchy's mount point, absolute and clean: "/web". Where a
  /// relative one differs between hierarchies, that of v2, else of the first.
  /// Empty: the container has no cgroup of its own (manager "disabled").
  std::string path;
  /// Controller (or "name=systemd", or "" for v2) and the absolute directory.
  std::vector<std::pair<std::string, std::string>> directories;
  /// Those of the directories that were there before the container, and stay.
  std::vector<std::string> kept;
  /// The systemd unit that the directories belong to, "" where systemd does not manage them.
  std::string unit;
};

/// Resolves linux.cgroupsPath on `layout`: absolute from the hierarchies' roots, relative below
/// this process's own cgroup, absent "/<id>"; ".." never climbs out. Without any hierarchy
/// an absent path gives empty Paths, another fails. Pure.
Result<Paths> resolve(const Layout& layout, const std::string& cgroups_path, const std::string& id);

/// The v2 cgroup `below` that of `paths` ("a/b") alone: one without limits, for processes.
Paths v2_below(const Paths& paths, const std::string& below);
/// `paths` with it in the place of the v2 directory.
Paths with_v2_below(Paths paths, const std::string& below);

/// Adds the v1 hierarchy "name=systemd" to `paths`, where the layout has not got it: on a host that
/// is v2 for all else it may be mounted for the sake of containers. Fails if it is mounted nowhere,
/// or the container has no cgroup.
Result<void> add_systemd_hierarchy(Paths& paths);

/// How often the memory limit of a cgroup was met.
struct MemoryEvents {
  uint64_t limit_hits = 0;  // memory was asked for that the limit leaves no room for
  uint64_t oom_kills = 0;   // processes that the kernel has killed for it
};

/// The verbs of every manager. They are called in this order: create, apply_limits, apply_devices
/// (after add where it is atomic), v2_directory, then add for the first process; a manager that can
/// make its cgroup only around a process keeps what it was told until add, and then carries it out.
/// Limits of a container that exists change by update.
class Cgroup {
 public:
  virtual ~Cgroup() = default;

  /// Makes the directories (and on v2 enables controllers for `resources` on the way
  /// down). Fails if one exists already and has processes in it
  /// ("container's cgroup is not empty: N process(es) found") or is frozen. Idempotent.
  /// On failure what this call made is removed.
  virtual Result<void> create(const spec::Resources& resources) = 0;
  /// In the place of create and the first add: as create, for directories that another manager has
  /// made, perhaps not all of them, and that `pid` may be in already, alone.
  virtual Result<void> adopt(const spec::Resources& resources, pid_t pid) = 0;
  /// The directories that create() of this object found there: what is to be Paths::kept.
  virtual std::vector<std::string> found() const { return {}; }
  /// Writes the limits, all but the device rules. Meant for an empty cgroup: see update.
  virtual Result<void> apply_limits(const spec::Resources& resources) = 0;
  /// Writes the device rules, with the default ones among them as device_rules() has it.
  virtual Result<void> apply_devices(const spec::Resources& resources) = 0;
  /// Whether apply_devices takes effect at once (v2: one eBPF program), so that processes in the
  /// cgroup never see half of the rules (v1: a file for every rule).
  virtual bool applies_devices_atomically() const = 0;
  /// Writes what `wanted` says beyond `present`, which was applied before, device rules as
  /// atomically as the kernel lets them be. All or nothing: a failure takes back what was done.
  virtual Result<void> update(const spec::Resources& present, const spec::Resources& wanted) = 0;
  /// Takes back what create, apply_* and update of this object did: directories that were made
  /// are removed (kill_all first), limits of one that was there before get their values back.
  virtual void revert() = 0;
  /// Gives the v2 directory and the files that the kernel names for delegation to the host's
  /// user `owner` (config-linux.md#cgroup-ownership). Nothing on v1, where that is not safe.
  virtual Result<void> delegate(uid_t owner) = 0;

  /// The v2 directory for CLONE_INTO_CGROUP, or an empty Fd where v2 is absent.
  virtual Result<Fd> v2_directory() const = 0;
  /// Whether CLONE_INTO_CGROUP places a process in all of its hierarchies, so that add has
  /// nothing to do.
  virtual bool is_placed_by_clone() const = 0;
  /// Moves `pid` into every hierarchy in which CLONE_INTO_CGROUP did not place it:
  /// all of v1, and v2 as well if `v2_too`.
  virtual Result<void> add(pid_t pid, bool v2_too) = 0;
  /// Processes of the whole tree, sorted, without duplicates.
  virtual Result<std::vector<pid_t>> processes() const = 0;
  /// What the memory limit has led to so far; zeros if unknown.
  virtual MemoryEvents memory_events() const = 0;
  /// Freezes or thaws, and waits (bounded, 10 s) until the kernel says so. Thawing reaches the
  /// whole tree.
  virtual Result<void> freeze(bool frozen) = 0;
  virtual Result<bool> is_frozen() const = 0;
  /// `signal` to every process that is in the tree now; none with a reused pid is hit.
  virtual Result<void> signal(int signal) = 0;
  /// Thaws what would keep killed processes from ending: v1 holds even those.
  virtual Result<void> release_killed() = 0;
  /// SIGKILL to every process of the tree (cgroup.kill, else freeze + signals), thawed so that they
  /// die, until none is left (bounded, 10 s).
  virtual Result<void> kill_all() = 0;
  /// Removes the tree, but for what is kept, children first; retries while processes are still
  /// leaving (bounded, 10 s), killing stragglers. Absent directories are fine: idempotent. An Error
  /// tells what is stuck, and where in the kernel.
  virtual Result<void> remove() = 0;
};

/// The manager for `paths`: v1, v2, both together on a hybrid host, or systemd. Makes no system
/// call and needs no Layout, so that later commands can work from the record alone. Paths without
/// directories give a manager whose verbs do nothing, except that freeze, and apply_limits of
/// resources that ask for one, fail and say that cgroups are disabled.
std::unique_ptr<Cgroup> open(Paths paths);

struct PlannedUnit;
/// The manager that will have systemd make the unit `planned`, see systemd.h.
std::unique_ptr<Cgroup> open_planned(const Paths& paths, PlannedUnit planned);

}  // namespace skiff::cgroup
