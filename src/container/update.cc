#include "src/container/update.h"

#include <algorithm>

#include "src/base/json.h"
#include "src/base/undo.h"
#include "src/container/lifecycle.h"
#include "src/container/live_change.h"
#include "src/linux/rlimits.h"
#include "src/linux/syscalls.h"
#include "src/spec/decode.h"
#include "src/spec/merge_resources.h"

namespace skiff::container {
namespace {

constexpr int kLockSeconds = 10;

bool is_about_same(const spec::DeviceRule& a, const spec::DeviceRule& b) {
  return a.type == b.type && a.major == b.major && a.minor == b.minor;
}

bool covers(const spec::DeviceRule& later, const spec::DeviceRule& earlier) {
  return (later.read || !earlier.read) && (later.write || !earlier.write) &&
         (later.mknod || !earlier.mknod);
}

/// Later rules overrule; those that say nothing any more go, so that the list does not grow
/// with every update.
void append(std::vector<spec::DeviceRule>& rules, const std::vector<spec::DeviceRule>& more) {
  for (const spec::DeviceRule& rule : more) {
    std::erase_if(rules, [&](const spec::DeviceRule& earlier) {
      return is_about_same(earlier, rule) && covers(rule, earlier);
    });
    rules.push_back(rule);
  }
}

std::string encode_rlimits(const std::vector<spec::Rlimit>& limits) {
  json::Writer out(json::Style::Compact);
  out.begin_array();
  for (const spec::Rlimit& limit : limits) {
    out.begin_object();
    out.field("type", rlimits::name(limit.resource));
    out.field("soft", limit.soft);
    out.field("hard", limit.hard);
    out.end_object();
  }
  out.end_array();
  return out.take();
}

std::vector<spec::Rlimit> merged(std::vector<spec::Rlimit> limits,
                                 const std::vector<spec::Rlimit>& changes) {
  for (const spec::Rlimit& change : changes) {
    std::erase_if(limits, [&](const auto& limit) { return limit.resource == change.resource; });
    limits.push_back(change);
  }
  return limits;
}

bool changes_process(const UpdateRequest& request) {
  return !request.rlimits.empty() || !request.scheduler.empty() || !request.io_priority.empty() ||
         !request.cpus.empty() || request.oom_score_adj;
}

std::string quoted(const std::string& text) {
  json::Writer out(json::Style::Compact);
  out.value(text);
  return out.take();
}

Result<std::string> with_process(std::string text, const spec::Process& present,
                                 const UpdateRequest& request) {
  if (!request.rlimits.empty())
    text = TRY(json::with_member(text, {"process", "rlimits"},
                                 encode_rlimits(merged(present.rlimits, request.rlimits))));
  if (!request.scheduler.empty())
    text = TRY(json::with_member(text, {"process", "scheduler"}, request.scheduler));
  if (!request.io_priority.empty())
    text = TRY(json::with_member(text, {"process", "ioPriority"}, request.io_priority));
  if (!request.cpus.empty())
    text =
        TRY(json::with_member(text, {"process", "execCPUAffinity", "final"}, quoted(request.cpus)));
  if (request.oom_score_adj)
    text = TRY(json::with_member(text, {"process", "oomScoreAdj"},
                                 fmt::format("{}", *request.oom_score_adj)));
  return text;
}

bool changes_rdt(const UpdateRequest& request) {
  return request.l3_cache_schema || request.mem_bw_schema;
}

Result<std::string> with_rdt(std::string text, const spec::Spec& present,
                             const UpdateRequest& request) {
  if (!changes_rdt(request)) return text;
  if (!present.linux.intel_rdt) return Error::invalid("linux.intelRdt: the container has none");
  if (request.l3_cache_schema)
    text = TRY(json::with_member(text, {"linux", "intelRdt", "l3CacheSchema"},
                                 quoted(*request.l3_cache_schema)));
  if (request.mem_bw_schema)
    text = TRY(json::with_member(text, {"linux", "intelRdt", "memBwSchema"},
                                 quoted(*request.mem_bw_schema)));
  return text;
}

/// What processes that live already are to have.
LiveValues live_values(const spec::Spec& wanted, const UpdateRequest& request) {
  LiveValues values;
  values.rlimits = request.rlimits;
  if (!wanted.process) return values;
  if (!request.scheduler.empty()) values.scheduler = wanted.process->scheduler;
  if (!request.io_priority.empty()) values.io_priority = wanted.process->io_priority;
  if (!request.cpus.empty()) values.cpus = wanted.process->exec_affinity.final;
  values.oom_score_adj = request.oom_score_adj;
  return values;
}

Result<void> check_status(Container& container, const UpdateRequest& request) {
  const Status status = TRY(container.status());
  if (status == Status::Stopped) return Error::received(ESRCH, "container not running");
  if (status == Status::Creating)
    return Error::invalid("cannot update a container in the {} state", name(status));
  // Init sets its limits itself, as the last thing before it becomes the user's process.
  if (status == Status::Created && !request.rlimits.empty())
    return Error::invalid("process.rlimits: cannot change before the container is started");
  return {};
}

}  // namespace

Result<std::string> updated_config(const std::string& text, const spec::Spec& present,
                                   const UpdateRequest& request) {
  const spec::Resources before = present.linux.resources.value_or(spec::Resources());
  spec::Resources resources = spec::merged(before, request.resources);
  append(resources.devices, request.devices);
  std::string updated = text;
  const std::string encoded = spec::encode_resources(resources);
  if (encoded != spec::encode_resources(before))
    updated = TRY(json::with_member(updated, {"linux", "resources"}, encoded));
  updated = TRY(with_rdt(std::move(updated), present, request));
  if (!changes_process(request)) return updated;
  if (!present.process) return Error::invalid("process: the container has none to change");
  return with_process(std::move(updated), *present.process, request);
}

Result<void> update(const ContainerStore& store, const std::string& id,
                    const UpdateRequest& request) {
  Container container = TRY(Container::load(store, id));
  const StateDir& dir = container.dir();
  TRY(lock(dir, kLockSeconds));
  TRY(check_status(container, request));
  const std::string text = TRY(container.stored_config());
  const spec::Spec present = TRY(spec::decode(text));
  std::string updated = TRY(updated_config(text, present, request));
  const spec::Spec wanted = TRY(spec::decode(updated));

  TRY(stage_config(dir, updated));
  Undo unstage([&] { unstage_config(dir); });
  const auto cgroup = cgroup::open(container.record().cgroup);
  TRY(cgroup->update(present.linux.resources.value_or(spec::Resources()),
                     wanted.linux.resources.value_or(spec::Resources())));
  Undo revert([&] { cgroup->revert(); });
  const resctrl::Group& group = container.record().resctrl;
  std::string schemata;
  if (changes_rdt(request)) schemata = TRY(resctrl::change(group, *wanted.linux.intel_rdt));
  Undo put_back([&] {
    if (!schemata.empty()) (void)resctrl::write_schemata(group, schemata);
  });
  const LiveValues values = live_values(wanted, request);
  LiveChange live;
  Undo give_back([&] { live.revert(); });
  if (!values.empty()) TRY(live.apply(values, [&] { return container.processes(); }));
  TRY(commit_config(dir));
  give_back.keep();
  put_back.keep();
  revert.keep();
  unstage.keep();
  return {};
}

}  // namespace skiff::container
