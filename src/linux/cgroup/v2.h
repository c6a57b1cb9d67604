// The unified hierarchy (Linux admin-guide/cgroup-v2.rst).
#pragma once

#include <string>
#include <vector>

#include "src/linux/cgroup/cgroup.h"
#include "src/linux/cgroup/directory.h"

namespace skiff::cgroup {

class V2 final : public Cgroup {
 public:
  /// `at_top`: the directory lies right below the mount point.
  V2(std::string directory, bool at_top) : directory_(std::move(directory)), at_top_(at_top) {}

  Result<void> create(const spec::Resources& resources) override;
  Result<void> apply_limits(const spec::Resources& resources) override;
  Result<void> apply_devices(const spec::Resources& resources) override;
  bool applies_devices_atomically() const override { return true; }
  Result<Fd> v2_directory() const override;
  bool is_placed_by_clone() const override { return true; }
  Result<void> add(pid_t pid, bool v2_too) override;
  Result<std::vector<pid_t>> processes() const override { return directory_.processes(); }
  Result<void> freeze(bool frozen) override;
  Result<bool> is_frozen() const override;
  Result<void> kill_all() override;
  Result<void> remove() override;

  // The parts of create that a hybrid host composes otherwise.

  /// Makes the directory with the controllers `needed`, and those of `wanted` that can be had.
  Result<void> make(const std::vector<std::string>& needed, const std::vector<std::string>& wanted);
  void unmake() { directory_.unmake(); }

 private:
  Result<void> check_reusable() const;
  Result<void> check_type() const;
  Result<void> enable(const std::vector<std::string>& needed,
                      const std::vector<std::string>& wanted) const;
  Result<void> check_usage(const spec::Resources& resources) const;
  Result<void> write(const FileValue& file) const;
  Result<bool> reads_frozen() const;
  bool has_frozen_ancestor() const;
  Result<void> signal_all() const;

  Directory directory_;
  bool at_top_;
  bool attached_ = false;  // a device program, by this object
};

}  // namespace skiff::cgroup
