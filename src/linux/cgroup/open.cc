#include <algorithm>
#include <iterator>

#include "src/base/undo.h"
#include "src/linux/cgroup/cgroup.h"
#include "src/linux/cgroup/device_filter.h"
#include "src/linux/cgroup/resources.h"
#include "src/linux/cgroup/systemd.h"
#include "src/linux/cgroup/v1.h"
#include "src/linux/cgroup/v2.h"

namespace skiff::cgroup {
namespace {

/// v1 and v2 side by side, each controller in one of them. What v1 has is used there, the
/// rest on v2; the freezer and device rules likewise.
class Hybrid final : public Cgroup {
 public:
  Hybrid(V1 v1, V2 v2) : v1_(std::move(v1)), v2_(std::move(v2)) {}

  Result<void> create(const spec::Resources& resources) override {
    const auto v1_part = TRY(v1_files(on_v1(resources)));
    const auto v2_part = TRY(v2_needs(on_v2(resources)));
    TRY(check_devices(resources));
    TRY(v1_.make(controllers_needed(v1_part)));
    Undo undo([&] { v1_.revert(); });
    TRY(v2_.make(v2_part, !v1_.has_controllers()));
    undo.keep();
    return {};
  }

  Result<void> adopt(const spec::Resources& resources, pid_t pid) override {
    const auto v1_part = TRY(v1_files(on_v1(resources)));
    const auto v2_part = TRY(v2_needs(on_v2(resources)));
    TRY(check_devices(resources));
    TRY(v1_.make(controllers_needed(v1_part), true));
    TRY(v1_.add(pid, true));
    return v2_.make_around(pid, v2_part, !v1_.has_controllers());
  }

  std::vector<std::string> found() const override {
    std::vector<std::string> all = v1_.found();
    for (std::string& path : v2_.found()) all.push_back(std::move(path));
    return all;
  }

  Result<void> apply_limits(const spec::Resources& resources) override {
    TRY(v1_.apply_limits(on_v1(resources)));
    return v2_.apply_limits(on_v2(resources));
  }
  Result<void> apply_devices(const spec::Resources& resources) override {
    return v1_.has("devices") ? v1_.apply_devices(resources) : v2_.apply_devices(resources);
  }
  bool applies_devices_atomically() const override { return !v1_.has("devices"); }

  Result<void> update(const spec::Resources& present, const spec::Resources& wanted) override {
    Undo undo([&] { revert(); });
    TRY(v1_.write_limits(on_v1(present), on_v1(wanted)));
    TRY(v2_.write_limits(on_v2(present), on_v2(wanted)));
    if (v1_.has("devices"))
      TRY(v1_.update_devices(present, wanted));
    else if (present.devices != wanted.devices)
      TRY(v2_.apply_devices(wanted));
    undo.keep();
    return {};
  }

  void revert() override {
    v2_.revert();
    v1_.revert();
  }

  /// Not safe in v1, but where that has no controllers.
  Result<void> delegate(uid_t owner) override {
    if (v1_.has_controllers()) return {};
    TRY(v1_.delegate(owner));
    return v2_.delegate(owner);
  }

  Result<Fd> v2_directory() const override { return v2_.v2_directory(); }

  bool is_placed_by_clone() const override { return false; }

  Result<void> add(pid_t pid, bool v2_too) override {
    TRY(v1_.add(pid, v2_too));
    return v2_.add(pid, v2_too);
  }

  /// Of both, as a process is in v2 from its birth and in v1 only once it was added.
  Result<std::vector<pid_t>> processes() const override {
    const auto in_v1 = TRY(v1_.processes());
    const auto in_v2 = TRY(v2_.processes());
    std::vector<pid_t> all;
    std::set_union(in_v1.begin(), in_v1.end(), in_v2.begin(), in_v2.end(), std::back_inserter(all));
    return all;
  }

  Result<void> freeze(bool frozen) override {
    return v1_.has("freezer") ? v1_.freeze(frozen) : v2_.freeze(frozen);
  }
  Result<bool> is_frozen() const override {
    return v1_.has("freezer") ? v1_.is_frozen() : v2_.is_frozen();
  }

  /// v1 has all of them by the time that anybody can send signals.
  Result<void> signal(int signal) override { return v1_.signal(signal); }

  Result<void> release_killed() override { return v1_.thaw_tree(); }

  MemoryEvents memory_events() const override {
    return v1_.has("memory") ? v1_.memory_events() : v2_.memory_events();
  }

  Result<void> kill_all() override {
    TRY(v1_.thaw_tree());  // a process that v1 holds frozen would not meet its end
    TRY(v2_.kill_all());
    return v1_.kill_all();
  }

  Result<void> remove() override {
    TRY(v1_.remove());
    return v2_.remove();
  }

 private:
  spec::Resources on_v1(const spec::Resources& resources) const {
    return select(resources, v1_.controllers(), true);
  }
  spec::Resources on_v2(const spec::Resources& resources) const {
    return select(resources, v1_.controllers(), false);
  }
  Result<void> check_devices(const spec::Resources& resources) const {
    const auto rules = TRY(device_rules(resources.devices));
    if (v1_.has("devices")) TRY(v1_device_files(rules));
    return {};
  }

  V1 v1_;
  V2 v2_;
};

/// No cgroup of the container's own.
class Disabled final : public Cgroup {
 public:
  Result<void> create(const spec::Resources&) override { return {}; }
  Result<void> adopt(const spec::Resources&, pid_t) override { return {}; }
  Result<void> apply_limits(const spec::Resources& resources) override {
    if (!asks_for_limits(resources)) return {};
    return Error::invalid("linux.resources: no limit can be set, as cgroups are disabled");
  }
  Result<void> update(const spec::Resources&, const spec::Resources& wanted) override {
    return apply_limits(wanted);
  }
  void revert() override {}
  Result<void> delegate(uid_t) override { return {}; }
  Result<void> apply_devices(const spec::Resources&) override { return {}; }
  bool applies_devices_atomically() const override { return true; }
  Result<Fd> v2_directory() const override { return Fd(); }
  bool is_placed_by_clone() const override { return true; }
  Result<void> add(pid_t, bool) override { return {}; }
  Result<std::vector<pid_t>> processes() const override { return std::vector<pid_t>(); }
  Result<void> freeze(bool) override {
    return Error::invalid("the container cannot be frozen or thawed, as cgroups are disabled");
  }
  Result<bool> is_frozen() const override { return false; }
  MemoryEvents memory_events() const override { return {}; }
  Result<void> signal(int) override { return {}; }
  Result<void> release_killed() override { return {}; }
  Result<void> kill_all() override { return {}; }
  Result<void> remove() override { return {}; }
};

std::unique_ptr<Cgroup> open_directories(Paths paths) {
  const auto v2 = std::find_if(paths.directories.begin(), paths.directories.end(),
                               [](const auto& entry) { return entry.first.empty(); });
  if (v2 == paths.directories.end()) {
    if (paths.directories.empty()) return std::make_unique<Disabled>();
    return std::make_unique<V1>(paths.directories, paths.kept);
  }
  const bool stays =
      std::find(paths.kept.begin(), paths.kept.end(), v2->second) != paths.kept.end();
  V2 unified(v2->second, paths.path.rfind('/') == 0, stays);
  paths.directories.erase(v2);
  if (paths.directories.empty()) return std::make_unique<V2>(std::move(unified));
  return std::make_unique<Hybrid>(V1(paths.directories, paths.kept), std::move(unified));
}

}  // namespace

std::unique_ptr<Cgroup> open(Paths paths) {
  if (paths.unit.empty()) return open_directories(std::move(paths));
  auto files = open_directories(paths);
  return std::make_unique<Systemd>(paths, std::move(files), nullptr);
}

std::unique_ptr<Cgroup> open_planned(const Paths& paths, PlannedUnit planned) {
  auto files = open_directories(paths);
  return std::make_unique<Systemd>(paths, std::move(files),
                                   std::make_unique<PlannedUnit>(std::move(planned)));
}

}  // namespace skiff::cgroup
