// config.json: decoded, validated, planned and put on the wire.
#include "src/launch/plan.h"
#include "src/launch/wire.h"
#include "src/spec/decode.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace skiff;

Host a_host(bool hybrid) {
  Host host;
  host.cgroups.kind = hybrid ? cgroup::LayoutKind::Hybrid : cgroup::LayoutKind::V2;
  if (hybrid)
    host.cgroups.hierarchies = {{"/sys/fs/cgroup/cpu,cpuacct", {"cpu", "cpuacct"}, false, "/"},
                                {"/sys/fs/cgroup/unified", {}, true, "/"}};
  else
    host.cgroups.hierarchies = {{"/sys/fs/cgroup", {"cpu", "memory"}, true, "/"}};
  return host;
}

void check_plan(const spec::Spec& spec, bool hybrid) {
  launch::PlanOptions options;
  options.id = "fuzz";
  options.bundle = "/bundle";
  const auto plan = launch::plan_container(spec, a_host(hybrid), {}, std::nullopt, options);
  if (!plan) {
    fuzz::require_one_line(plan.error());
    return;
  }
  const std::string bytes = launch::encode(*plan);
  const auto received = launch::decode(bytes);
  fuzz::require(static_cast<bool>(received), "init can read every plan");
  fuzz::require(launch::encode(*received) == bytes, "a plan arrives as it was sent");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string json(fuzz::text(data, size));
  const auto spec = spec::decode(json);
  if (spec) {
    check_plan(*spec, false);
    check_plan(*spec, true);
  } else {
    fuzz::require_one_line(spec.error());
  }
  const auto process = spec::decode_process(json);
  if (!process) fuzz::require_one_line(process.error());
  return 0;
}
