// The process object: what its fields do to the process.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

TEST_CASE("args are passed as they are", "[process]") {
  Bundle bundle;
  bundle.args({"/bin/sh", "-c", "for a in \"$0\" \"$@\"; do echo \"<$a>\"; done", "a b", "", "ü\n",
               "$HOME", "--"});
  CHECK(Container(bundle).run().out == "<a b>\n<>\n<ü\n>\n<$HOME>\n<-->\n");
}

TEST_CASE("a program without a slash is looked up in the container's PATH", "[process]") {
  Bundle bundle;
  write_file(bundle.rootfs() + "/opt/tool", "#!/bin/sh\necho from-opt\n", 0755);
  bundle.args({"tool"}).set("/process/env", R"(["PATH=/nowhere:/opt:/bin"])");
  CHECK(Container(bundle).run().out == "from-opt\n");
}

TEST_CASE("a relative program with a slash is found from cwd", "[process]") {
  Bundle bundle;
  write_file(bundle.rootfs() + "/opt/tool", "#!/bin/sh\necho from-cwd\n", 0755);
  bundle.args({"./tool"}).set("/process/cwd", "\"/opt\"");
  CHECK(Container(bundle).run().out == "from-cwd\n");
}

TEST_CASE("the environment is exactly the configured one", "[process]") {
  Bundle bundle;
  bundle.args({"/bin/env"});
  bundle.set("/process/env", R"(["PATH=/bin", "A=1", "HOME=/somewhere", "EMPTY=", "EQ=a=b"])");
  CommandOptions options;
  options.env = {{"FROM_OUTSIDE", "leak"}};
  Words found = lines(Container(bundle).run({}, options).out);
  CHECK(found == Words{"PATH=/bin", "A=1", "HOME=/somewhere", "EMPTY=", "EQ=a=b"});
}

TEST_CASE("of two environment entries of one name the last wins", "[process]") {
  DIFFERS(Crun, "passes both");
  Bundle bundle;
  bundle.args({"/bin/env"}).set("/process/env", R"(["PATH=/bin", "A=1", "A=2", "HOME=/"])");
  const std::string out = Container(bundle).run().out;
  CHECK(count(out, "A=") == 1);
  CHECK_THAT(out, Catch::Contains("A=2\n"));
}

TEST_CASE("HOME is the user's own where it is not configured", "[process]") {
  Bundle bundle;
  bundle.sh("echo $HOME");
  CHECK(Container(bundle).run().out == "/root\n");
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000})");
  CHECK(Container(bundle).run().out == "/home\n");
}

TEST_CASE("a hostile /etc/passwd does not hang the runtime", "[process][attack]") {
  DIFFERS(Runc, "1.1.5 fails or hangs");
  DIFFERS(Crun, "hangs");
  Bundle bundle;
  bundle.sh("echo fine");
  ::unlink((bundle.rootfs() + "/etc/passwd").c_str());
  SECTION("absent") {}
  SECTION("a fifo") { REQUIRE(::mkfifo((bundle.rootfs() + "/etc/passwd").c_str(), 0644) == 0); }
  SECTION("a directory") { make_directories(bundle.rootfs() + "/etc/passwd"); }
  SECTION("a line without end") {
    write_file(bundle.rootfs() + "/etc/passwd", std::string(4 << 20, 'x'));
  }
  CommandOptions options;
  options.seconds = 10;
  CHECK(Container(bundle).run({}, options).out == "fine\n");
}

TEST_CASE("cwd is the working directory, and is made if it is missing", "[process]") {
  Bundle bundle;
  bundle.args({"/bin/pwd"}).set("/process/cwd", "\"/tmp\"");
  CHECK(Container(bundle).run().out == "/tmp\n");
  bundle.set("/process/cwd", "\"/made/on/demand\"");
  CHECK(Container(bundle).run().out == "/made/on/demand\n");
}

TEST_CASE("a cwd that is no directory fails and leaves nothing behind", "[process]") {
  Bundle bundle;
  bundle.set("/process/cwd", "\"/etc/passwd\"");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  if (testing(Program::Skiff)) CHECK_THAT(output.err, Catch::Contains("/etc/passwd"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a cwd that only root may enter is entered before the user changes", "[process]") {
  Bundle bundle;
  const std::string directory = bundle.rootfs() + "/private";
  make_directories(directory);
  ::chmod(directory.c_str(), 0700);
  bundle.args({"/bin/true"}).set("/process/cwd", "\"/private\"");
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000})");
  CHECK(Container(bundle).run().ok());
}

TEST_CASE("user, additional groups and umask", "[process]") {
  Bundle bundle;
  bundle.set("/process/user",
             R"({"uid": 1000, "gid": 1001, "additionalGids": [5, 2000000000], "umask": 23})");
  const std::string out = output_of(bundle, "cat /proc/self/status; umask; touch /tmp/new");
  CHECK(field(out, "Uid") == "1000\t1000\t1000\t1000");
  CHECK(field(out, "Gid") == "1001\t1001\t1001\t1001");
  CHECK(field(out, "Groups") == "5 2000000000");
  CHECK_THAT(out, Catch::Contains("0027\n"));
  struct stat status {};
  REQUIRE(::stat((bundle.rootfs() + "/tmp/new").c_str(), &status) == 0);
  CHECK(status.st_uid == 1000);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("the caller's groups and umask do not reach the container", "[process]") {
  Bundle bundle;
  bundle.args({"/bin/cat", "/proc/self/status"});
  Container container(bundle);
  Words words{"/bin/sh", "-c", "umask 0777; exec \"$0\" \"$@\""};
  for (const std::string& word : container.words("run", {})) words.push_back(word);
  const Output output = run_command(words);
  INFO(output.err);
  CHECK(field(output.out, "Groups") == "");
  if (!testing(Program::Crun)) CHECK(field(output.out, "Umask") == "0022");
}

std::string capability_sets(Bundle& bundle) {
  const std::string out = output_of(bundle, "cat /proc/self/status");
  std::string found;
  for (const char* set : {"CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb"})
    found += std::to_string(std::stoull(field(out, set), nullptr, 16)) + " ";
  return found;
}

TEST_CASE("the five capability sets are exactly the configured ones", "[process]") {
  Bundle bundle;
  bundle.set("/process/capabilities", R"({
      "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SETPCAP"],
      "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
      "inheritable": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"]})");
  // As root execve(2) would give every bounding capability: another user shows the sets.
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000})");
  CHECK(capability_sets(bundle) == "8481 1 1 1 1 ");
}

TEST_CASE("root's capabilities after execve are the bounding set", "[process]") {
  Bundle bundle;
  bundle.set("/process/capabilities", R"({"bounding": ["CAP_CHOWN", "CAP_KILL"],
      "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"]})");
  CHECK(capability_sets(bundle) == "33 33 33 0 0 ");
}

TEST_CASE("ambient capabilities survive execve for an ordinary user", "[process]") {
  Bundle bundle;
  const char* set = R"(["CAP_NET_BIND_SERVICE", "CAP_CHOWN"])";
  for (const char* name : {"bounding", "effective", "permitted", "inheritable", "ambient"})
    bundle.set(("/process/capabilities/" + std::string(name)).c_str(), set);
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000})");
  CHECK(capability_sets(bundle) == "1025 1025 1025 1025 1025 ");
  CHECK(output_of(bundle, "touch /tmp/f && chown 5 /tmp/f && stat -c %u /tmp/f") == "5\n");
}

TEST_CASE("no capabilities object means no capabilities", "[process]") {
  DIFFERS(Runc, "keeps them");
  Bundle bundle;
  bundle.remove("/process/capabilities");
  CHECK(capability_sets(bundle) == "0 0 0 0 0 ");
}

TEST_CASE("inheritable is empty unless configured: CVE-2022-29162", "[process][attack]") {
  Bundle bundle;
  const std::string out = output_of(bundle, "cat /proc/self/status");
  CHECK(field(out, "CapInh") == "0000000000000000");
  CHECK(field(out, "CapAmb") == "0000000000000000");
}

TEST_CASE("a capability that this kernel does not know is skipped, as the specification says",
          "[process]") {
  DIFFERS(Crun, "refuses");
  Bundle bundle;
  const char* set = R"(["CAP_KILL", "CAP_FROM_THE_FUTURE"])";
  bundle.set("/process/capabilities", std::string(R"({"bounding": )") + set + R"(, "permitted": )" +
                                          set + R"(, "effective": )" + set + "}");
  const Output output = Container(bundle.args({"/bin/cat", "/proc/self/status"})).run();
  INFO(output.err);
  CHECK(field(output.out, "CapBnd") == "0000000000000020");
}

TEST_CASE("rlimits are set, both values", "[process]") {
  Bundle bundle;
  bundle.set("/process/rlimits", R"([
      {"type": "RLIMIT_NOFILE", "soft": 101, "hard": 202},
      {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
      {"type": "RLIMIT_FSIZE", "soft": 1048576, "hard": 2097152},
      {"type": "RLIMIT_STACK", "soft": 4194304, "hard": 8388608},
      {"type": "RLIMIT_NICE", "soft": 0, "hard": 0}])");
  const std::string out = output_of(bundle, "cat /proc/self/limits");
  const auto limit = [&](const std::string& name) {
    for (const std::string& line : lines(out))
      if (line.rfind(name, 0) == 0) {
        std::string words;
        for (const std::string& word : split(line.substr(name.size()), ' '))
          if (!word.empty()) words += word + " ";
        return words;
      }
    return std::string();
  };
  CHECK_THAT(limit("Max open files"), Catch::StartsWith("101 202 "));
  CHECK_THAT(limit("Max core file size"), Catch::StartsWith("0 0 "));
  CHECK_THAT(limit("Max file size"), Catch::StartsWith("1048576 2097152 "));
  CHECK_THAT(limit("Max stack size"), Catch::StartsWith("4194304 8388608 "));
}

TEST_CASE("every rlimit of the specification is known", "[process]") {
  Bundle bundle;
  for (const char* name :
       {"AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK", "MSGQUEUE", "NICE", "NOFILE",
        "NPROC", "RSS", "RTPRIO", "RTTIME", "SIGPENDING", "STACK"}) {
    INFO(name);
    // Each as it is out here, so that none needs to be raised.
    rlimit now{};
    const int numbers[] = {9, 4, 0, 2, 1, 10, 8, 12, 13, 7, 6, 5, 14, 15, 11, 3};
    static int index = 0;
    REQUIRE(::getrlimit(static_cast<__rlimit_resource>(numbers[index++ % 16]), &now) == 0);
    bundle.set("/process/rlimits", "[{\"type\": \"RLIMIT_" + std::string(name) +
                                       "\", \"soft\": " + std::to_string(now.rlim_cur) +
                                       ", \"hard\": " + std::to_string(now.rlim_max) + "}]");
    const Output output = Container(bundle).run();
    CHECK(output.err == "");
    CHECK(output.ok());
  }
}

TEST_CASE("a limit that cannot be raised is an error that names it", "[process]") {
  constexpr unsigned kSysResource = 24;
  NEEDS(!has_capability(kSysResource), "CAP_SYS_RESOURCE can raise every limit");
  Bundle bundle;
  bundle.set("/process/rlimits",
             R"([{"type": "RLIMIT_NOFILE", "soft": 1048577, "hard": 1048577}])");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  if (testing(Program::Skiff)) {
    CHECK_THAT(output.err, Catch::Contains("RLIMIT_NOFILE") && Catch::Contains("process.rlimits"));
    CHECK_THAT(output.err, Catch::Contains("1048577"));
  }
  CHECK(leftovers.found() == "");
}

TEST_CASE("noNewPrivileges", "[process]") {
  Bundle bundle;
  CHECK(field(output_of(bundle, "cat /proc/self/status"), "NoNewPrivs") == "0");
  bundle.set("/process/noNewPrivileges", "true");
  CHECK(field(output_of(bundle, "cat /proc/self/status"), "NoNewPrivs") == "1");
}

TEST_CASE("oomScoreAdj", "[process]") {
  Bundle bundle;
  bundle.set("/process/oomScoreAdj", "345");
  CHECK(output_of(bundle, "cat /proc/self/oom_score_adj") == "345\n");
  bundle.remove("/process/oomScoreAdj");
  CHECK(output_of(bundle, "cat /proc/self/oom_score_adj") == read_file("/proc/self/oom_score_adj"));
}

TEST_CASE("the process starts with default signal dispositions and an empty mask", "[process]") {
  Bundle bundle;
  bundle.args({"/bin/cat", "/proc/self/status"});
  Container container(bundle);
  Words words{"/bin/sh", "-c", "trap '' PIPE HUP USR1; exec \"$0\" \"$@\""};
  for (const std::string& word : container.words("run", {})) words.push_back(word);
  const Output output = run_command(words);
  INFO(output.err);
  CHECK(field(output.out, "SigBlk") == "0000000000000000");
  if (testing(Program::Skiff)) CHECK(field(output.out, "SigIgn") == "0000000000000000");
}

TEST_CASE("the process leads a session of its own", "[process]") {
  Bundle bundle;
  const std::string out = output_of(bundle, "cut -d' ' -f1,5,6 /proc/1/stat");
  CHECK(out == "1 1 1\n");
}

TEST_CASE("the session keyring is new unless told otherwise", "[process]") {
  NEEDS(exists("/proc/keys"), "the kernel has no keyrings");
  // A key that only its possessor may see: visible inside only through the session keyring.
  constexpr long kAddKey = 248, kKeyctl = 250;
  constexpr int kJoinSession = 1, kSetPermissions = 5, kSessionKeyring = -3;
  Bundle bundle;
  bundle.sh("cat /proc/keys");
  Container container(bundle);
  const auto secret_seen = [&](const Words& flags) {
    const Words words = container.words("run", flags);
    return in_child([&] {
      if (::syscall(kKeyctl, kJoinSession, nullptr) < 0) return 2;
      const long key = ::syscall(kAddKey, "user", "it-secret", "x", 1, kSessionKeyring);
      if (key < 0 || ::syscall(kKeyctl, kSetPermissions, key, 0x3f000000) < 0) return 2;
      const Output output = run_command(words);
      if (!output.ok()) return 3;
      return contains(output.out, "it-secret") ? 1 : 0;
    });
  };
  CHECK(secret_seen({}) == 0);
  CHECK(secret_seen({"--no-new-keyring"}) == 1);
}

TEST_CASE("a create without a process is refused clearly or kept for later", "[process]") {
  SKIFF_ONLY("decides it this way");
  Bundle bundle;
  bundle.remove("/process");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  const Output created = container.create();
  if (created.ok()) {
    CHECK(container.status() == "created");
    const Output started = container.start();
    CHECK(started.status == 1);
    CHECK_THAT(started.err, Catch::Contains("process"));
    CHECK(container.remove({"--force"}).ok());
  } else {
    CHECK_THAT(created.err, Catch::Contains("process"));
  }
  CHECK(leftovers.found() == "");
}

}  // namespace
}  // namespace tests
