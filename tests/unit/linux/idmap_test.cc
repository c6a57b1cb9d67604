#include "src/linux/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "src/linux/spawn.h"
#include "tests/support/scratch.h"
#include "tests/support/skip.h"

namespace skiff::idmap {
namespace {

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<uint32_t> numbers(const std::string& path) {
  std::istringstream words(content(path));
  std::vector<uint32_t> found;
  for (uint32_t number = 0; words >> number;) found.push_back(number);
  return found;
}

/// A forked process in a new user namespace, which calls `body` after go() and ends with what it
/// returns.
class Namespaced {
 public:
  explicit Namespaced(const std::function<int()>& body) {
    int ready[2];
    int go[2];
    if (::pipe2(ready, O_CLOEXEC) < 0 || ::pipe2(go, O_CLOEXEC) < 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_DUMPABLE, 1);  // the tests below change the user, which makes /proc root's
      char byte = static_cast<char>(::unshare(CLONE_NEWUSER) == 0);
      ::close(go[1]);
      if (::write(ready[1], &byte, 1) != 1 || ::read(go[0], &byte, 1) != 1) ::_exit(119);
      ::_exit(body());
    }
    ready_ = Fd(ready[0]);
    go_ = Fd(go[1]);
    ::close(ready[1]);
    ::close(go[0]);
    char allowed = 0;
    if (::read(ready_.get(), &allowed, 1) == 1) allowed_ = allowed == 1;
  }
  ~Namespaced() {
    go_.close();
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  bool allowed() const { return allowed_; }
  pid_t pid() const { return pid_; }
  std::string proc(const char* file) const { return fmt::format("/proc/{}/{}", pid_, file); }
  int go() {
    const char byte = 1;
    int status = -1;
    if (::write(go_.get(), &byte, 1) != 1 || ::waitpid(pid_, &status, 0) != pid_) return -1;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  Fd ready_;
  Fd go_;
  pid_t pid_ = 0;
  bool allowed_ = false;
};

/// Calls `body` in a forked process without privileges; what it returns.
int unprivileged(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 &&
        (::setresgid(kNobody, kNobody, kNobody) < 0 || ::setresuid(kNobody, kNobody, kNobody) < 0))
      ::_exit(118);
    ::prctl(PR_SET_DUMPABLE, 1);
    ::_exit(body());
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

constexpr int kSkipped = 77;

}  // namespace

TEST_CASE("an id inside has an id outside if a mapping covers it", "[linux]") {
  const Mappings mappings = {{0, 1000, 1}, {1, 100000, 65536}, {4294967290u, 5, 5}};
  CHECK(to_host(mappings, 0) == 1000);
  CHECK(to_host(mappings, 1) == 100000);
  CHECK(to_host(mappings, 65536) == 165535);
  CHECK_FALSE(to_host(mappings, 65537));
  CHECK(to_host(mappings, 4294967294u) == 9);
  CHECK_FALSE(to_host(mappings, 4294967295u));
  CHECK_FALSE(to_host({}, 0));
}

TEST_CASE("a map has one line for each mapping", "[linux]") {
  CHECK(map_lines({{0, 1000, 1}, {1, 100000, 65536}}) == "0 1000 1\n1 100000 65536\n");
  CHECK(map_lines({}).empty());
}

TEST_CASE("the own ids are mapped, and make a root", "[linux]") {
  Namespaced child([] {
    if (!become_root(false)) return 1;
    return ::getuid() == 0 && ::geteuid() == 0 && ::getgid() == 0 ? 0 : 2;
  });
  if (!child.allowed()) SKIP("user namespaces are not allowed here");
  const auto written = write_maps(child.pid(), {{0, ::geteuid(), 1}}, {{0, ::getegid(), 1}});
  REQUIRE(written);
  CHECK(numbers(child.proc("uid_map")) == std::vector<uint32_t>{0, ::geteuid(), 1});
  CHECK(numbers(child.proc("gid_map")) == std::vector<uint32_t>{0, ::getegid(), 1});
  CHECK(child.go() == 0);
}

TEST_CASE("without privileges the own ids are mapped and setgroups is denied", "[linux]") {
  const int outcome = unprivileged([] {
    Namespaced child(
        [] { return become_root(false) && ::getuid() == 0 && ::getgid() == 0 ? 0 : 1; });
    if (!child.allowed()) return kSkipped;
    if (!write_maps(child.pid(), {{0, ::geteuid(), 1}}, {{0, ::getegid(), 1}})) return 2;
    if (content(child.proc("setgroups")) != "deny\n") return 3;
    return child.go();
  });
  if (outcome == kSkipped) SKIP("user namespaces are not allowed here");
  CHECK(outcome == 0);
}

TEST_CASE("where 0 is not mapped the user stays who he is", "[linux]") {
  const uid_t user = ::geteuid();
  Namespaced child([user] { return become_root(false) && ::getuid() == 7 && user != 7 ? 0 : 1; });
  if (!child.allowed()) SKIP("user namespaces are not allowed here");
  REQUIRE(write_maps(child.pid(), {{7, ::geteuid(), 1}}, {{7, ::getegid(), 1}}));
  CHECK(child.go() == 0);
}

TEST_CASE("a map can be written once", "[linux]") {
  Namespaced child([] { return 0; });
  if (!child.allowed()) SKIP("user namespaces are not allowed here");
  REQUIRE(write_maps(child.pid(), {{0, ::geteuid(), 1}}, {}));
  CHECK_THAT(write_maps(child.pid(), {{0, ::geteuid(), 1}}, {}).error().text(),
             Catch::Matchers::StartsWith(
                 "linux.uidMappings: write uid_map: Operation not permitted (hint: "));
}

TEST_CASE("more ids than one's own are left to newuidmap and newgidmap", "[linux]") {
  const tests::Scratch scratch;
  const std::string& tmp = scratch.root();
  std::filesystem::permissions(tmp, std::filesystem::perms::all);
  const auto script = [&](const std::string& program, const std::string& text) {
    scratch.put(program, "#!/bin/sh\n" + text);
    std::filesystem::permissions(scratch.path(program), std::filesystem::perms::all);
  };
  script("newuidmap", "echo \"$@\" > " + tmp + "/uids\n");
  script("newgidmap", "echo 'range not allowed' >&2\nexit 1\n");

  const std::string before = std::getenv("PATH");
  ::setenv("PATH", ("relative::/nonexistent:" + tmp).c_str(), 1);
  const int outcome = unprivileged([&] {
    Namespaced child([] { return 0; });
    if (!child.allowed()) return kSkipped;
    const Mappings mappings = {{0, ::geteuid(), 1}, {1, 100000, 65536}};
    const auto written = write_maps(child.pid(), mappings, mappings);
    if (content(tmp + "/uids") !=
        fmt::format("{} 0 {} 1 1 100000 65536\n", child.pid(), ::geteuid()))
      return 1;
    if (written || written.error().text() !=
                       "linux.gidMappings: newgidmap failed: \"range not allowed\" (hint: grant "
                       "the ids in /etc/subgid)")
      return 2;
    ::setenv("PATH", "/nonexistent", 1);
    const auto missing = write_maps(child.pid(), mappings, mappings);
    if (missing || missing.error().text() !=
                       "linux.uidMappings: newuidmap: not found in PATH (hint: install the package "
                       "uidmap (shadow-utils))")
      return 3;
    return 0;
  });
  ::setenv("PATH", before.c_str(), 1);
  if (outcome == kSkipped) SKIP("user namespaces are not allowed here");
  CHECK(outcome == 0);
}

TEST_CASE("more mappings than a map can hold are an error before anything is written", "[linux]") {
  if (::geteuid() != 0) SKIP("only a privileged caller writes such maps himself");
  Namespaced child([] { return 0; });
  if (!child.allowed()) SKIP("user namespaces are not allowed here");
  Mappings mappings;
  for (uint32_t i = 0; i < 400; ++i) mappings.push_back({i * 2, 100000 + i * 2, 1});
  CHECK(write_maps(child.pid(), mappings, {}).error().text() ==
        fmt::format("linux.uidMappings: 400 mappings are {} bytes; the kernel takes less than 4096",
                    map_lines(mappings).size()));
}

TEST_CASE("a process that is gone is an error", "[linux]") {
  CHECK(write_maps(0x7ffffff0, {{0, 0, 1}}, {}).error().text() ==
        "open /proc/2147483632: No such file or directory");
}

}  // namespace skiff::idmap
