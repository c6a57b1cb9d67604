#include "src/commands/global_options.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/commands/values.h"

namespace skiff::commands {
namespace {

/// `argument` must be one of the words of `choices`, which are separated by '|'.
Result<void> check_choice(const std::string& argument, std::string_view choices) {
  const std::vector<std::string_view> words = text::split(choices, '|');
  if (std::find(words.begin(), words.end(), argument) == words.end())
    return Error::invalid("expected {}, found {}", choices, text::quote(argument));
  return {};
}

constexpr std::string_view kFormats = "text|json";
constexpr std::string_view kLevels = "error|warning|info|debug";
constexpr std::string_view kManagers = "cgroupfs|systemd|disabled";
constexpr std::string_view kRootless = "true|false|auto";

Result<void> check_format(const std::string& word) { return check_choice(word, kFormats); }
Result<void> check_level(const std::string& word) { return check_choice(word, kLevels); }
Result<void> check_manager(const std::string& word) { return check_choice(word, kManagers); }
Result<void> check_rootless(const std::string& word) { return check_choice(word, kRootless); }

Result<void> check_root(const std::string& directory) {
  TRY(check_not_empty(directory));
  if (path::clean(directory) == "/") return Error::invalid("must not be /");
  return {};
}

constexpr Option kOptions[] = {
    {"root", 0, "DIR", "where containers' state is kept (default /run/skiff)", check_root},
    {"log", 0, "FILE", "append errors and warnings to FILE, too", check_not_empty},
    {"log-format", 0, kFormats, "how they are written (default text)", check_format},
    {"log-level", 0, kLevels, "what is worth writing (default warning)", check_level},
    {"debug", 0, "", "the same as --log-level debug"},
    {"cgroup-manager", 0, kManagers, "who makes containers' cgroups (default cgroupfs)",
     check_manager},
    {"systemd-cgroup", 0, "", "the same as --cgroup-manager systemd"},
    {"rootless", 0, kRootless, "accepted for compatibility; skiff finds out by itself",
     check_rootless},
    {"version", 'v', "", "print versions and what this build can do (also -V)"},
    {"help", 'h', "", "print this overview"},
};

Result<std::string> default_root() {
  if (::geteuid() == 0) return std::string("/run/skiff");
  const char* runtime_dir = ::getenv("XDG_RUNTIME_DIR");
  if (runtime_dir == nullptr || *runtime_dir != '/')
    return Error::invalid("no directory for containers' state: XDG_RUNTIME_DIR is not set")
        .with_hint("set it, or give --root DIR");
  return path::join(runtime_dir, "skiff");
}

}  // namespace

std::span<const Option> global_options() { return kOptions; }

log::Format GlobalOptions::log_format() const {
  return arguments.get("log-format") == "json" ? log::Format::Json : log::Format::Text;
}

log::Level GlobalOptions::log_level() const {
  if (arguments.flag("debug")) return log::Level::Debug;
  const std::vector<std::string_view> levels = text::split(kLevels, '|');
  const auto named =
      std::find(levels.begin(), levels.end(), arguments.value_or("log-level", "warning"));
  return static_cast<log::Level>(named - levels.begin());
}

Result<container::ContainerStore> GlobalOptions::store() const {
  const std::optional<std::string> given = arguments.get("root");
  return container::ContainerStore(given ? *given : TRY(default_root()));
}

Result<container::CgroupDriver> GlobalOptions::cgroup_driver() const {
  // The more specific option wins: some engines cannot be kept from passing --systemd-cgroup.
  const bool flag = arguments.flag("systemd-cgroup");
  const std::optional<std::string> manager = arguments.get("cgroup-manager");
  if (manager == "disabled") return container::CgroupDriver::Disabled;
  if (manager == "cgroupfs" || (!manager && !flag)) return container::CgroupDriver::Cgroupfs;
  return container::CgroupDriver::Systemd;
}

Result<GlobalOptions> read_global_options(const std::vector<std::string>& tokens) {
  GlobalOptions globals;
  std::vector<std::string> spelled = tokens;
  if (!spelled.empty() && spelled.front() == "-V")
    spelled.front() = "--version";  // crun's spelling
  globals.arguments =
      TRY(read_options(kOptions, spelled, Operands::EndOptions, "see skiff --help"));
  globals.command = globals.arguments.operands();
  return globals;
}

}  // namespace skiff::commands
