#include "src/linux/cgroup/v1.h"

#include <signal.h>

#include <algorithm>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/base/undo.h"
#include "src/linux/cgroup/device_filter.h"
#include "src/linux/cgroup/processes.h"
#include "src/linux/cgroup/resources.h"

namespace skiff::cgroup {
namespace {

constexpr const char* kFreezerState = "freezer.state";
/// Rounds of waiting after which a freezer that is stuck half-way is thawed once.
constexpr int kRoundsBeforeThaw = 50;
/// How long kill_all() tries to freeze, in writes; what escapes meets the next round.
constexpr int kFreezeAttempts = 10;

/// cpusets start out empty, and an empty one takes no process: copies what the parent has
/// into `level` below `directory`, parents first where those are empty too.
Result<void> fill_cpuset(const Directory& directory, const std::string& level,
                         const std::string& file) {
  const std::string own = level + "/" + file;
  const std::string present = TRY(directory.read(own).context("cgroup {}", directory.path()));
  if (!text::trim(present).empty()) return {};
  const std::string above = level == "." ? ".." : level + "/..";
  TRY(fill_cpuset(directory, above, file));
  const std::string parent = TRY(directory.read(above + "/" + file));
  return directory.write(own, text::trim(parent)).context("cgroup {}", directory.path());
}

/// Microseconds of real-time in a period of as many.
struct RealTime {
  int64_t runtime;
  int64_t period;
};

/// Gives `level` so much more real-time that a cgroup below can have `wanted`, and those
/// above it likewise where they have not enough. The topmost one, the machine's, stays.
Result<void> make_realtime_room(const Directory& level, const RealTime& wanted, Journal& journal) {
  constexpr const char* kRuntime = "cpu.rt_runtime_us";
  const bool topmost = !level.read("../cpu.rt_runtime_us");
  if (topmost) return {};
  const RealTime present = {
      text::parse_signed(text::trim(TRY(level.read(kRuntime)))).value_or(0),
      text::parse_signed(text::trim(TRY(level.read("cpu.rt_period_us")))).value_or(1)};
  const int64_t more = (wanted.runtime * present.period + wanted.period - 1) / wanted.period;
  const std::string value = fmt::to_string(present.runtime + more);
  journal.note(level, kRuntime, value);
  auto written = level.write(kRuntime, value);
  if (written || !written.error().is(EINVAL)) return written;
  TRY(make_realtime_room(Directory(path::parent(level.path())), wanted, journal));
  return level.write(kRuntime, value);
}

/// The kernel would take pages away until the limit fits, or fail (config-linux.md#memory).
Result<void> check_usage(const Directory& cgroup, const spec::Resources& resources) {
  const spec::Memory memory = resources.memory.value_or(spec::Memory());
  if (!memory.check_before_update.value_or(false)) return {};
  return check_memory_usage(memory, {number_in(cgroup, "memory.usage_in_bytes"),
                                     number_in(cgroup, "memory.memsw.usage_in_bytes")});
}

Result<bool> state_is(const Directory& freezer, std::string_view state) {
  return text::trim(TRY(freezer.read(kFreezerState))) == state;
}

}  // namespace

V1::V1(const std::vector<std::pair<std::string, std::string>>& directories,
       const std::vector<std::string>& kept) {
  for (const auto& [controller, path] : directories) {
    size_t place = 0;
    while (place < directories_.size() && directories_[place].path() != path) ++place;
    if (place == directories_.size()) {
      const bool stays = std::find(kept.begin(), kept.end(), path) != kept.end();
      directories_.emplace_back(path, stays);
    }
    controllers_.push_back(controller);
    places_.push_back(place);
  }
}

const Directory* V1::find(std::string_view controller) const {
  const auto found = std::find(controllers_.begin(), controllers_.end(), controller);
  if (found == controllers_.end()) return nullptr;
  return &directories_[places_[static_cast<size_t>(found - controllers_.begin())]];
}

Result<std::vector<Need>> V1::needs(const spec::Resources& resources) const {
  const auto files = TRY(v1_files(resources));
  auto needed = controllers_needed(files);
  // Without it the rules would be ignored, and the container could open any device.
  if (!resources.devices.empty()) needed.push_back({"devices", "linux.resources.devices"});
  const auto rules = TRY(device_rules(resources.devices));
  if (has("devices")) TRY(v1_device_files(rules));
  return needed;
}

Result<void> V1::create(const spec::Resources& resources) { return make(TRY(needs(resources))); }

Result<void> V1::adopt(const spec::Resources& resources, pid_t pid) {
  const auto needed = TRY(needs(resources));
  TRY(make(needed, true));
  return add(pid, true);
}

Result<void> V1::make(const std::vector<Need>& needed, bool inhabited) {
  for (const Need& need : needed)
    if (!has(need.controller))
      return Error::invalid("{}: the cgroup v1 controller \"{}\" is not mounted", need.field,
                            need.controller);
  Undo undo([&] { revert(); });
  for (Directory& directory : directories_)
    if (!TRY(directory.make()) && !inhabited) TRY(check_reusable(directory));
  TRY(check_parent_freezer());
  if (const Directory* cpuset = find("cpuset")) {
    TRY(fill_cpuset(*cpuset, ".", "cpuset.cpus"));
    TRY(fill_cpuset(*cpuset, ".", "cpuset.mems"));
  }
  undo.keep();
  return {};
}

bool V1::has_controllers() const {
  return std::any_of(controllers_.begin(), controllers_.end(),
                     [](const std::string& name) { return !name.starts_with("name="); });
}

Result<void> V1::delegate(uid_t owner) {
  if (has_controllers()) return {};
  for (const Directory& directory : directories_)
    TRY(directory.give_to(owner, "cgroup.procs\ntasks"));
  return {};
}

std::vector<std::string> V1::found() const {
  std::vector<std::string> found;
  for (const Directory& directory : directories_) directory.tell_if_found(found);
  return found;
}

void V1::revert() {
  for (Directory& directory : directories_) {
    if (!directory.is_new()) continue;
    (void)wait_until([&] { return directory.remove_tree(); });
    directory.unmake();
  }
  for (const FileValue& file : old_devices_) (void)write_file(file.file, file.value);
  old_devices_.clear();
  journal_.restore();
}

Result<void> V1::check_reusable(const Directory& directory) const {
  const auto pids = TRY(directory.processes());
  if (!pids.empty())
    return Error::invalid("cgroup {}: container's cgroup is not empty: {} process(es) found",
                          directory.path(), pids.size());
  if (find("freezer") == &directory && TRY(is_frozen()))
    return Error::invalid("cgroup {}: container's cgroup is frozen", directory.path())
        .with_hint("write THAWED to its freezer.state, or remove it");
  return {};
}

/// A process born below a frozen cgroup would never get to run.
Result<void> V1::check_parent_freezer() const {
  const Directory* freezer = find("freezer");
  if (!freezer) return {};
  const auto state = freezer->read(std::string("../") + kFreezerState);
  if (!state || text::trim(*state) == "THAWED") return {};  // the topmost cgroup has no freezer
  return Error::invalid("cgroup {}: the cgroup above it is frozen", freezer->path());
}

Result<void> V1::update(const spec::Resources& present, const spec::Resources& wanted) {
  Undo undo([&] { revert(); });
  TRY(write_limits(present, wanted));
  TRY(update_devices(present, wanted));
  undo.keep();
  return {};
}

Result<void> V1::write_limits(const spec::Resources& present, const spec::Resources& wanted) {
  const auto old = TRY(v1_files(present));
  auto files = TRY(v1_files(wanted));
  std::erase_if(files, [&](const FileValue& file) {
    const Directory* directory = find(controller_of(file.file));
    return directory && holds_already(*directory, file, old);
  });
  if (const Directory* memory = find("memory")) TRY(check_usage(*memory, wanted));
  return write_in_workable_order(files, [&](const FileValue& file) { return write(file); });
}

Result<void> V1::write(const FileValue& file) {
  const Directory* directory = find(controller_of(file.file));
  if (!directory && file.may_be_absent) return {};
  if (!directory)
    return Error::invalid("the cgroup v1 controller \"{}\" is not mounted",
                          controller_of(file.file));
  TRY(directory->fd());  // from here on ENOENT means the file
  auto written = write_either(file, [&](const std::string& name, const std::string& value) {
    return write_file(name, value);
  });
  if (written || !written.error().is(ENOENT)) return written;
  if (file.may_be_absent) return {};
  return std::move(written).error().with_hint("this kernel does not have the file");
}

Result<void> V1::write_file(const std::string& file, const std::string& value) {
  const Directory& directory = *find(controller_of(file));
  const std::string name = file.substr(file.find('/') + 1);
  if (!directory.is_new() && controller_of(file) != "devices")
    journal_.note(directory, name, value);
  auto written = directory.write(name, value);
  if (written || !written.error().is(EINVAL) || name != "cpu.rt_runtime_us") return written;
  return write_realtime(directory, value);
}

/// EINVAL: the cgroups above have no real-time left to give. They get what is missing.
Result<void> V1::write_realtime(const Directory& cpu, const std::string& value) {
  auto made_room = [&]() -> Result<void> {
    const std::string period = TRY(cpu.read("cpu.rt_period_us"));
    const RealTime wanted = {text::parse_signed(value).value_or(0),
                             text::parse_signed(text::trim(period)).value_or(1)};
    TRY(make_realtime_room(Directory(path::parent(cpu.path())), wanted, journal_));
    return cpu.write("cpu.rt_runtime_us", value);
  }();
  if (made_room || !made_room.error().is(EINVAL)) return made_room;
  return std::move(made_room).error().with_hint(
      "the cgroups above it have not as much cpu.rt_runtime_us left");
}

Result<void> V1::apply_devices(const spec::Resources& resources) {
  const auto rules = TRY(device_rules(resources.devices));
  const Directory* devices = find("devices");
  if (!devices) return {};  // create() refused configured rules
  // A new cgroup allows what the one above it does, and more cannot be given.
  if (devices->is_new() && allows_everything(rules)) return {};
  const auto files = TRY(v1_device_files(rules));
  if (!devices->is_new()) old_devices_ = v1_device_restoring(TRY(devices->read("devices.list")));
  for (const FileValue& file : files) TRY(write(file).context("{}", file.field));
  return {};
}

Result<void> V1::update_devices(const spec::Resources& present, const spec::Resources& wanted) {
  if (present.devices == wanted.devices) return {};
  if (!find("devices"))
    return Error::invalid(
        "linux.resources.devices: the cgroup v1 controller \"devices\" is not mounted");
  const auto old = TRY(device_rules(present.devices));
  const auto rules = TRY(device_rules(wanted.devices));
  const auto files = TRY(v1_device_changes(old, rules));
  // Partly done counts as done: what was not changed is written once more as it was.
  old_devices_ = TRY(v1_device_changes(rules, old));
  for (const FileValue& file : files) TRY(write(file).context("{}", file.field));
  return {};
}

Result<void> V1::add(pid_t pid, bool) {
  for (const Directory& directory : directories_)
    TRY(directory.write("cgroup.procs", fmt::to_string(pid))
            .context("add process {} to cgroup {}", pid, directory.path()));
  return {};
}

/// All hierarchies hold the same processes; those that guard them come first.
const Directory& V1::representative() const {
  for (const char* controller : {"freezer", "devices", "memory", "pids"})
    if (const Directory* directory = find(controller)) return *directory;
  return directories_.front();
}

Result<std::vector<pid_t>> V1::processes() const { return representative().processes(); }

MemoryEvents V1::memory_events() const {
  const Directory* memory = find("memory");
  if (!memory) return {};
  MemoryEvents events;
  events.limit_hits = static_cast<uint64_t>(number_in(*memory, "memory.failcnt"));
  const auto control = memory->read("memory.oom_control");  // "oom_kill N" since Linux 4.13
  if (control) events.oom_kills = number_of(*control, "oom_kill");
  return events;
}

Result<void> V1::freeze(bool frozen) {
  const Directory* freezer = find("freezer");
  if (!freezer) return Error::invalid("the cgroup v1 controller \"freezer\" is not mounted");
  const char* state = frozen ? "FROZEN" : "THAWED";
  if (!frozen) TRY(thaw_tree());  // what froze itself below, too
  int rounds = 0;
  const auto reached = [&]() -> Result<bool> {
    // FREEZING can last for ever if a task slipped in meanwhile: the state is written again
    // each time, after a thaw now and then that lets tasks get where they can be frozen.
    if (frozen && ++rounds % kRoundsBeforeThaw == 0) TRY(freezer->write(kFreezerState, "THAWED"));
    TRY(freezer->write(kFreezerState, state));
    if (TRY(state_is(*freezer, state))) return true;
    // Thawing takes effect at once, unless something above holds it.
    if (!frozen && text::trim(TRY(freezer->read("freezer.parent_freezing"))) == "1")
      return Error::invalid("stays frozen as long as a cgroup above it is");
    return false;
  };
  if (TRY(wait_until(reached).context("cgroup {}", freezer->path()))) return {};
  if (!frozen) return Error::from_code(ETIMEDOUT, "thaw cgroup {}", freezer->path());
  (void)freezer->write(kFreezerState, "THAWED");
  return Error::from_code(ETIMEDOUT, "freeze cgroup {}: {}", freezer->path(),
                          describe(TRY(freezer->processes())));
}

Result<bool> V1::is_frozen() const {
  const Directory* freezer = find("freezer");
  if (!freezer) return false;
  const auto state = freezer->peek(kFreezerState);
  if (!state && Directory::is_absent(state.error())) return false;
  if (!state) return state.error();
  return text::trim(*state) != "THAWED";  // FROZEN, or FREEZING: on the way there
}

Result<void> V1::thaw_tree() const {
  const Directory* freezer = find("freezer");
  if (!freezer) return {};
  return freezer->write_everywhere(kFreezerState, "THAWED");
}

/// Frozen, so that no fork escapes the listing; thawed after, as only then SIGKILL is met.
Result<void> V1::signal_all(const Directory& directory) const {
  if (const Directory* freezer = find("freezer"))
    for (int attempt = 0; attempt < kFreezeAttempts; ++attempt) {
      if (!freezer->write(kFreezerState, "FROZEN")) break;
      if (const auto frozen = state_is(*freezer, "FROZEN"); !frozen || *frozen) break;
    }
  auto killed = signal_processes(directory, SIGKILL);
  TRY(thaw_tree());
  return killed;
}

Result<void> V1::signal(int signal) { return signal_processes(representative(), signal); }

Result<void> V1::kill_all() {
  std::vector<pid_t> left;
  const auto kill = [&]() -> Result<bool> {
    left = TRY(processes());
    if (left.empty()) return true;
    const Directory* freezer = find("freezer");
    TRY(signal_all(freezer ? *freezer : directories_.front()));
    return false;
  };
  if (TRY(wait_until(kill).context("kill cgroup"))) return {};
  return Error::from_code(ETIMEDOUT, "kill cgroup {}: {}", directories_.front().path(),
                          describe(left));
}

Result<void> V1::remove() {
  const Directory* busy = nullptr;
  bool kills = false;  // not at first: what was waited for may still be on its way out
  const auto remove = [&]() -> Result<bool> {
    busy = nullptr;
    for (Directory& directory : directories_) {
      if (TRY(directory.remove_tree())) continue;
      busy = &directory;
      if (kills) TRY(signal_all(directory));
    }
    kills = true;
    return busy == nullptr;
  };
  if (TRY(wait_until(remove))) return {};
  return Error::from_code(EBUSY, "remove cgroup {}: used by {}", busy->path(),
                          describe(TRY(busy->processes())));
}

}  // namespace skiff::cgroup
