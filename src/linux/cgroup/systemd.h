// Cgroups that systemd makes: transient units, and the files of their directories beside.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "src/linux/cgroup/cgroup.h"
#include "src/linux/cgroup/systemd_unit.h"
#include "src/linux/systemd/manager.h"
#include "src/linux/systemd/property.h"

namespace skiff::cgroup {

/// A unit that is to be made.
struct PlannedUnit {
  Unit unit;
  UnitFacts facts;
  systemd::Properties base;       // without the limits, which they give way to
  systemd::Properties requested;  // by annotations: they count last
  std::unique_ptr<systemd::Manager> manager;
};

/// Asks systemd where the container's unit will be. `paths` gets the directories, and the name.
Result<PlannedUnit> plan_unit(const Layout& layout, const spec::Spec& spec, const std::string& id,
                              Paths& paths);

class Systemd final : public Cgroup {
 public:
  /// Without `planned` for a unit that exists. `files` is the manager of the directories.
  Systemd(const Paths& paths, std::unique_ptr<Cgroup> files, std::unique_ptr<PlannedUnit> planned);

  Result<void> create(const spec::Resources& resources) override;
  Result<void> adopt(const spec::Resources& resources, pid_t pid) override;
  Result<void> apply_limits(const spec::Resources& resources) override;
  Result<void> apply_devices(const spec::Resources& resources) override;
  bool applies_devices_atomically() const override;
  Result<void> update(const spec::Resources& present, const spec::Resources& wanted) override;
  void revert() override;
  Result<void> delegate(uid_t owner) override;
  Result<Fd> v2_directory() const override;
  bool is_placed_by_clone() const override;
  Result<void> add(pid_t pid, bool v2_too) override;
  Result<std::vector<pid_t>> processes() const override { return files_->processes(); }
  MemoryEvents memory_events() const override;
  Result<void> freeze(bool frozen) override { return files_->freeze(frozen); }
  Result<bool> is_frozen() const override { return files_->is_frozen(); }
  Result<void> signal(int signal) override { return files_->signal(signal); }
  Result<void> release_killed() override { return files_->release_killed(); }
  Result<void> kill_all() override;
  Result<void> remove() override;

 private:
  bool is_others() const { return planned_ && !made_; }
  bool is_user() const;
  Result<void> start(pid_t pid);
  Result<void> start_unit(const systemd::Properties& properties);
  Result<bool> make_way(const Error& error);
  Result<void> stop();
  Result<void> check_usage(const spec::Resources& wanted) const;
  Result<void> while_frozen(const std::function<Result<void>()>& action);
  void take_back(systemd::Manager& manager);
  bool is_gone() const;

  std::string unit_;
  Paths paths_;            // of the files
  std::string directory_;  // the v2 one, else the last
  std::string memory_directory_;
  bool v2_ = false;  // has all controllers
  std::unique_ptr<Cgroup> files_;
  std::unique_ptr<PlannedUnit> planned_;
  bool made_ = false;
  // What add() is to carry out, or what an update has replaced.
  std::optional<spec::Resources> resources_;
  systemd::Properties limits_;
  std::optional<uid_t> owner_;
  systemd::Properties before_;  // what takes back update()
  uint64_t oom_kills_ = 0;      // on the machine, when the unit was made
};

}  // namespace skiff::cgroup
