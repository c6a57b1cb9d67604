#include "src/container/update.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "src/base/json.h"
#include "tests/unit/spec/config_text.h"

using namespace skiff;
using container::UpdateRequest;

namespace {

const char* const kConfig =
    R"({"ociVersion":"1.0.0","root":{"path":"rootfs"},"process":{"args":["sh"],"cwd":"/",)"
    R"("rlimits":[{"type":"RLIMIT_NOFILE","soft":1,"hard":2}]},"linux":{"namespaces":)"
    R"([{"type":"mount"}],"resources":{"devices":[{"allow":false,"access":"rwm"}]}},"x":[1]})";

/// The members of the updated configuration that are not as before.
std::string updated(const UpdateRequest& request, const char* config = kConfig) {
  const spec::Spec present = spec::decoded(config);
  const auto text = container::updated_config(config, present, request);
  return text ? *text : text.error().text();
}

spec::DeviceRule rule(bool allow, int64_t major, int64_t minor) {
  return {allow, 'c', major, minor, true, true, true};
}

}  // namespace

TEST_CASE("an update that changes nothing leaves the text alone", "[container]") {
  CHECK(updated({}) == kConfig);
}

TEST_CASE("an update keeps what skiff does not know", "[container]") {
  UpdateRequest request;
  request.resources.pids_limit = 5;
  const std::string text = updated(request);
  CHECK_THAT(text, Catch::Contains(R"("pids":{"limit":5})") && Catch::Contains(R"("x":[1])") &&
                       Catch::Contains(R"("args":["sh"])"));
  CHECK(spec::decoded(text).linux.resources->pids_limit == 5);
}

TEST_CASE("limits of processes are replaced by kind", "[container]") {
  UpdateRequest request;
  request.rlimits = {{RLIMIT_NOFILE, 7, 8}, {RLIMIT_CORE, 0, 0}};
  const auto limits = spec::decoded(updated(request)).process->rlimits;
  REQUIRE(limits.size() == 2);
  CHECK(limits[0].soft == 7);
  CHECK(limits[1].resource == RLIMIT_CORE);
}

TEST_CASE("process values become part of the configuration", "[container]") {
  UpdateRequest request;
  request.scheduler = R"({"policy":"SCHED_BATCH","nice":3})";
  request.io_priority = R"({"class":"IOPRIO_CLASS_IDLE"})";
  request.cpus = "0-1";
  request.oom_score_adj = -5;
  const auto process = spec::decoded(updated(request)).process;
  CHECK(process->scheduler->nice == 3);
  CHECK(process->io_priority->io_class == 3);
  CHECK(process->exec_affinity.final.at(0) == 3);
  CHECK(process->oom_score_adj == -5);
}

TEST_CASE("a container without process has no values to change", "[container]") {
  UpdateRequest request;
  request.oom_score_adj = 1;
  CHECK(updated(request, R"({"ociVersion":"1.0.0","root":{"path":"r"},"linux":{"namespaces":)"
                         R"([{"type":"mount"}]}})") == "process: the container has none to change");
}

TEST_CASE("device rules do not grow with every update", "[container]") {
  UpdateRequest request;
  std::string text = kConfig;
  for (int i = 0; i < 3; ++i) {
    request.devices = {rule(true, 10, 229), rule(false, 10, 200)};
    text = updated(request, text.c_str());
    request.devices = {rule(false, 10, 229)};
    text = updated(request, text.c_str());
  }
  const auto rules = spec::decoded(text).linux.resources->devices;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].type == 'a');
  CHECK(rules[1] == rule(false, 10, 200));
  CHECK(rules[2] == rule(false, 10, 229));
}

TEST_CASE("schemata change only where there are some", "[container]") {
  UpdateRequest request;
  request.l3_cache_schema = "L3:0=f";
  CHECK(updated(request) == "linux.intelRdt: the container has none");
  const std::string rdt =
      R"({"ociVersion":"1.0.0","root":{"path":"r"},"linux":{"namespaces":[{"type":"mount"}],)"
      R"("intelRdt":{"closID":"x","l3CacheSchema":"L3:0=1"}}})";
  request.mem_bw_schema = "MB:0=20";
  const auto changed = spec::decoded(updated(request, rdt.c_str())).linux.intel_rdt;
  CHECK(changed->closid == "x");
  CHECK(changed->l3_cache_schema == "L3:0=f");
  CHECK(changed->mem_bw_schema == "MB:0=20");
}
