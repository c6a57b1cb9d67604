#include "src/linux/cgroup/pressure.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <span>

#include "src/base/text.h"
#include "src/linux/cgroup/directory.h"

namespace skiff::cgroup {
namespace {

constexpr uint64_t kShortestWindow = 500'000;  // kernel/sched/psi.c
constexpr uint64_t kLongestWindow = 10'000'000;
constexpr uint64_t kUnprivilegedWindow = 2'000'000;

constexpr std::string_view kLevels[] = {"low", "medium", "critical"};
constexpr std::string_view kResources[] = {"cpu", "memory", "io", "irq"};
constexpr std::string_view kKinds[] = {"some", "full"};

/// The one of `known` that is `word`, which may not live as long; "" if none is.
std::string_view constant(std::string_view word, std::span<const std::string_view> known) {
  for (const std::string_view name : known)
    if (name == word) return name;
  return {};
}

const std::string* find(const Paths& paths, std::string_view controller) {
  for (const auto& [name, directory] : paths.directories)
    if (name == controller) return &directory;
  return nullptr;
}

Result<Fd> watch_level(const Paths& paths, std::string_view level) {
  const std::string* path = find(paths, "memory");
  if (path == nullptr)
    return Error::invalid("the container has no memory cgroup of v1, which levels belong to")
        .with_hint("on v2 there is --pressure memory:some:150ms/1s");
  const Directory memory(*path);
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return Error::from_errno("eventfd");
  const Fd file(::openat(TRY(memory.fd()), "memory.pressure_level", O_RDONLY | O_CLOEXEC));
  if (!file) return Error::from_errno("open {}/memory.pressure_level", *path);
  TRY(memory.write("cgroup.event_control",
                   fmt::format("{} {} {}", event.get(), file.get(), level)));
  return event;
}

Result<Fd> watch_trigger(const Paths& paths, const PressureThreshold& threshold) {
  const std::string* path = find(paths, "");
  if (path == nullptr)
    return Error::invalid("the container has no cgroup of v2, which triggers belong to")
        .with_hint("on v1 there is --memory-pressure LEVEL");
  const Directory directory(*path);
  const std::string name = std::string(threshold.resource) + ".pressure";
  Fd file(::openat(TRY(directory.fd()), name.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!file) return Error::from_errno("open {}/{}", *path, name);
  const std::string text =
      fmt::format("{} {} {}", threshold.kind, threshold.stall, threshold.window);
  // The kernel takes the byte after the text for its end.
  if (::write(file.get(), text.c_str(), text.size() + 1) >= 0) return file;
  Error error = Error::from_errno("write {} to {}/{}", text, *path, name);
  // psi_trigger_create(), kernel/sched/psi.c
  if (error.is(EINVAL) && threshold.window % kUnprivilegedWindow != 0)
    return std::move(error).with_hint(
        "without CAP_SYS_RESOURCE the window must be a multiple of 2s");
  return error;
}

}  // namespace

Result<PressureThreshold> parse_pressure_level(std::string_view word) {
  PressureThreshold threshold;
  threshold.resource = kResources[1];
  threshold.level = constant(word, kLevels);
  if (threshold.level.empty())
    return Error::invalid("expected low, medium or critical, found {}", text::quote(word));
  return threshold;
}

Result<PressureThreshold> parse_pressure_trigger(std::string_view word) {
  const auto wrong = [&] {
    return Error::invalid(
        "expected RESOURCE:some|full:STALL/WINDOW such as memory:some:150ms/1s, "
        "found {}",
        text::quote(word));
  };
  const auto parts = text::split(word, ':');
  if (parts.size() != 3) return wrong();
  const size_t slash = parts[2].find('/');
  PressureThreshold threshold;
  threshold.resource = constant(parts[0], kResources);
  threshold.kind = constant(parts[1], kKinds);
  if (slash == std::string_view::npos || threshold.resource.empty() || threshold.kind.empty())
    return wrong();
  const auto stall = text::parse_duration(parts[2].substr(0, slash));
  const auto window = text::parse_duration(parts[2].substr(slash + 1));
  if (!stall || !window) return wrong();
  threshold.stall = *stall;
  threshold.window = *window;
  if (*window < kShortestWindow || *window > kLongestWindow)
    return Error::invalid("the window must be from 500ms to 10s, found {}", text::quote(word));
  if (*stall == 0 || *stall > *window)
    return Error::invalid("the stall must be above 0 and within the window, found {}",
                          text::quote(word));
  return threshold;
}

Result<Fd> watch_pressure(const Paths& paths, const PressureThreshold& threshold) {
  return threshold.level.empty() ? watch_trigger(paths, threshold)
                                 : watch_level(paths, threshold.level);
}

}  // namespace skiff::cgroup
