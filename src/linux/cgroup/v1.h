// The hierarchies of cgroup v1, one for each controller or few (Linux admin-guide/cgroup-v1/).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/linux/cgroup/cgroup.h"
#include "src/linux/cgroup/directory.h"
#include "src/linux/cgroup/resources.h"

namespace skiff::cgroup {

class V1 final : public Cgroup {
 public:
  /// Controllers (or "name=systemd") and the cgroup's directory for each.
  explicit V1(const std::vector<std::pair<std::string, std::string>>& directories,
              const std::vector<std::string>& kept);

  Result<void> create(const spec::Resources& resources) override;
  Result<void> adopt(const spec::Resources& resources, pid_t pid) override;
  std::vector<std::string> found() const override;
  Result<void> apply_limits(const spec::Resources& resources) override {
    return write_limits({}, resources);
  }
  Result<void> apply_devices(const spec::Resources& resources) override;
  bool applies_devices_atomically() const override { return false; }
  Result<void> update(const spec::Resources& present, const spec::Resources& wanted) override;
  void revert() override;
  Result<void> delegate(uid_t owner) override;
  Result<Fd> v2_directory() const override { return Fd(); }
  bool is_placed_by_clone() const override { return false; }
  Result<void> add(pid_t pid, bool v2_too) override;
  Result<std::vector<pid_t>> processes() const override;
  MemoryEvents memory_events() const override;
  Result<void> freeze(bool frozen) override;
  Result<bool> is_frozen() const override;
  Result<void> signal(int signal) override;
  Result<void> release_killed() override { return thaw_tree(); }
  Result<void> kill_all() override;
  Result<void> remove() override;

  // The parts of create and update that a hybrid host composes otherwise.

  const std::vector<std::string>& controllers() const { return controllers_; }
  bool has(std::string_view controller) const { return find(controller) != nullptr; }
  /// Whether there are any, and not only hierarchies that have but a name.
  bool has_controllers() const;
  /// Makes the directories; `needed` controllers must be mounted. `inhabited`: processes may be in
  /// them.
  Result<void> make(const std::vector<Need>& needed, bool inhabited = false);
  /// What of `wanted` goes beyond `present`, which is empty for a new container.
  Result<void> write_limits(const spec::Resources& present, const spec::Resources& wanted);
  Result<void> update_devices(const spec::Resources& present, const spec::Resources& wanted);
  /// Thaws every freezer of the tree, so that killed processes can end.
  Result<void> thaw_tree() const;

 private:
  const Directory* find(std::string_view controller) const;
  const Directory& representative() const;
  Result<std::vector<Need>> needs(const spec::Resources& resources) const;
  Result<void> check_reusable(const Directory& directory) const;
  Result<void> check_parent_freezer() const;
  Result<void> write(const FileValue& file);
  Result<void> write_file(const std::string& file, const std::string& value);
  Result<void> write_realtime(const Directory& cpu, const std::string& value);
  Result<void> signal_all(const Directory& directory) const;

  std::vector<std::string> controllers_;
  std::vector<size_t> places_;  // of each controller in directories_
  std::vector<Directory> directories_;
  Journal journal_;
  std::vector<FileValue> old_devices_;  // writes that bring back the rules from before
};

}  // namespace skiff::cgroup
