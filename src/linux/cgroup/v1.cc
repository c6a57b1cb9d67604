#include "src/linux/cgroup/v1.h"

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

Result<bool> state_is(const Directory& freezer, std::string_view state) {
  return text::trim(TRY(freezer.read(kFreezerState))) == state;
}

}  // namespace

V1::V1(const std::vector<std::pair<std::string, std::string>>& directories) {
  for (const auto& [controller, path] : directories) {
    size_t place = 0;
    while (place < directories_.size() && directories_[place].path() != path) ++place;
    if (place == directories_.size()) directories_.emplace_back(path);
    controllers_.push_back(controller);
    places_.push_back(place);
  }
}

const Directory* V1::find(std::string_view controller) const {
  const auto found = std::find(controllers_.begin(), controllers_.end(), controller);
  if (found == controllers_.end()) return nullptr;
  return &directories_[places_[static_cast<size_t>(found - controllers_.begin())]];
}

Result<void> V1::create(const spec::Resources& resources) {
  const auto files = TRY(v1_files(resources));
  auto needed = controllers_needed(files);
  // Without it the rules would be ignored, and the container could open any device.
  if (!resources.devices.empty()) needed.emplace_back("devices");
  const auto rules = TRY(device_rules(resources.devices));
  if (has("devices")) TRY(v1_device_files(rules));
  return make(needed);
}

Result<void> V1::make(const std::vector<std::string>& needed) {
  for (const std::string& controller : needed)
    if (!has(controller))
      return Error::invalid("{}: the cgroup v1 controller \"{}\" is not mounted",
                            field_of(controller), controller);
  Undo undo([&] { unmake(); });
  for (Directory& directory : directories_)
    if (!TRY(directory.make())) TRY(check_reusable(directory));
  if (const Directory* cpuset = find("cpuset")) {
    TRY(fill_cpuset(*cpuset, ".", "cpuset.cpus"));
    TRY(fill_cpuset(*cpuset, ".", "cpuset.mems"));
  }
  undo.keep();
  return {};
}

void V1::unmake() {
  for (Directory& directory : directories_) directory.unmake();
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

Result<void> V1::apply_limits(const spec::Resources& resources) {
  const auto files = TRY(v1_files(resources));
  return write_in_workable_order(files, [&](const FileValue& file) { return write(file); });
}

Result<void> V1::write(const FileValue& file) const {
  const Directory* directory = find(controller_of(file));
  if (!directory && file.may_be_absent) return {};
  if (!directory)
    return Error::invalid("the cgroup v1 controller \"{}\" is not mounted", controller_of(file));
  TRY(directory->fd());  // from here on ENOENT means the file
  auto written = directory->write(file.file.substr(file.file.find('/') + 1), file.value);
  if (written || !written.error().is(ENOENT)) {
    if (!written && written.error().is(EINVAL) && file.file == "cpu/cpu.rt_runtime_us")
      return std::move(written).error().with_hint(
          "every cgroup above needs a cpu.rt_runtime_us that leaves as much");
    return written;
  }
  if (file.may_be_absent) return {};
  return std::move(written).error().with_hint("this kernel does not have the file");
}

Result<void> V1::apply_devices(const spec::Resources& resources) {
  const auto rules = TRY(device_rules(resources.devices));
  const Directory* devices = find("devices");
  if (!devices) return {};  // create() refused configured rules
  // A new cgroup allows what the one above it does, and more cannot be given.
  if (devices->is_new() && allows_everything(rules)) return {};
  const auto files = TRY(v1_device_files(rules));
  for (const FileValue& file : files) TRY(write(file).context("{}", file.field));
  return {};
}

Result<void> V1::add(pid_t pid, bool) {
  for (const Directory& directory : directories_)
    TRY(directory.write("cgroup.procs", fmt::to_string(pid))
            .context("add process {} to cgroup {}", pid, directory.path()));
  return {};
}

Result<std::vector<pid_t>> V1::processes() const {
  // All hierarchies hold the same processes; those that guard them come first.
  for (const char* controller : {"freezer", "devices", "memory", "pids"})
    if (const Directory* directory = find(controller)) return directory->processes();
  if (directories_.empty()) return std::vector<pid_t>();
  return directories_.front().processes();
}

Result<void> V1::freeze(bool frozen) {
  const Directory* freezer = find("freezer");
  if (!freezer) return Error::invalid("the cgroup v1 controller \"freezer\" is not mounted");
  const char* state = frozen ? "FROZEN" : "THAWED";
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
  const auto thawed = state_is(*freezer, "THAWED");
  if (!thawed && Directory::is_absent(thawed.error())) return false;
  if (!thawed) return thawed.error();
  return !*thawed;  // FROZEN, or FREEZING: on the way there
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
  auto killed = kill_processes(directory);
  TRY(thaw_tree());
  return killed;
}

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
