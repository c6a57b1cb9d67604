#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "src/base/fd.h"
#include "src/base/log.h"
#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

Process process_of(const std::string& members) { return *decoded(with_process(members)).process; }

/// What is logged while it lives.
class LogCapture {
 public:
  LogCapture() : file_(::memfd_create("log", MFD_CLOEXEC)) {
    log::configure(file_.get(), log::Format::Json, log::Level::Warning);
  }
  ~LogCapture() { log::configure(STDERR_FILENO, log::Format::Text, log::Level::Warning); }
  std::string text() const {
    char buffer[4096];
    const ssize_t size = ::pread(file_.get(), buffer, sizeof buffer, 0);
    return std::string(buffer, static_cast<size_t>(size));
  }

 private:
  Fd file_;
};

}  // namespace

TEST_CASE("a process decodes as podman writes it", "[spec]") {
  const Process process = process_of(R"(
    "user": {"uid": 1000, "gid": 100, "umask": 18, "additionalGids": [5, 6]},
    "args": ["/bin/sleep", "30"], "env": ["PATH=/bin", "HOME="], "cwd": "/root",
    "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_CHROOT"], "permitted": ["CAP_CHOWN"],
                     "effective": ["CAP_CHOWN"]},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 20000, "soft": 10000},
                {"type": "RLIMIT_NPROC", "hard": 18446744073709551615, "soft": 18446744073709551615}],
    "noNewPrivileges": true, "oomScoreAdj": -500)");
  CHECK(process.user.uid == 1000);
  CHECK(process.user.gid == 100);
  CHECK(process.user.umask == 022u);
  CHECK(process.user.additional_gids == std::vector<uint32_t>{5, 6});
  CHECK(process.args == std::vector<std::string>{"/bin/sleep", "30"});
  CHECK(process.env == std::vector<std::string>{"PATH=/bin", "HOME="});
  CHECK(process.cwd == "/root");
  REQUIRE(process.capabilities);
  CHECK(process.capabilities->bounding == ((1u << CAP_CHOWN) | (1u << CAP_SYS_CHROOT)));
  CHECK(process.capabilities->permitted == 1u << CAP_CHOWN);
  CHECK(process.capabilities->inheritable == 0);
  CHECK(process.capabilities->ambient == 0);
  REQUIRE(process.rlimits.size() == 2);
  CHECK(process.rlimits[0].resource == RLIMIT_NOFILE);
  CHECK(process.rlimits[0].soft == 10000);
  CHECK(process.rlimits[0].hard == 20000);
  CHECK(process.rlimits[1].resource == RLIMIT_NPROC);
  CHECK(process.rlimits[1].hard == RLIM64_INFINITY);
  CHECK(process.no_new_privileges);
  CHECK(process.oom_score_adj == -500);
  CHECK_FALSE(process.terminal);
}

TEST_CASE("what a process does not say has no value", "[spec]") {
  const Process process = process_of("");
  CHECK(process.user.uid == 0);
  CHECK_FALSE(process.user.umask);
  CHECK(process.env.empty());
  CHECK_FALSE(process.capabilities);
  CHECK_FALSE(process.console_size);
  CHECK_FALSE(process.oom_score_adj);
  CHECK_FALSE(process.no_new_privileges);
}

TEST_CASE("a console size counts only with a terminal", "[spec]") {
  const Process process =
      process_of(R"("terminal": true, "consoleSize": {"height": 25, "width": 80})");
  REQUIRE(process.console_size);
  CHECK(process.console_size->height == 25);
  CHECK(process.console_size->width == 80);
  CHECK_FALSE(process_of(R"("consoleSize": {"height": "wrong"})").console_size);
  CHECK_FALSE(process_of(R"("terminal": false, "consoleSize": {})").console_size);
}

TEST_CASE("every limit of getrlimit(2) has its number", "[spec]") {
  const std::pair<const char*, int> table[] = {
      {"AS", RLIMIT_AS},           {"CORE", RLIMIT_CORE},         {"CPU", RLIMIT_CPU},
      {"DATA", RLIMIT_DATA},       {"FSIZE", RLIMIT_FSIZE},       {"LOCKS", RLIMIT_LOCKS},
      {"MEMLOCK", RLIMIT_MEMLOCK}, {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE},
      {"NOFILE", RLIMIT_NOFILE},   {"NPROC", RLIMIT_NPROC},       {"RSS", RLIMIT_RSS},
      {"RTPRIO", RLIMIT_RTPRIO},   {"RTTIME", RLIMIT_RTTIME},     {"SIGPENDING", RLIMIT_SIGPENDING},
      {"STACK", RLIMIT_STACK},
  };
  std::string all;
  for (const auto& [name, resource] : table) {
    all += std::string(all.empty() ? "" : ", ") + R"({"type": "RLIMIT_)" + name +
           R"(", "soft": 1, "hard": 2})";
  }
  const Process process = process_of("\"rlimits\": [" + all + "]");
  REQUIRE(process.rlimits.size() == RLIM_NLIMITS);
  for (size_t i = 0; i < std::size(table); ++i) {
    CAPTURE(table[i].first);
    CHECK(process.rlimits[i].resource == table[i].second);
  }
}

TEST_CASE("every member of a process has its type and range", "[spec]") {
  const BadMembers table[] = {
      {R"("terminal": "yes")", "terminal: expected boolean, found string"},
      {R"("terminal": true, "consoleSize": [25, 80])", "consoleSize: expected object, found array"},
      {R"("terminal": true, "consoleSize": {"height": 25})", "consoleSize.width: missing"},
      {R"("terminal": true, "consoleSize": {"width": 80})", "consoleSize.height: missing"},
      {R"("terminal": true, "consoleSize": {"height": 65536, "width": 80})",
       "consoleSize.height: 65536 is out of range, at most 65535"},
      {R"("terminal": true, "consoleSize": {"height": 25, "width": -1})",
       "consoleSize.width: expected unsigned integer, found negative integer"},
      {R"("user": "root")", "user: expected object, found string"},
      {R"("user": {"uid": "root", "gid": 0})", "user.uid: expected unsigned integer, found string"},
      {R"("user": {"gid": 0})", "user.uid: missing"},
      {R"("user": {"uid": 0})", "user.gid: missing"},
      {R"("user": {"uid": -1, "gid": 0})",
       "user.uid: expected unsigned integer, found negative integer"},
      {R"("user": {"uid": 4294967296, "gid": 0})",
       "user.uid: 4294967296 is out of range, at most 4294967295"},
      {R"("user": {"uid": 4294967295, "gid": 0})", "user.uid: 4294967295 is no user or group id"},
      {R"("user": {"uid": 0, "gid": 4294967295})", "user.gid: 4294967295 is no user or group id"},
      {R"("user": {"uid": 0, "gid": 0, "additionalGids": [1, 4294967295]})",
       "user.additionalGids[1]: 4294967295 is no user or group id"},
      {R"("user": {"uid": 0, "gid": 0, "additionalGids": 5})",
       "user.additionalGids: expected array, found unsigned integer"},
      {R"("user": {"uid": 0, "gid": 0, "additionalGids": ["5"]})",
       "user.additionalGids[0]: expected unsigned integer, found string"},
      {R"("user": {"uid": 0, "gid": 0, "umask": 4096})",
       "user.umask: 4096 is out of range, at most 4095"},
      {R"("user": {"uid": 0, "gid": 0, "umask": "022"})",
       "user.umask: expected unsigned integer, found string"},
      {R"("args": "sh")", "args: expected array, found string"},
      {R"("args": [1])", "args[0]: expected string, found unsigned integer"},
      {R"("args": [])", "args: empty"},
      {R"("args": null)", "args: empty"},
      {R"("args": ["", "x"])", "args[0]: empty"},
      {R"("env": {"A": "1"})", "env: expected array, found object"},
      {R"("env": ["A=1", "B"])", "env[1]: \"B\" is not NAME=VALUE"},
      {R"("env": ["=1"])", "env[0]: \"=1\" is not NAME=VALUE"},
      {R"("cwd": null)", "cwd: missing"},
      {R"("cwd": 1)", "cwd: expected string, found unsigned integer"},
      {R"("cwd": "")", "cwd: \"\" is not an absolute path"},
      {R"("cwd": "home/me")", "cwd: \"home/me\" is not an absolute path"},
      {R"("capabilities": ["CAP_KILL"])", "capabilities: expected object, found array"},
      {R"("capabilities": {"ambient": "CAP_KILL"})",
       "capabilities.ambient: expected array, found string"},
      {R"("capabilities": {"bounding": [5]})",
       "capabilities.bounding[0]: expected string, found unsigned integer"},
      {R"("capabilities": {"effective": {}})",
       "capabilities.effective: expected array, found object"},
      {R"("capabilities": {"permitted": 1})",
       "capabilities.permitted: expected array, found unsigned integer"},
      {R"("capabilities": {"inheritable": false})",
       "capabilities.inheritable: expected array, found boolean"},
      {R"("rlimits": {})", "rlimits: expected array, found object"},
      {R"("rlimits": [{"soft": 1, "hard": 1}])", "rlimits[0].type: missing"},
      {R"("rlimits": [{"type": "NOFILE", "soft": 1, "hard": 1}])",
       "rlimits[0].type: unknown \"NOFILE\""},
      {R"("rlimits": [{"type": "RLIMIT_CPU", "hard": 1}])", "rlimits[0].soft: missing"},
      {R"("rlimits": [{"type": "RLIMIT_CPU", "soft": 1}])", "rlimits[0].hard: missing"},
      {R"("rlimits": [{"type": "RLIMIT_CPU", "soft": -1, "hard": 1}])",
       "rlimits[0].soft: expected unsigned integer, found negative integer"},
      {R"("rlimits": [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}])",
       "rlimits[0]: soft limit 2 is above the hard limit 1"},
      {R"("rlimits": [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1},
                      {"type": "RLIMIT_AS", "soft": 1, "hard": 1},
                      {"type": "RLIMIT_CPU", "soft": 1, "hard": 1}])",
       "rlimits[2]: duplicate \"RLIMIT_CPU\""},
      {R"("noNewPrivileges": "true")", "noNewPrivileges: expected boolean, found string"},
      {R"("oomScoreAdj": "100")", "oomScoreAdj: expected integer, found string"},
      {R"("oomScoreAdj": 1001)", "oomScoreAdj: 1001 is out of range, -1000 to 1000"},
      {R"("oomScoreAdj": -1001)", "oomScoreAdj: -1001 is out of range, -1000 to 1000"},
  };
  for (const BadMembers& row : table) {
    CHECK(refusal(with_process(row.members)) == "process." + row.error);
    // `exec --process` reads the same object alone.
    const auto alone = decode_process(process_text(row.members));
    REQUIRE_FALSE(alone);
    CHECK(alone.error().text() == "process." + row.error);
  }
}

TEST_CASE("members for Windows are ignored", "[spec]") {
  process_of(R"("commandLine": "cmd.exe", "user": {"uid": 0, "gid": 0, "username": "x"})");
}

TEST_CASE("an unknown capability is dropped with a warning", "[spec]") {
  const LogCapture log;
  const Process process = process_of(R"("capabilities": {
    "bounding": ["CAP_KILL", "CAP_FLY", "CAP_KILL=ep", "5", "chown", ""]})");
  CHECK(process.capabilities->bounding == ((1u << CAP_KILL) | (1u << CAP_CHOWN)));
  const std::string logged = log.text();
  CHECK_THAT(logged,
             Catch::Contains(R"("level":"warning","msg":"process.capabilities.bounding[1]: )"
                             R"(unknown capability \"CAP_FLY\", ignoring")"));
  CHECK_THAT(logged,
             Catch::Contains(R"(bounding[2]: unknown capability \"CAP_KILL=ep\", ignoring)"));
  CHECK_THAT(logged, Catch::Contains(R"(bounding[3]: unknown capability \"5\", ignoring)"));
  CHECK_THAT(logged, Catch::Contains(R"(bounding[5]: unknown capability \"\", ignoring)"));
}

TEST_CASE("a process alone is located as process", "[spec]") {
  const auto process = decode_process(process_text(R"("user": {"uid": 7, "gid": 8})"));
  REQUIRE(process);
  CHECK(process->user.gid == 8);
  CHECK(decode_process("{\n]").error().text() ==
        "process: line 2, column 1: Missing a name for object member");
  CHECK(decode_process("[]").error().text() == "process: expected object, found array");
}
