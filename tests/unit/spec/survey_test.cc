#include <algorithm>
#include <catch2/catch.hpp>

#include "src/spec/decode.h"

using namespace skiff;

namespace {

/// A configuration with `process` and `rest`, which begins with a comma or is empty.
spec::Survey survey(const std::string& process, const std::string& rest = "") {
  auto surveyed =
      spec::survey(R"({"ociVersion": "1.3.0", "root": {"path": "r"}, "process": {)" + process +
                   R"(}, "linux": {"namespaces": [{"type": "mount"}]})" + rest + "}");
  REQUIRE(surveyed);
  return *std::move(surveyed);
}

std::vector<std::string> errors(const spec::Survey& survey) {
  std::vector<std::string> texts;
  for (const Error& error : survey.errors) texts.push_back(error.text());
  return texts;
}

using Lines = std::vector<std::string>;

TEST_CASE("a survey of a valid configuration finds nothing", "[spec]") {
  const spec::Survey found = survey(R"("args": ["x"], "cwd": "/")");
  CHECK(found.errors.empty());
  CHECK(found.unknown.empty());
  CHECK(found.remarks.empty());
  CHECK(found.spec.process->args == Lines{"x"});
}

TEST_CASE("a survey goes on after errors, within objects, lists and rules", "[spec]") {
  const spec::Survey found = survey(
      R"("args": ["x", 1], "cwd": "rel", "user": {"uid": "root", "gid": -1},
         "rlimits": [{"type": "RLIMIT_FOO", "soft": 1, "hard": 1}, {"type": "RLIMIT_CORE"}])",
      R"(, "mounts": [{"type": "x"}, 7])");
  CHECK(errors(found) == Lines{
                             "mounts[1]: expected object, found unsigned integer",
                             "mounts[0].destination: missing",
                             "process.user.uid: expected unsigned integer, found string",
                             "process.user.gid: expected unsigned integer, found negative integer",
                             "process.args[1]: expected string, found unsigned integer",
                             "process.rlimits[0].type: unknown \"RLIMIT_FOO\"",
                             "process.rlimits[1].soft: missing",
                             "process.rlimits[1].hard: missing",
                             "process.cwd: \"rel\" is not an absolute path",
                         });
}

TEST_CASE("a survey tells every fault of a list, and of several fields of one object", "[spec]") {
  const spec::Survey found = survey(
      R"("args": ["x"], "cwd": "/", "env": ["A", 5, "=b"], "capabilities": {},
         "user": {"uid": 1, "gid": 1, "umask": 99999, "additionalGids": [4294967295, "x"]},
         "ioPriority": {"class": "X", "priority": 9},
         "rlimits": [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1},
                     {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}])",
      R"(, "linux": {"namespaces": [{"type": "mount"}], "maskedPaths": ["a", "/b", "c"],
         "sysctl": {"kernel.panic": "1", "net.x": "2"}, "personality": {"domain": "X"},
         "timeOffsets": {"boo": {}}, "netDevices": {"a/b": {}},
         "resources": {"unified": {"x": "1", "cgroup.procs": "2"}},
         "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["X", "Y"],
                     "syscalls": [{"names": [], "action": "Z"}]}})");
  CHECK(errors(found) ==
        Lines{
            "process.user.umask: 99999 is out of range, at most 4095",
            "process.user.additionalGids[1]: expected unsigned integer, found string",
            "process.user.additionalGids[0]: 4294967295 is no user or group id",
            "process.env[1]: expected string, found unsigned integer",
            "process.rlimits[0]: soft limit 2 is above the hard limit 1",
            "process.rlimits[1]: duplicate \"RLIMIT_CORE\"",
            "process.ioPriority.class: unknown \"X\"",
            "process.ioPriority.priority: 9 is out of range, 0 to 7",
            "linux.resources.unified.x: a file of cgroup v2 is named CONTROLLER.PARAMETER",
            "linux.resources.unified.cgroup.procs: belongs to the runtime",
            "linux.maskedPaths[0]: \"a\" is not an absolute path",
            "linux.maskedPaths[2]: \"c\" is not an absolute path",
            "linux.seccomp.flags[0]: unknown \"X\"",
            "linux.seccomp.flags[1]: unknown \"Y\"",
            "linux.seccomp.syscalls[0].names: empty",
            "linux.seccomp.syscalls[0].action: unknown \"Z\"",
            "linux.timeOffsets.boo: unknown clock, there are monotonic and boottime",
            "linux.netDevices.a/b: not the name of a network device",
            "linux.personality.domain: unknown \"X\"",
            "process.env[0]: \"A\" is not NAME=VALUE",
            "process.env[2]: \"=b\" is not NAME=VALUE",
            "linux.sysctl: \"kernel.panic\" belongs to the whole machine, not to a namespace",
            "linux.sysctl: \"net.x\" needs a \"network\" entry in linux.namespaces",
        });
}

TEST_CASE("a survey tells no error that only follows from another", "[spec]") {
  const spec::Survey found = survey(
      R"("args": ["x"], "cwd": "/", "rlimits": [{"type": "RLIMIT_CORE", "soft": 5, "hard": "x"}])");
  CHECK(errors(found) == Lines{"process.rlimits[0].hard: expected unsigned integer, found string"});
}

TEST_CASE("a survey names unknown members and what they were meant to be", "[spec]") {
  const spec::Survey found =
      survey(R"("args": ["x"], "cwd": "/", "noNewPrivilege": true, "user": {"UID": 1, "zzz": 1}})"
             R"(, "annotations": {"my.own": "x")",
             R"(, "hostnmae": "x", "windows": {})");
  std::vector<std::pair<std::string, std::string>> unknown;
  for (const auto& member : found.unknown) unknown.emplace_back(member.path, member.suggestion);
  std::sort(unknown.begin(), unknown.end());
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(unknown == Pairs{{"hostnmae", "hostname"},
                         {"process.noNewPrivilege", "noNewPrivileges"},
                         {"process.user.UID", "uid"},
                         {"process.user.zzz", ""}});
  CHECK(found.remarks == Lines{"windows: is for another platform, has no effect"});
}

TEST_CASE("a survey remarks on what has no effect", "[spec]") {
  const spec::Survey found = survey(
      R"("args": ["x"], "cwd": "/", "consoleSize": {"height": 1, "width": 1},
         "capabilities": {"bounding": ["CAP_CHOWN", "CAP_FOO"]})");
  CHECK(found.remarks ==
        Lines{"process.consoleSize: has no effect without a terminal",
              "process.capabilities.bounding[1]: unknown capability \"CAP_FOO\", has no effect"});
}

TEST_CASE("a survey of no JSON object fails", "[spec]") {
  CHECK(spec::survey("[]").error().text() == "config.json: expected object, found array");
  CHECK(spec::survey("{").error().text().starts_with("config.json: line 1, column 2"));
}

}  // namespace
