// The unified hierarchy (Linux admin-guide/cgroup-v2.rst).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/linux/cgroup/cgroup.h"
#include "src/linux/cgroup/device_attach.h"
#include "src/linux/cgroup/directory.h"
#include "src/linux/cgroup/resources.h"

namespace skiff::cgroup {

class V2 final : public Cgroup {
 public:
  /// `at_top`: the directory lies right below the mount point.
  V2(std::string directory, bool at_top, bool stays)
      : directory_(std::move(directory), stays), at_top_(at_top) {}

  Result<void> create(const spec::Resources& resources) override;
  Result<void> adopt(const spec::Resources& resources, pid_t pid) override;
  std::vector<std::string> found() const override;
  Result<void> apply_limits(const spec::Resources& resources) override {
    return write_limits({}, resources);
  }
  Result<void> apply_devices(const spec::Resources& resources) override;
  bool applies_devices_atomically() const override { return true; }
  Result<void> update(const spec::Resources& present, const spec::Resources& wanted) override;
  void revert() override;
  Result<void> delegate(uid_t owner) override;
  Result<Fd> v2_directory() const override;
  bool is_placed_by_clone() const override { return true; }
  Result<void> add(pid_t pid, bool v2_too) override;
  Result<std::vector<pid_t>> processes() const override { return directory_.processes(); }
  MemoryEvents memory_events() const override;
  Result<void> freeze(bool frozen) override;
  Result<bool> is_frozen() const override;
  Result<void> signal(int signal) override;
  Result<void> release_killed() override { return {}; }
  Result<void> kill_all() override;
  Result<void> remove() override;

  // The parts of create and update that a hybrid host composes otherwise.

  /// Makes the directory with the controllers `needed` and, if it `counts`, those for statistics
  /// that can be had.
  Result<void> make(const std::vector<Need>& needed, bool counts);
  /// As make, with the process moved there before, for a cgroup that has one gives none to those
  /// below.
  Result<void> make_around(pid_t pid, const std::vector<Need>& needed, bool counts);
  /// What of `wanted` goes beyond `present`, which is empty for a new container.
  Result<void> write_limits(const spec::Resources& present, const spec::Resources& wanted);

 private:
  Result<void> check_reusable() const;
  Result<void> check_not_frozen() const;
  Result<void> check_type() const;
  Result<void> enable(const std::vector<Need>& needed,
                      const std::vector<std::string>& wanted) const;
  Result<void> check_usage(const spec::Resources& resources) const;
  Result<void> write_files(const std::vector<FileValue>& present,
                           const std::vector<FileValue>& wanted);
  Result<void> write(const FileValue& file);
  Result<bool> reads_frozen() const;
  Result<void> thaw_tree() const;
  bool has_frozen_ancestor() const;
  Result<void> signal_all() const;

  Directory directory_;
  bool at_top_;
  Journal journal_;
  std::optional<DeviceAttachment> attached_;  // by this object
};

/// What `resources` needs of the v2 hierarchy.
Result<std::vector<Need>> v2_needs(const spec::Resources& resources);

}  // namespace skiff::cgroup
