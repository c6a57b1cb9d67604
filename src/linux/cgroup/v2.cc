#include "src/linux/cgroup/v2.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/base/undo.h"
#include "src/linux/cgroup/device_attach.h"
#include "src/linux/cgroup/device_filter.h"
#include "src/linux/cgroup/processes.h"
#include "src/linux/cgroup/resources.h"

namespace skiff::cgroup {
namespace {

using Names = std::vector<std::string>;

/// What statistics are read from, wanted even without limits.
const Names& accounting_controllers() {
  static const Names names = {"cpu", "cpuset", "io", "memory", "pids"};
  return names;
}

bool has(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Names words(std::string_view line) {
  Names found;
  for (const std::string_view word : text::split(text::trim(line), ' '))
    if (!word.empty()) found.emplace_back(word);
  return found;
}

Names without(const Names& names, const Names& removed) {
  Names kept;
  for (const std::string& name : names)
    if (!has(removed, name)) kept.push_back(name);
  return kept;
}

Names both(const Names& names, const Names& others) {
  return without(names, without(names, others));
}

/// "+cpu +memory"
std::string additions(const Names& controllers) {
  std::string text;
  for (const std::string& controller : controllers)
    text += (text.empty() ? "+" : " +") + controller;
  return text;
}

Names names_of(const std::vector<Need>& needs) {
  Names names;
  for (const Need& need : needs) names.push_back(need.controller);
  return names;
}

const char* hint_for(const Error& error) {
  if (error.is(EBUSY))
    return "a cgroup with processes of its own gives its children no controllers";
  if (error.is(EOPNOTSUPP)) return "its cgroup.type is threaded";
  if (error.is(EINVAL)) return "real-time processes on the host can forbid the cpu controller";
  return nullptr;
}

/// Controllers that are to be enabled from the top of the mount down to a cgroup.
struct Climb {
  Names levels;     // "..", "../..", … upwards
  Names available;  // at the last of them
  std::string top;  // its path
};

/// Walks up until all of `missing` are available, or `limit` levels or the mount are left behind.
Result<Climb> climb(const Directory& directory, const Names& missing, size_t limit) {
  Climb climb;
  climb.top = directory.path();
  std::string level;
  while (climb.levels.size() < limit && !without(missing, climb.available).empty()) {
    level += level.empty() ? ".." : "/..";
    const auto listed = directory.read(level + "/cgroup.controllers");
    if (!listed && listed.error().is(ENOENT)) break;  // above the mount point
    if (!listed) return listed.error();
    climb.available = words(*listed);
    climb.top = path::parent(climb.top);
    climb.levels.push_back(level);
  }
  return climb;
}

}  // namespace

Result<std::vector<Need>> v2_needs(const spec::Resources& resources) {
  auto files = TRY(v2_files(resources));
  auto unified = unified_files(resources.unified);
  std::move(unified.begin(), unified.end(), std::back_inserter(files));
  return controllers_needed(files);
}

Result<void> V2::create(const spec::Resources& resources) {
  TRY(device_rules(resources.devices));
  const auto needed = TRY(v2_needs(resources));
  return make(needed, true);
}

Result<void> V2::make(const std::vector<Need>& needed, bool counts) {
  const bool is_new = TRY(directory_.make());
  Undo undo([&] { directory_.unmake(); });
  if (!is_new) TRY(check_reusable());
  // Nothing right below the top can be in a threaded or frozen cgroup, so that a new one need
  // not be asked.
  if (!is_new || !at_top_) TRY(check_type());
  if (is_new && !at_top_) TRY(check_not_frozen());
  TRY(enable(needed, counts ? accounting_controllers() : Names()));
  undo.keep();
  return {};
}

Result<void> V2::adopt(const spec::Resources& resources, pid_t pid) {
  TRY(device_rules(resources.devices));
  return make_around(pid, TRY(v2_needs(resources)), true);
}

Result<void> V2::make_around(pid_t pid, const std::vector<Need>& needed, bool counts) {
  TRY(directory_.make());
  TRY(add(pid, true));
  return enable(needed, counts ? accounting_controllers() : Names());
}

std::vector<std::string> V2::found() const {
  std::vector<std::string> found;
  directory_.tell_if_found(found);
  return found;
}

void V2::revert() {
  if (directory_.is_new()) {
    (void)wait_until([&] { return directory_.remove_tree(); });
    directory_.unmake();
  } else if (attached_) {
    if (const auto fd = directory_.fd()) (void)take_back(*fd, *attached_);
  }
  attached_.reset();
  journal_.restore();
}

Result<void> V2::check_reusable() const {
  const std::string events = TRY(directory_.read("cgroup.events"));
  if (number_of(events, "populated") != 0) {
    const auto pids = TRY(processes());
    return Error::invalid("cgroup {}: container's cgroup is not empty: {} process(es) found",
                          directory_.path(), pids.size());
  }
  return check_not_frozen();
}

/// A process born in a frozen cgroup would never get to run.
Result<void> V2::check_not_frozen() const {
  if (number_of(TRY(directory_.read("cgroup.events")), "frozen") == 0) return {};
  return Error::invalid("cgroup {}: container's cgroup is frozen", directory_.path())
      .with_hint("write 0 to its cgroup.freeze, or to that of the cgroup above it that is frozen");
}

Result<void> V2::check_type() const {
  const auto content = directory_.read("cgroup.type");
  if (!content && content.error().is(ENOENT)) return {};  // before Linux 4.14
  if (!content) return content.error();
  const std::string_view type = text::trim(*content);
  if (type == "domain" || type == "domain threaded") return {};
  return Error::invalid("cgroup {}: its cgroup.type is {}, which cannot hold a container",
                        directory_.path(), text::quote(type))
      .with_hint("choose a path outside threaded cgroups");
}

Result<void> V2::enable(const std::vector<Need>& needed, const Names& wanted) const {
  if (needed.empty() && wanted.empty()) return {};
  const Names present = words(TRY(directory_.read("cgroup.controllers")));
  const Names missing = without(names_of(needed), present);
  const Names welcome = without(without(wanted, names_of(needed)), present);
  if (missing.empty() && welcome.empty()) return {};

  // What is only welcome is not worth a climb beyond the parents that this object made.
  const size_t limit = missing.empty() ? directory_.new_parents() + 1 : SIZE_MAX;
  Names all = missing;
  all.insert(all.end(), welcome.begin(), welcome.end());
  const Climb found = TRY(climb(directory_, all, limit));
  for (const Need& need : needed)
    if (has(without(missing, found.available), need.controller))
      return Error::invalid("{}: controller \"{}\" is not available in {}", need.field,
                            need.controller, found.top);

  for (auto level = found.levels.rbegin(); level != found.levels.rend(); ++level) {
    const std::string file = *level + "/cgroup.subtree_control";
    for (const Need& need : needed) {
      if (!has(missing, need.controller)) continue;
      auto written = directory_.write(file, "+" + need.controller);
      if (written) continue;
      const char* hint = hint_for(written.error());
      Error error = Error::from_code(
          written.error().code(), "{}: enable controller \"{}\" for the cgroups below {}",
          need.field, need.controller, path::clean(directory_.path() + "/" + *level));
      return hint ? std::move(error).with_hint(hint) : std::move(error);
    }
    // Statistics are worth an attempt, not a failure: all at once, else each alone.
    const Names extra = both(welcome, found.available);
    if (!extra.empty() && !directory_.write(file, additions(extra)))
      for (const std::string& controller : extra) (void)directory_.write(file, "+" + controller);
  }
  return {};
}

Result<void> V2::update(const spec::Resources& present, const spec::Resources& wanted) {
  Undo undo([&] { revert(); });
  TRY(write_limits(present, wanted));
  if (present.devices != wanted.devices) TRY(apply_devices(wanted));
  undo.keep();
  return {};
}

Result<void> V2::write_limits(const spec::Resources& present, const spec::Resources& wanted) {
  const auto old = TRY(v2_files(present));
  const auto files = TRY(v2_files(wanted));
  const auto unified = unified_files(wanted.unified);
  if (files.empty() && unified.empty()) return {};
  TRY(directory_.fd());  // from here on ENOENT means a file
  TRY(check_usage(wanted));
  TRY(write_files(old, files));
  return write_files(unified_files(present.unified), unified);
}

Result<void> V2::write_files(const std::vector<FileValue>& present,
                             const std::vector<FileValue>& wanted) {
  std::vector<FileValue> files = wanted;
  std::erase_if(files,
                [&](const FileValue& file) { return holds_already(directory_, file, present); });
  return write_in_workable_order(files, [&](const FileValue& file) { return write(file); });
}

/// The kernel would call the OOM killer until the limit fits (config-linux.md#memory).
Result<void> V2::check_usage(const spec::Resources& resources) const {
  const spec::Memory memory = resources.memory.value_or(spec::Memory());
  if (!memory.check_before_update.value_or(false)) return {};
  const int64_t used = number_in(directory_, "memory.current");
  return check_memory_usage(memory, {used, used + number_in(directory_, "memory.swap.current")});
}

Result<void> V2::write(const FileValue& file) {
  const auto write = [&](const std::string& name, const std::string& value) {
    if (!directory_.is_new()) journal_.note(directory_, name, value);
    return directory_.write(name, value);
  };
  auto written = write_either(file, write);
  if (written || !written.error().is(ENOENT)) return written;
  if (file.may_be_absent) return {};
  // A limit set later than create(): its controller may not have been asked for then.
  TRY(enable(controllers_needed({file}), {}));
  written = write_either(file, write);
  if (!written && written.error().is(ENOENT))
    return std::move(written).error().with_hint("this kernel does not have the file");
  return written;
}

Result<void> V2::apply_devices(const spec::Resources& resources) {
  const auto rules = TRY(device_rules(resources.devices));
  const bool first = directory_.is_new() && !attached_;
  if (first && allows_everything(rules)) return {};
  const auto set = [&]() -> Result<DeviceAttachment> {
    const int fd = TRY(directory_.fd());
    if (allows_everything(rules)) return detach_device_program(fd);
    return attach_device_program(fd, device_program(rules),
                                 first ? Attachment::First : Attachment::Replace);
  };
  attached_ = TRY(set().context("linux.resources.devices: cgroup {}", directory_.path()));
  return {};
}

Result<void> V2::delegate(uid_t owner) {
  // Before Linux 4.15 the kernel does not tell; its documentation names these.
  const auto told = read_file(AT_FDCWD, "/sys/kernel/cgroup/delegate");
  return directory_.give_to(owner,
                            told ? *told : "cgroup.procs\ncgroup.threads\ncgroup.subtree_control");
}

Result<Fd> V2::v2_directory() const {
  Fd copy(::fcntl(TRY(directory_.fd()), F_DUPFD_CLOEXEC, 0));
  if (!copy) return Error::from_errno("open cgroup {}", directory_.path());
  return copy;
}

Result<void> V2::add(pid_t pid, bool v2_too) {
  if (!v2_too) return {};
  return directory_.write("cgroup.procs", fmt::to_string(pid))
      .context("add process {} to cgroup {}", pid, directory_.path());
}

Result<bool> V2::reads_frozen() const {
  return number_of(TRY(directory_.read("cgroup.events")), "frozen") != 0;
}

Result<void> V2::thaw_tree() const {
  TRY(directory_.write("cgroup.freeze", "0"));
  return directory_.write_everywhere("cgroup.freeze", "0");
}

bool V2::has_frozen_ancestor() const {
  for (std::string level = "..";; level += "/..") {
    const auto frozen = directory_.read(level + "/cgroup.freeze");
    if (!frozen) return false;  // the root, which has no freezer, or above the mount
    if (text::trim(*frozen) == "1") return true;
  }
}

Result<void> V2::freeze(bool frozen) {
  // What froze itself further down is thawed with the rest.
  auto written = frozen ? directory_.write("cgroup.freeze", "1") : thaw_tree();
  if (!written && written.error().is(ENOENT) && TRY(directory_.fd()) >= 0)
    return Error::invalid("cgroup {}: no cgroup.freeze", directory_.path())
        .with_hint("freezing in cgroup v2 needs Linux 5.2");
  TRY(std::move(written).context("cgroup {}", directory_.path()));
  const auto is_reached = [&]() -> Result<bool> {
    if (TRY(reads_frozen()) == frozen) return true;
    if (!frozen && has_frozen_ancestor())
      return Error::invalid("cgroup {}: stays frozen as long as a cgroup above it is",
                            directory_.path());
    return false;
  };
  if (TRY(wait_until(is_reached))) return {};
  if (!frozen) return Error::from_code(ETIMEDOUT, "thaw cgroup {}", directory_.path());
  (void)directory_.write("cgroup.freeze", "0");
  return Error::from_code(ETIMEDOUT, "freeze cgroup {}: {}", directory_.path(),
                          describe(TRY(processes())));
}

Result<bool> V2::is_frozen() const {
  const auto events = directory_.peek("cgroup.events");
  if (!events && Directory::is_absent(events.error())) return false;
  if (!events) return events.error();
  return number_of(*events, "frozen") != 0;
}

/// Without cgroup.kill (before Linux 5.14): frozen, so that no fork escapes the listing.
Result<void> V2::signal_all() const {
  const bool freezes = static_cast<bool>(directory_.write("cgroup.freeze", "1"));
  auto killed = signal_processes(directory_, SIGKILL);
  // Killed processes end although frozen; a freezer further down must not hold up the next round.
  if (freezes) TRY(directory_.write_everywhere("cgroup.freeze", "0"));
  return killed;
}

Result<void> V2::signal(int signal) { return signal_processes(directory_, signal); }

MemoryEvents V2::memory_events() const {
  const auto events = directory_.read("memory.events");
  if (!events) return {};
  return {number_of(*events, "max"), number_of(*events, "oom_kill")};
}

Result<void> V2::kill_all() {
  const auto kill = [&]() -> Result<bool> {
    const auto events = directory_.read("cgroup.events");
    if (!events && Directory::is_absent(events.error())) return true;
    if (!events) return events.error();
    if (number_of(*events, "populated") == 0) return true;
    auto killed = directory_.write("cgroup.kill", "1");
    // Removed meanwhile, as systemd does as soon as nobody is in it.
    if (!killed && killed.error().is(ENODEV)) return true;
    // EOPNOTSUPP: a threaded cgroup.
    if (!killed && (killed.error().is(ENOENT) || killed.error().is(EOPNOTSUPP)))
      killed = signal_all();
    if (!killed) return std::move(killed).error();
    return false;
  };
  if (TRY(wait_until(kill).context("kill cgroup {}", directory_.path()))) return {};
  return Error::from_code(ETIMEDOUT, "kill cgroup {}: {}", directory_.path(),
                          describe(TRY(processes())));
}

Result<void> V2::remove() {
  bool kills = false;  // not at first: what was waited for may still be on its way out
  const auto remove = [&]() -> Result<bool> {
    if (TRY(directory_.remove_tree())) return true;
    if (std::exchange(kills, true)) TRY(kill_all());
    return false;
  };
  if (TRY(wait_until(remove))) return {};
  return Error::from_code(EBUSY, "remove cgroup {}: used by {}", directory_.path(),
                          describe(TRY(processes())));
}

}  // namespace skiff::cgroup
