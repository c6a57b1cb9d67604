#include "tests/integration/support/container.h"

#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

Words with_root(const Bundle& bundle, const Words& args) {
  Words words{environment().runtime, "--root", bundle.state_root()};
  if (environment().systemd_cgroup) words.push_back("--systemd-cgroup");
  words.insert(words.end(), args.begin(), args.end());
  return words;
}

std::string next_id() {
  static int number = 0;
  return environment().prefix + std::to_string(++number) + "c";
}

// As proc(5) has it: "4:memory:/path", "0::/path".
std::string cgroup_path(pid_t pid, const std::string& controller, bool v2) {
  for (const std::string& line : lines(read_file("/proc/" + std::to_string(pid) + "/cgroup"))) {
    const Words parts = split(line, ':');
    if (parts.size() < 3) continue;
    if (v2 ? parts[0] == "0" : has_option(parts[1], controller)) return parts[2];
  }
  return "";
}

}  // namespace

Output runtime(const Words& args, const CommandOptions& options) {
  Words words{environment().runtime};
  words.insert(words.end(), args.begin(), args.end());
  return run_command(words, options);
}

Output runtime(const Bundle& bundle, const Words& args, const CommandOptions& options) {
  return run_command(with_root(bundle, args), options);
}

Output runtime_as_user(const Words& args, CommandOptions options) {
  const std::string copy = environment().scratch + "/runtime";
  if (!exists(copy)) write_file(copy, read_file(environment().runtime), 0755);
  options.uid = 1000;
  Words words{copy};
  words.insert(words.end(), args.begin(), args.end());
  return run_command(words, options);
}

Container::Container(Bundle& bundle) : Container(bundle, next_id()) {}

Container::Container(Bundle& bundle, std::string id) : bundle_(bundle), id_(std::move(id)) {}

Container::~Container() {
  if (exists(bundle_.state_root() + "/" + id_)) {
    if (status() == "paused") call("resume");
    remove({"--force"});
  }
  remove_cgroups(id_);
  reap_orphans();
}

Words Container::words(const std::string& command, const Words& flags, const Words& rest) const {
  Words words = with_root(bundle_, {command});
  if (command == "run" || command == "create") {
    words.push_back("--bundle");
    words.push_back(bundle_.path(id_));
  }
  words.insert(words.end(), flags.begin(), flags.end());
  words.push_back(id_);
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

Output Container::run(const Words& flags, const CommandOptions& options) {
  return run_command(words("run", flags), options);
}

Output Container::create(const Words& flags, const CommandOptions& options) {
  return run_command(words("create", flags), options);
}

Output Container::start(const CommandOptions& options) {
  return run_command(words("start", {}), options);
}

void Container::launch() {
  const Output created = create();
  INFO("create: " << created.err);
  REQUIRE(created.ok());
  const Output started = start();
  INFO("start: " << started.err);
  REQUIRE(started.ok());
}

Output Container::exec(const Words& flags, const Words& command, const CommandOptions& options) {
  return run_command(words("exec", flags, command), options);
}

Output Container::sh(const std::string& script, const CommandOptions& options) {
  return exec({}, {"/bin/sh", "-c", script}, options);
}

Output Container::kill(const Words& rest) { return run_command(words("kill", {}, rest)); }

Output Container::remove(const Words& flags) { return run_command(words("delete", flags)); }

Output Container::call(const std::string& command, const Words& flags) {
  return run_command(words(command, flags));
}

std::string Container::status() {
  const Output state = call("state");
  return state.ok() ? string_at(parse_json(state.out), "/status") : "";
}

pid_t Container::pid() {
  const Json state = parse_json(call("state").out);
  return state.IsObject() && state.HasMember("pid") ? state["pid"].GetInt() : 0;
}

bool Container::becomes(const std::string& wanted, double seconds) {
  return wait_until([&] { return status() == wanted; }, seconds);
}

std::string Container::v2_cgroup() { return cgroup_roots().front() + cgroup_path(pid(), "", true); }

std::string Container::cgroup(const std::string& controller) {
  const auto root = cgroup_directory(controller, "");
  return root ? *root + cgroup_path(pid(), controller, is_v2(controller)) : "";
}

std::string output_of(Bundle& bundle, std::string_view script) {
  bundle.sh(script);
  Container container(bundle);
  const Output output = container.run();
  INFO("stderr: " << output.err);
  INFO("stdout: " << output.out);
  REQUIRE(output.status == 0);
  return output.out;
}

std::string refusal(Bundle& bundle) {
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK(output.out == "");
  CHECK(leftovers.found() == "");
  if (testing(Program::Skiff)) CHECK(count(output.err, "\n") == 1);
  return output.err;
}

std::vector<MountLine> mounts_inside(Bundle& bundle) {
  return parse_mountinfo(output_of(bundle, "cat /proc/self/mountinfo"));
}

}  // namespace tests
