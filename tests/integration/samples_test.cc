// The sample bundles, run as a person runs them.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

struct Sample {
  const char* name;
  const char* says;
  bool limits = false;  // of memory, processor time or processes
};

const Sample kSamples[] = {
    {"engine-containerd", "I am uid=0(root) gid=0(root), process 1", true},
    {"engine-podman", "I am uid=0(root) gid=0(root), process 1", true},
    {"hello", "Network interfaces: lo"},
    {"hooks", "poststop: container stopped"},
    {"host-pid", "processes are in sight"},
    {"limits", "(137: killed)", true},
    {"readonly", "/tmp/new: written"},
    {"seccomp", "mkdir /tmp/directory: refused: Operation not permitted"},
    {"shell", "in-the-shell\r\n"},
    {"userns", "the same file belongs to uid 100000"},
};

/// The runtime, which looks at the bundle first if it can: its faults are in the file `faults`.
std::string write_runtime(const Bundle& bundle) {
  const std::string path = bundle.file("runtime");
  std::string script = "#!/bin/sh\nset -e\n";
  if (testing(Program::Skiff))
    script += "[ \"$1\" != run ] || " + environment().runtime + " validate \"$3\" >" +
              bundle.file("faults") + " 2>&1 || echo status $? >>" + bundle.file("faults") + "\n";
  script += "exec " + environment().runtime + " --root " + bundle.state_root() + " \"$@\"\n";
  write_file(path, script, 0755);
  return path;
}

void run_sample(const Sample& sample) {
  INFO(sample.name);
  const Bundle bundle;
  CommandOptions options;
  options.env = {{"RUNTIME", write_runtime(bundle)}};
  options.input = "echo in-the-shell; exit\n";
  const Output output = run_command({source_file("../bundles/run"), sample.name}, options);
  INFO(output.out);
  INFO(output.err);
  CHECK(output.ok());
  CHECK_THAT(output.out, Catch::Contains(sample.says));
  const std::string faults = read_file(bundle.file("faults"));
  INFO(faults);
  CHECK_FALSE(contains(faults, "status"));
}

TEST_CASE("every sample is tried here", "[samples]") {
  const std::string directory =
      std::filesystem::path(source_file("../bundles/run")).parent_path().string();
  std::vector<std::string> there;
  for (const std::string& name : list_directory(directory))
    if (exists(directory + "/" + name + "/config.json")) there.push_back(name);
  std::vector<std::string> tried;
  for (const Sample& sample : kSamples) tried.emplace_back(sample.name);
  CHECK(there == tried);
}

TEST_CASE("the samples run, and validate finds no error in them", "[samples]") {
  NEEDS_CGROUPFS;
  for (const Sample& sample : kSamples)
    if (!sample.limits) run_sample(sample);
}

TEST_CASE("the samples with limits run, and validate finds no error in them", "[samples]") {
  NEEDS_CGROUPFS;
  for (const char* controller : {"memory", "cpu", "pids"})
    NEEDS(has_controller(controller), std::string("no controller ") + controller);
  for (const Sample& sample : kSamples)
    if (sample.limits) run_sample(sample);
}

}  // namespace
}  // namespace tests
