// The plans of the sample bundles, decided for one imagined host, against those in
// tests/data/plans. After a change that is meant: SKIFF_WRITE_PLANS=1 build/tests/unit_tests
// "[plans]"
#include "src/launch/describe.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "src/base/json.h"
#include "src/spec/decode.h"

using namespace skiff;

namespace {

namespace fs = std::filesystem;

const fs::path kSources = SKIFF_SOURCE_ROOT;

std::string read(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Host imagined_host() {
  Host host;
  host.cgroups.kind = cgroup::LayoutKind::V2;
  host.cgroups.hierarchies.push_back({"/sys/fs/cgroup", {}, true, "/"});
  return host;
}

struct Sample {
  spec::Spec spec;
  launch::LaunchPlan plan;
  cgroup::Paths cgroup;
};

Sample plan_sample(const std::string& name) {
  auto spec = spec::decode(read(kSources / "bundles" / name / "config.json"));
  INFO((spec ? "" : spec.error().text()));
  REQUIRE(spec);
  Sample sample{*std::move(spec), {}, {}};
  const Host host = imagined_host();
  auto paths = cgroup::resolve(host.cgroups, sample.spec.linux.cgroups_path, name);
  REQUIRE(paths);
  sample.cgroup = *paths;
  launch::PlanOptions options;
  options.id = name;
  options.bundle = "/bundle";
  // Without the compiled filter, whose length depends on libseccomp's version.
  auto plan = launch::plan_container(sample.spec, host, sample.cgroup, std::nullopt, options);
  INFO((plan ? "" : plan.error().text()));
  REQUIRE(plan);
  sample.plan = *std::move(plan);
  return sample;
}

TEST_CASE("the plans of the sample bundles are what they were", "[launch][plans]") {
  size_t samples = 0;
  for (const auto& entry : fs::directory_iterator(kSources / "bundles")) {
    if (!entry.is_directory()) continue;
    const std::string name = entry.path().filename();
    INFO(name);
    const Sample sample = plan_sample(name);
    const auto text = launch::describe_as_text({sample.spec, sample.plan, sample.cgroup});
    REQUIRE(text);
    const fs::path golden = kSources / "tests/data/plans" / (name + ".txt");
    if (std::getenv("SKIFF_WRITE_PLANS") != nullptr) std::ofstream(golden) << *text;
    CHECK(*text == read(golden));
    ++samples;
  }
  CHECK(samples >= 10);
}

TEST_CASE("a plan as JSON holds what the text holds", "[launch][plans]") {
  const Sample sample = plan_sample("limits");
  const auto text = launch::describe_as_json({sample.spec, sample.plan, sample.cgroup});
  REQUIRE(text);
  auto document = json::Document::parse(*text);
  REQUIRE(document);
  const json::View root = document->root();
  CHECK(*root.required<std::string>("id") == "limits");
  const auto cgroup = root.required<json::View>("cgroup");
  REQUIRE(cgroup);
  CHECK(*cgroup->required<std::string>("path") == sample.cgroup.path);
  bool limited = false;
  const auto files = cgroup->list<json::View>("files");
  REQUIRE(files);
  for (const json::View& file : *files)
    limited = limited || *file.required<std::string>("file") == "memory.max";
  CHECK(limited);
  const auto process = root.required<json::View>("process");
  REQUIRE(process);
  CHECK(*process->list<std::string>("exec") == sample.plan.process.args);
}

TEST_CASE("a plan on one line a thing, whatever a configuration holds", "[launch][plans]") {
  Sample sample = plan_sample("hello");
  sample.plan.process.args = {"/bin/echo", "two words", "a\nline", ""};
  const auto text = launch::describe_as_text({sample.spec, sample.plan, sample.cgroup});
  REQUIRE(text);
  CHECK_THAT(*text, Catch::EndsWith("  exec: /bin/echo \"two words\" \"a\\nline\" \"\"\n"));
}

}  // namespace
