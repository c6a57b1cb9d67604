#include "src/linux/cgroup/systemd.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/base/undo.h"
#include "src/linux/cgroup/directory.h"
#include "src/linux/cgroup/resources.h"
#include "src/spec/annotations.h"

namespace skiff::cgroup {
namespace {

/// The cgroup below the unit's that crun's annotation names, as "/name"; "" for none.
std::string subgroup(const spec::StringMap& annotations) {
  const std::string* name = spec::find(annotations, spec::kSubgroup);
  return name && !name->empty() ? "/" + *name : "";
}

/// Whether all controllers are in v2, whatever hierarchies of other names there are.
bool is_v2(const Paths& paths) {
  if (!paths.directories.back().first.empty()) return false;
  return std::all_of(paths.directories.begin(), paths.directories.end(), [](const auto& entry) {
    return entry.first.empty() || entry.first.starts_with("name=");
  });
}

/// How many processes the kernel has killed for want of memory, on this machine; 0 if unknown.
uint64_t all_oom_kills() {
  const auto counters = read_file(AT_FDCWD, "/proc/vmstat");
  return counters ? number_of(*counters, "oom_kill") : 0;
}

bool limits_memory(const spec::Resources& resources) {
  return (resources.memory && resources.memory->limit.value_or(-1) > 0) ||
         spec::find(resources.unified, "memory.max") != nullptr;
}

}  // namespace

Result<PlannedUnit> plan_unit(const Layout& layout, const spec::Spec& spec, const std::string& id,
                              Paths& paths) {
  PlannedUnit planned;
  planned.facts.is_user = systemd::caller().is_user;
  planned.unit = TRY(unit_from(spec.linux.cgroups_path, id, planned.facts.is_user));
  planned.requested = TRY(systemd::properties_from(spec.annotations));
  const std::string below = subgroup(spec.annotations);
  if (layout.kind == LayoutKind::None)
    return Error::invalid("linux.cgroupsPath: no cgroup hierarchy is mounted on this host");
  planned.manager = std::make_unique<systemd::Manager>(TRY(systemd::Manager::connect()));
  const systemd::Facts facts = TRY(planned.manager->facts());
  planned.facts.version = facts.version;
  planned.facts.v2 = layout.kind == LayoutKind::V2;
  planned.base = base_properties(planned.unit, id, planned.facts);
  const std::string unit = TRY(unit_path(planned.unit));
  paths.path = path::clean("/" + facts.control_group + unit + below);
  paths.unit = planned.unit.name;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    const std::string directory = path::clean(hierarchy.mount_point + paths.path);
    if (hierarchy.v2) paths.directories.emplace_back("", directory);
    for (const std::string& controller : hierarchy.controllers)
      paths.directories.emplace_back(controller, directory);
  }
  return planned;
}

Systemd::Systemd(const Paths& paths, std::unique_ptr<Cgroup> files,
                 std::unique_ptr<PlannedUnit> planned)
    : unit_(paths.unit), files_(std::move(files)), planned_(std::move(planned)) {
  if (paths.directories.empty()) return;
  paths_ = paths;
  paths_.unit.clear();
  directory_ = paths.directories.back().second;
  memory_directory_ = directory_;
  for (const auto& [controller, directory] : paths.directories)
    if (controller == "memory") memory_directory_ = directory;
  v2_ = is_v2(paths);
}

bool Systemd::is_user() const { return systemd::caller().is_user; }

Result<void> Systemd::create(const spec::Resources& resources) {
  resources_.emplace(resources);
  limits_ = TRY(limit_properties(resources, planned_->facts));
  return {};
}

Result<void> Systemd::adopt(const spec::Resources& resources, pid_t pid) {
  return files_->adopt(resources, pid);
}

// What is set before there is a unit is set by add().

Result<void> Systemd::apply_limits(const spec::Resources& resources) {
  return planned_ ? Result<void>() : files_->apply_limits(resources);
}

Result<void> Systemd::apply_devices(const spec::Resources& resources) {
  return planned_ ? Result<void>() : files_->apply_devices(resources);
}

bool Systemd::applies_devices_atomically() const {
  return !planned_ && files_->applies_devices_atomically();
}

Result<void> Systemd::delegate(uid_t owner) {
  if (!planned_) return files_->delegate(owner);
  owner_ = owner;
  return {};
}

Result<Fd> Systemd::v2_directory() const {
  // Nobody but root can be born beyond what is delegated to him.
  if (planned_ || is_user()) return Fd();
  return files_->v2_directory();
}

bool Systemd::is_placed_by_clone() const {
  return !planned_ && !is_user() && files_->is_placed_by_clone();
}

/// Whether what is there under the unit's name has gone, or will soon.
Result<bool> Systemd::make_way(const Error& error) {
  const std::string state = TRY(planned_->manager->state_of(unit_));
  if (state == "failed" || state == "active") {
    const auto pids = files_->processes();
    if (state == "active" && (!pids || !pids->empty() || planned_->unit.is_slice()))
      return Error::invalid("container's cgroup is not empty: {}", error.text());
    TRY(planned_->manager->stop(unit_));
  }
  return true;
}

Result<void> Systemd::start_unit(const systemd::Properties& properties) {
  // Of a container of the same name that ended a moment ago, or failed.
  const auto start = [&]() -> Result<bool> {
    auto started = planned_->manager->start(unit_, properties);
    made_ = started || !started.error().is(EEXIST);
    if (started) return true;
    if (made_) return std::move(started).error();
    TRY(make_way(started.error()));
    return false;
  };
  if (TRY(wait_until(start))) return {};
  return Error::invalid("systemd: unit {}: an older one of that name does not end", unit_);
}

Result<void> Systemd::start(pid_t pid) {
  systemd::Properties properties = planned_->base;
  const systemd::Value first =
      systemd::array("u", {systemd::unsigned32(static_cast<uint32_t>(pid))});
  if (!planned_->unit.is_slice()) set(properties, "PIDs", first);
  for (const systemd::Property& limit : limits_) set(properties, limit.name, limit.value);
  for (const systemd::Property& asked : planned_->requested)
    set(properties, asked.name, asked.value);
  oom_kills_ = limits_memory(*resources_) ? all_oom_kills() : 0;
  TRY(start_unit(properties));
  // Not those of an earlier attempt, whose directories went with it.
  files_ = open(paths_);
  auto adopted = files_->adopt(*resources_, pid);
  // The unit went with its only process.
  if (!adopted && Directory::is_absent(adopted.error()))
    return Error::received(ESRCH, adopted.error().text());
  TRY(std::move(adopted));
  TRY(files_->apply_limits(*resources_));
  auto filtered = files_->apply_devices(*resources_);
  // Users can load no program. They can make no device either, and open only what is theirs anyway.
  const bool is_filtered = filtered || !planned_->facts.is_user || !filtered.error().is(EPERM);
  if (is_filtered) TRY(std::move(filtered));
  if (owner_) TRY(files_->delegate(*owner_));
  return {};
}

Result<void> Systemd::add(pid_t pid, bool v2_too) {
  if (planned_) return start(pid).context("create cgroup");
  const bool user = is_user();
  auto added = files_->add(pid, v2_too || user);
  if (added || !user || !added.error().is(EACCES)) return added;
  // From where it is now only systemd can move it.
  const size_t at = directory_.find("/" + unit_);
  const std::string below = at == std::string::npos ? "" : directory_.substr(at + 1 + unit_.size());
  auto manager = TRY(systemd::Manager::connect());
  return manager.attach(unit_, below, pid);
}

Result<void> Systemd::update(const spec::Resources& present, const spec::Resources& wanted) {
  auto manager = TRY(systemd::Manager::connect());
  UnitFacts facts;
  facts.version = TRY(manager.facts()).version;
  facts.v2 = v2_;
  facts.is_user = is_user();
  const auto old = TRY(limit_properties(present, facts));
  const auto limits = TRY(limit_properties(wanted, facts));
  TRY(check_usage(wanted));
  before_ = changes(limits, old);
  resources_.emplace(present);
  const auto apply = [&]() -> Result<void> {
    auto set = manager.set(unit_, changes(old, limits));
    if (set) set = files_->update(present, wanted);
    if (!set) take_back(manager);
    return set;
  };
  return v2_ || present.devices == wanted.devices ? apply() : while_frozen(apply);
}

/// systemd replaces the device rules of v1 by denying everything first.
Result<void> Systemd::while_frozen(const std::function<Result<void>()>& action) {
  if (TRY(files_->is_frozen())) return action();
  TRY(files_->freeze(true));
  auto done = action();
  auto thawed = files_->freeze(false);
  return done ? std::move(thawed) : std::move(done);
}

/// systemd would take pages away until the limit fits, or have processes killed.
Result<void> Systemd::check_usage(const spec::Resources& wanted) const {
  if (!wanted.memory || !wanted.memory->check_before_update.value_or(false)) return {};
  const Directory directory(memory_directory_);
  const auto used = [&](const char* v2, const char* v1) {
    return std::max(number_in(directory, v2), number_in(directory, v1));
  };
  const int64_t memory = used("memory.current", "memory.usage_in_bytes");
  return check_memory_usage(
      *wanted.memory, {memory, std::max(memory + number_in(directory, "memory.swap.current"),
                                        number_in(directory, "memory.memsw.usage_in_bytes"))});
}

void Systemd::take_back(systemd::Manager& manager) {
  // What was noted in between is systemd's; the limits from before count in the end, as exactly as
  // they were written.
  files_->revert();
  if (!before_.empty()) (void)manager.set(unit_, before_);
  (void)files_->apply_limits(*resources_);
  before_.clear();
  resources_.reset();
}

void Systemd::revert() {
  if (planned_) {
    if (!made_) return;
    files_->revert();
    (void)stop();
    return;
  }
  if (!resources_) return;
  if (auto manager = systemd::Manager::connect()) take_back(*manager);
}

MemoryEvents Systemd::memory_events() const {
  const MemoryEvents events = files_->memory_events();
  // With its last process the cgroup went, and what it counted.
  if (events.limit_hits > 0 || !is_gone() || oom_kills_ == all_oom_kills()) return events;
  return {1, 1};
}

bool Systemd::is_gone() const {
  return made_ && resources_ && limits_memory(*resources_) && !Directory(directory_).fd();
}

Result<void> Systemd::stop() {
  auto manager = systemd::Manager::connect();
  if (manager) return manager->stop(unit_);
  // Without processes the unit goes of itself, once systemd is there again.
  log::warn("{}: stop unit {}, ignoring", manager.error().text(), unit_);
  return {};
}

Result<void> Systemd::kill_all() {
  // What lives under the unit's name was there before.
  return is_others() ? Result<void>() : files_->kill_all();
}

Result<void> Systemd::remove() {
  TRY(files_->remove());
  TRY(stop());
  // With a cgroup below the unit's, the unit's own in the hierarchies of v1 that systemd does not
  // use.
  for (const auto& [controller, directory] : paths_.directories)
    if (!directory.ends_with("/" + unit_)) ::rmdir(path::parent(directory).c_str());
  return {};
}

}  // namespace skiff::cgroup
