#include "src/linux/cgroup/v2.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
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

/// The value of a line such as "frozen 1" in a flat-keyed file.
bool is_one(std::string_view content, std::string_view key) {
  for (const std::string_view line : text::split(content, '\n'))
    if (line.starts_with(key) && line.substr(key.size()) == " 1") return true;
  return false;
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

Result<void> V2::create(const spec::Resources& resources) {
  const auto files = TRY(v2_files(resources));
  TRY(device_rules(resources.devices));
  return make(controllers_needed(files), accounting_controllers());
}

Result<void> V2::make(const Names& needed, const Names& wanted) {
  const bool is_new = TRY(directory_.make());
  Undo undo([&] { directory_.unmake(); });
  if (!is_new) TRY(check_reusable());
  // Nothing at the top can be below a threaded cgroup, so that a new one need not be asked.
  if (!is_new || !at_top_) TRY(check_type());
  TRY(enable(needed, wanted));
  undo.keep();
  return {};
}

Result<void> V2::check_reusable() const {
  const std::string events = TRY(directory_.read("cgroup.events"));
  if (is_one(events, "populated")) {
    const auto pids = TRY(processes());
    return Error::invalid("cgroup {}: container's cgroup is not empty: {} process(es) found",
                          directory_.path(), pids.size());
  }
  if (is_one(events, "frozen"))
    return Error::invalid("cgroup {}: container's cgroup is frozen", directory_.path())
        .with_hint("write 0 to its cgroup.freeze, or remove it");
  return {};
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

Result<void> V2::enable(const Names& needed, const Names& wanted) const {
  if (needed.empty() && wanted.empty()) return {};
  const Names present = words(TRY(directory_.read("cgroup.controllers")));
  Names missing = without(needed, present);
  const Names welcome = without(without(wanted, needed), present);
  if (missing.empty() && welcome.empty()) return {};

  // What is only welcome is not worth a climb beyond the parents that this object made.
  const size_t limit = missing.empty() ? directory_.new_parents() + 1 : SIZE_MAX;
  Names all = missing;
  all.insert(all.end(), welcome.begin(), welcome.end());
  const Climb found = TRY(climb(directory_, all, limit));
  for (const std::string& controller : without(missing, found.available))
    return Error::invalid("{}: controller \"{}\" is not available in {}", field_of(controller),
                          controller, found.top);

  for (auto level = found.levels.rbegin(); level != found.levels.rend(); ++level) {
    const std::string file = *level + "/cgroup.subtree_control";
    for (const std::string& controller : missing) {
      auto written = directory_.write(file, "+" + controller);
      if (written) continue;
      const char* hint = hint_for(written.error());
      Error error = Error::from_code(
          written.error().code(), "{}: enable controller \"{}\" for the cgroups below {}",
          field_of(controller), controller, path::clean(directory_.path() + "/" + *level));
      return hint ? std::move(error).with_hint(hint) : std::move(error);
    }
    // Statistics are worth an attempt, not a failure: all at once, else each alone.
    const Names extra = both(welcome, found.available);
    if (!extra.empty() && !directory_.write(file, additions(extra)))
      for (const std::string& controller : extra) (void)directory_.write(file, "+" + controller);
  }
  return {};
}

Result<void> V2::apply_limits(const spec::Resources& resources) {
  const auto files = TRY(v2_files(resources));
  if (files.empty()) return {};
  TRY(directory_.fd());  // from here on ENOENT means a file
  TRY(check_usage(resources));
  return write_in_workable_order(files, [&](const FileValue& file) { return write(file); });
}

/// v1 refuses a limit below the usage; v2 calls the OOM killer (config-linux.md#memory).
Result<void> V2::check_usage(const spec::Resources& resources) const {
  const spec::Memory memory = resources.memory.value_or(spec::Memory());
  if (!memory.check_before_update.value_or(false)) return {};
  const auto usage_of = [&](const char* file) {
    const auto content = directory_.read(file);  // absent: without the controller nothing is used
    return content ? text::parse_signed(text::trim(*content)).value_or(0) : 0;
  };
  const int64_t used = usage_of("memory.current");
  if (memory.limit.value_or(0) > 0 && *memory.limit < used)
    return Error::invalid(
        "linux.resources.memory.limit: rejecting memory limit {}, below the usage of {} bytes",
        *memory.limit, used);
  const int64_t used_with_swap = used + usage_of("memory.swap.current");
  if (memory.swap.value_or(0) > 0 && *memory.swap < used_with_swap)
    return Error::invalid(
        "linux.resources.memory.swap: rejecting memory+swap limit {}, below the usage of {} bytes",
        *memory.swap, used_with_swap);
  return {};
}

Result<void> V2::write(const FileValue& file) const {
  auto written = directory_.write(file.file, file.value);
  if (written || !written.error().is(ENOENT)) return written;
  if (file.may_be_absent) return {};
  // A limit set later than create(): its controller may not have been asked for then.
  TRY(enable({std::string(controller_of(file))}, {}));
  written = directory_.write(file.file, file.value);
  if (!written && written.error().is(ENOENT))
    return std::move(written).error().with_hint("this kernel does not have the file");
  return written;
}

Result<void> V2::apply_devices(const spec::Resources& resources) {
  const auto rules = TRY(device_rules(resources.devices));
  const bool first = directory_.is_new() && !attached_;
  const auto set = [&]() -> Result<void> {
    if (!allows_everything(rules)) {
      return attach_device_program(TRY(directory_.fd()), device_program(rules),
                                   first ? Attachment::First : Attachment::Replace);
    }
    if (first) return {};
    return detach_device_program(TRY(directory_.fd()));
  };
  TRY(set().context("linux.resources.devices: cgroup {}", directory_.path()));
  attached_ = true;
  return {};
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
  return is_one(TRY(directory_.read("cgroup.events")), "frozen");
}

bool V2::has_frozen_ancestor() const {
  for (std::string level = "..";; level += "/..") {
    const auto frozen = directory_.read(level + "/cgroup.freeze");
    if (!frozen) return false;  // the root, which has no freezer, or above the mount
    if (text::trim(*frozen) == "1") return true;
  }
}

Result<void> V2::freeze(bool frozen) {
  auto written = directory_.write("cgroup.freeze", frozen ? "1" : "0");
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
  auto frozen = reads_frozen();
  if (!frozen && Directory::is_absent(frozen.error())) return false;
  return frozen;
}

/// Without cgroup.kill (before Linux 5.14): frozen, so that no fork escapes the listing.
Result<void> V2::signal_all() const {
  const bool freezes = static_cast<bool>(directory_.write("cgroup.freeze", "1"));
  auto killed = kill_processes(directory_);
  // Killed processes end although frozen; a freezer further down must not hold up the next round.
  if (freezes) TRY(directory_.write_everywhere("cgroup.freeze", "0"));
  return killed;
}

Result<void> V2::kill_all() {
  const auto kill = [&]() -> Result<bool> {
    const auto events = directory_.read("cgroup.events");
    if (!events && Directory::is_absent(events.error())) return true;
    if (!events) return events.error();
    if (!is_one(*events, "populated")) return true;
    auto killed = directory_.write("cgroup.kill", "1");
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
