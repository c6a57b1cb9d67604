// A container's control group, whatever the layout of the host.
#pragma once

#include <sys/types.h>

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

/// Where a container's cgroup lives in each hierarchy: what the record stores
/// and every later command needs.
struct Paths {
  /// The path below the hierarchy's mount point, absolute and clean: "/web". Where a
  /// relative one differs between hierarchies, that of v2, else of the first.
  /// Empty: the container has no cgroup of its own (manager "disabled").
  std::string path;
  /// Controller (or "name=systemd", or "" for v2) and the absolute directory.
  std::vector<std::pair<std::string, std::string>> directories;
};

/// Resolves linux.cgroupsPath on `layout`: absolute from the hierarchies' roots, relative below
/// this process's own cgroup, absent "/<id>"; ".." never climbs out. Without any hierarchy
/// an absent path gives empty Paths, another fails. Pure.
Result<Paths> resolve(const Layout& layout, const std::string& cgroups_path, const std::string& id);

class Cgroup {
 public:
  virtual ~Cgroup() = default;

  /// Makes the directories (and on v2 enables controllers for `resources` on the way
  /// down). Fails if one exists already and has processes in it
  /// ("container's cgroup is not empty: N process(es) found") or is frozen. Idempotent.
  /// On failure what this call made is removed.
  virtual Result<void> create(const spec::Resources& resources) = 0;
  /// Writes the limits, all but the device rules.
  virtual Result<void> apply_limits(const spec::Resources& resources) = 0;
  /// Writes the device rules: `resources.devices` followed by default_device_rules().
  virtual Result<void> apply_devices(const spec::Resources& resources) = 0;
  /// Whether apply_devices takes effect at once (v2: one eBPF program), so that processes in the
  /// cgroup never see half of the rules (v1: a file for every rule).
  virtual bool applies_devices_atomically() const = 0;
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
  /// Freezes or thaws, and waits (bounded, 10 s) until the kernel says so.
  virtual Result<void> freeze(bool frozen) = 0;
  virtual Result<bool> is_frozen() const = 0;
  /// SIGKILL to every process of the tree (cgroup.kill, else freeze + signals), thawed so that they
  /// die.
  virtual Result<void> kill_all() = 0;
  /// Removes the tree, children first; retries while processes are still leaving (bounded,
  /// 10 s), killing stragglers. Absent directories are fine: idempotent.
  virtual Result<void> remove() = 0;
};

/// The manager for `paths`: v1, v2, or both together on a hybrid host. Makes no system call
/// and needs no Layout, so that later commands can work from the record alone.
/// Paths without directories give a manager whose verbs do nothing, except that
/// freeze, and apply_limits of resources that ask for one, fail and say that cgroups are disabled.
std::unique_ptr<Cgroup> open(Paths paths);

}  // namespace skiff::cgroup
