#include "src/linux/rlimits.h"

#include <sys/resource.h>

#include <string>

namespace skiff::rlimits {
namespace {

struct Name {
  int resource;
  const char* name;
};

constexpr Name kNames[] = {
    {RLIMIT_AS, "RLIMIT_AS"},
    {RLIMIT_CORE, "RLIMIT_CORE"},
    {RLIMIT_CPU, "RLIMIT_CPU"},
    {RLIMIT_DATA, "RLIMIT_DATA"},
    {RLIMIT_FSIZE, "RLIMIT_FSIZE"},
    {RLIMIT_LOCKS, "RLIMIT_LOCKS"},
    {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"},
    {RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE"},
    {RLIMIT_NICE, "RLIMIT_NICE"},
    {RLIMIT_NOFILE, "RLIMIT_NOFILE"},
    {RLIMIT_NPROC, "RLIMIT_NPROC"},
    {RLIMIT_RSS, "RLIMIT_RSS"},
    {RLIMIT_RTPRIO, "RLIMIT_RTPRIO"},
    {RLIMIT_RTTIME, "RLIMIT_RTTIME"},
    {RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING"},
    {RLIMIT_STACK, "RLIMIT_STACK"},
};

std::string shown(uint64_t value) {
  return value == RLIM_INFINITY ? "unlimited" : fmt::format("{}", value);
}

/// Why setting `limit` failed with `code`.
Error explain(int code, const spec::Rlimit& limit) {
  rlimit present{};
  if (code != EPERM || ::getrlimit(static_cast<__rlimit_resource_t>(limit.resource), &present) < 0)
    return Error::from_code(code, "set {} (soft) and {} (hard)", shown(limit.soft),
                            shown(limit.hard));
  Error error = Error::from_code(code, "raise the hard limit from {} to {}",
                                 shown(present.rlim_max), shown(limit.hard));
  return std::move(error).with_hint(limit.resource == RLIMIT_NOFILE
                                        ? "it takes CAP_SYS_RESOURCE, and fs.nr_open bounds it"
                                        : "it takes CAP_SYS_RESOURCE");
}

}  // namespace

std::optional<int> number(std::string_view name) {
  for (const Name& entry : kNames)
    if (name == entry.name) return entry.resource;
  return std::nullopt;
}

const char* name(int resource) {
  for (const Name& entry : kNames)
    if (entry.resource == resource) return entry.name;
  return "RLIMIT_?";
}

Result<void> set(const std::vector<spec::Rlimit>& limits) {
  for (const spec::Rlimit& limit : limits) {
    const rlimit values{limit.soft, limit.hard};
    if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &values) == 0) continue;
    Error error = explain(errno, limit);
    error.add_context(fmt::format("process.rlimits: {}", name(limit.resource)));
    return error;
  }
  return {};
}

Result<spec::Rlimit> exchange(pid_t pid, const spec::Rlimit& limit) {
  const rlimit wanted{limit.soft, limit.hard};
  rlimit before{};
  if (::prlimit(pid, static_cast<__rlimit_resource>(limit.resource), &wanted, &before) == 0)
    return spec::Rlimit{limit.resource, before.rlim_cur, before.rlim_max};
  Error error = Error::from_errno("process.rlimits: {} of process {}: set {} (soft) and {} (hard)",
                                  name(limit.resource), pid, shown(limit.soft), shown(limit.hard));
  if (!error.is(EPERM)) return error;
  return std::move(error).with_hint("raising a hard limit takes CAP_SYS_RESOURCE");
}

}  // namespace skiff::rlimits
