// What has been done to container runtimes before: each test is a known attack and expects it
// to fail. They bring their own victims; nothing of the machine is at stake if one succeeds.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/integration/support/container.h"
#include "tests/integration/support/intruder.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

/// A copy of the runtime under test, in the place of which the attacker would put its own.
class Victim {
 public:
  explicit Victim(const Bundle& bundle) : path_(bundle.file("runtime-copy")) {
    REQUIRE(run_command({"cp", environment().runtime, path_}).ok());
    before_ = read_file(path_);
  }
  const std::string& path() const { return path_; }
  bool unharmed() const { return read_file(path_) == before_; }

 private:
  std::string path_;
  std::string before_;
};

Words with_program(Words words, const std::string& program) {
  words[0] = program;
  return words;
}

TEST_CASE("the container cannot overwrite the runtime through /proc/self/exe: CVE-2019-5736",
          "[attack]") {
  Bundle bundle;
  const Victim victim(bundle);
  // The program to run is the runtime itself, as init or exec are about to leave it.
  write_file(bundle.rootfs() + "/bin/script", "#!/proc/self/exe\n", 0755);
  REQUIRE(::symlink("/proc/self/exe", (bundle.rootfs() + "/bin/link").c_str()) == 0);
  bundle.sh("sleep 1000");
  Container container(bundle);
  container.launch();

  // Holds every executable it sees open and writes to it as soon as nobody runs it any more.
  const Intruder intruder(container.pid(), [](Score& score) {
    static int held[64];
    static int count = 0;
    DIR* processes = ::opendir("/proc");
    if (processes == nullptr) return;
    while (const dirent* entry = ::readdir(processes)) {
      if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
      char path[300];
      std::snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
      const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      struct stat own {
      }, seen{};
      ::stat("/bin/busybox", &own);
      ::fstat(fd, &seen);
      struct stat self {};
      ::stat("/proc/self/exe", &self);
      const bool theirs = (seen.st_dev != own.st_dev || seen.st_ino != own.st_ino) &&
                          (seen.st_dev != self.st_dev || seen.st_ino != self.st_ino);
      if (theirs) ++score.sightings;
      if (theirs && count < 64)
        held[count++] = fd;
      else
        ::close(fd);
    }
    ::closedir(processes);
    for (int index = 0; index < count; ++index) {
      char path[64];
      std::snprintf(path, sizeof path, "/proc/self/fd/%d", held[index]);
      const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
      if (fd < 0) continue;
      if (::write(fd, "owned", 5) == 5) ++score.successes;
      ::close(fd);
    }
  });
  REQUIRE(intruder.ready());
  for (int round = 0; round < 15; ++round)
    for (const char* program : {"/proc/self/exe", "/bin/script", "/bin/link"}) {
      CommandOptions options;
      options.seconds = 10;
      run_command(with_program(container.words("exec", {}, {program}), victim.path()), options);
    }
  CHECK(victim.unharmed());
  CHECK(intruder.score().successes == 0);

  // And as the container's first process.
  for (const char* program : {"/proc/self/exe", "/bin/script", "/bin/link"}) {
    Bundle other;
    write_file(other.rootfs() + "/bin/script", "#!/proc/self/exe\n", 0755);
    REQUIRE(::symlink("/proc/self/exe", (other.rootfs() + "/bin/link").c_str()) == 0);
    Container first(other.args({program}));
    CommandOptions options;
    options.seconds = 10;
    run_command(with_program(first.words("run", {}), victim.path()), options);
  }
  CHECK(victim.unharmed());
}

/// True if process `pid` still is the runtime's: its command line is not the user's.
bool is_runtime(const char* pid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[256] = {};
  const ssize_t size = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  return size > 0 && std::strcmp(text, "/bin/true") != 0;
}

TEST_CASE("a process that is joining cannot be looked into or traced: CVE-2016-9962", "[attack]") {
  Bundle bundle;
  bundle.args({"/bin/sleep", "1000"});
  Container container(bundle);
  container.launch();
  const Intruder intruder(container.pid(), [](Score& score) {
    const pid_t self = ::getpid();
    for (pid_t pid = self + 1; pid < self + 1000; ++pid) {
      char name[16];
      std::snprintf(name, sizeof name, "%d", pid);
      if (::kill(pid, 0) < 0 || !is_runtime(name)) continue;
      ++score.sightings;
      char path[64];
      std::snprintf(path, sizeof path, "/proc/%d/mem", pid);
      const int memory = ::open(path, O_RDWR | O_CLOEXEC);
      bool seen = false;
      for (int fd = 0; fd < 10; ++fd) {
        std::snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
        char target[64];
        seen = seen || ::readlink(path, target, sizeof target) >= 0;
      }
      const bool traced = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0;
      // Only what was had while it still was the runtime's counts.
      if ((memory >= 0 || seen || traced) && is_runtime(name)) ++score.successes;
      if (traced) ::kill(pid, SIGKILL);
      if (memory >= 0) ::close(memory);
      if (traced) ::waitpid(pid, nullptr, __WALL);
    }
  });
  REQUIRE(intruder.ready());
  for (int round = 0; round < 200 && (round < 40 || intruder.score().sightings < 10); ++round)
    container.exec({}, {"/bin/true"});
  CHECK(intruder.score().sightings > 0);
  CHECK(intruder.score().successes == 0);
}

TEST_CASE("a created init cannot be traced by another process of its container", "[attack]") {
  // Two containers that share a pid namespace: the second is parked before its execve.
  Bundle bundle;
  bundle.sh("sleep 1000");
  Container first(bundle);
  first.launch();
  bundle.ns("pid", "/proc/" + std::to_string(first.pid()) + "/ns/pid");
  Container second(bundle);
  REQUIRE(second.create().ok());
  CHECK(first
            .sh("for p in /proc/[0-9]*; do case $(readlink $p/exe) in /bin/busybox) ;; "
                "'') echo hidden ;; *) echo $p ;; esac; done")
            .out == "hidden\n");
}

TEST_CASE("/proc and /sys must not be symbolic links: CVE-2019-19921, CVE-2023-28642", "[attack]") {
  DIFFERS(Crun, "resolves them inside the rootfs");
  for (const char* name : {"proc", "sys"}) {
    INFO(name);
    Bundle bundle;
    ::rmdir((bundle.rootfs() + "/" + name).c_str());
    make_directories(bundle.rootfs() + "/elsewhere");
    REQUIRE(::symlink("/elsewhere", (bundle.rootfs() + "/" + name).c_str()) == 0);
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains(std::string("/") + name));
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("a cwd that is a descriptor does not lead to the host: CVE-2024-21626", "[attack]") {
  DIFFERS(Crun, "1.8.1 is vulnerable");
  Bundle bundle;
  // What an escape would find: the tests' scratch directory, by way of the host's root.
  const std::string probe = "test -e ./../../../../../../../../.." + environment().scratch +
                            " && echo escaped; test -e ./runtime-copy && echo escaped; true";
  const Victim victim(bundle);
  REQUIRE(::symlink("/proc/self/fd/7", (bundle.rootfs() + "/link").c_str()) == 0);
  CommandOptions untidy;
  const skiff::Fd directory(::open(bundle.directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  untidy.descriptors = {{directory.get(), 7}, {directory.get(), 12}};

  std::vector<std::string> paths{"/link"};
  for (int number = 3; number <= 20; ++number)
    paths.push_back("/proc/self/fd/" + std::to_string(number));
  for (const std::string& cwd : paths) {
    INFO("run in " << cwd);
    bundle.sh(probe).set("/process/cwd", quote(cwd));
    const Output output = Container(bundle).run({}, untidy);
    CHECK_FALSE(contains(output.out, "escaped"));
  }
  bundle.sh("sleep 1000").set("/process/cwd", "\"/\"");
  Container container(bundle);
  container.launch();
  for (const std::string& cwd : paths) {
    INFO("exec in " << cwd);
    const Output output = container.exec({"--cwd", cwd}, {"/bin/sh", "-c", probe}, untidy);
    CHECK_FALSE(contains(output.out, "escaped"));
  }
}

TEST_CASE(
    "an exchange of directory and link does not lead a mount out: CVE-2021-30465, "
    "CVE-2024-45310",
    "[attack]") {
  DIFFERS(Runc, "1.1.5 is vulnerable");
  Bundle bundle;
  const std::string victim = bundle.file("victim");
  make_directories(victim);
  const std::string volume = bundle.file("volume");
  make_directories(volume + "/dir");
  // For whoever follows it on the host or from before pivot_root.
  REQUIRE(::symlink(("../../../../../../../../../.." + victim).c_str(),
                    (volume + "/link").c_str()) == 0);
  write_file(bundle.file("source"), "x");
  bundle.mount("/vol", "bind", volume, "rbind");
  bundle.mount("/vol/dir/made", "tmpfs", "racer", "size=4k");
  bundle.mount("/vol/dir/file", "bind", bundle.file("source"), "bind");
  bundle.sh("grep -c ' racer ' /proc/self/mountinfo");
  const Exchanger exchanger(volume + "/dir", volume + "/link");
  int started = 0;
  for (int round = 0; round < 100; ++round) {
    const Output output = Container(bundle).run();
    if (!output.ok()) continue;
    ++started;
    // A mount that is not to be seen inside has landed elsewhere.
    CHECK(output.out == "1\n");
  }
  CHECK(list_directory(victim).empty());
  WARN(started << " of 100 starts got past the racer");
}

TEST_CASE("the rootfs's own links do not lead /dev out: CVE-2026-41579", "[attack]") {
  DIFFERS(Runc, "1.1.5 is vulnerable");
  for (const char* path : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) {
    INFO(path);
    Bundle bundle;
    const std::string victim = bundle.file("victim");
    make_directories(victim);
    const std::string link = bundle.rootfs() + path;
    run_command({"rm", "-rf", link});
    REQUIRE(::symlink(("../../../../../../../../../.." + victim).c_str(), link.c_str()) == 0);
    bundle.remove("/mounts/1");  // no tmpfs on /dev: the nodes are made in the image's own
    Container container(bundle);
    container.create();
    CHECK(list_directory(victim).empty());
    container.remove({"--force"});
    CHECK(list_directory(victim).empty());
  }
}

TEST_CASE("links in a volume on /dev do not lead out", "[attack]") {
  Bundle bundle;
  const std::string victim = bundle.file("victim");
  write_file(victim, "untouched");
  const std::string dev = bundle.file("dev");
  for (const char* name : {"null", "zero", "console", "ptmx", "fd", "stdin", "core", "tty"}) {
    make_directories(dev);
    REQUIRE(::symlink(("../../../../../../../../../.." + victim).c_str(),
                      (dev + "/" + name).c_str()) == 0);
  }
  bundle.remove("/mounts/1");
  bundle.set("/mounts/0", R"({"destination": "/proc", "type": "proc", "source": "proc"})");
  bundle.set("/mounts/1", "{\"destination\": \"/dev\", \"type\": \"bind\", \"source\": " +
                              quote(dev) + ", \"options\": [\"bind\"]}");
  Container container(bundle.sh("echo x > /dev/null; echo y > /dev/zero"));
  container.run();
  CHECK(read_file(victim) == "untouched");
  struct stat status {};
  REQUIRE(::stat(victim.c_str(), &status) == 0);
  CHECK(S_ISREG(status.st_mode));
}

TEST_CASE("a /dev/null that is a link does not turn masking into exposing: CVE-2025-31133",
          "[attack]") {
  DIFFERS(Runc, "1.1.5 is vulnerable");
  Bundle bundle;
  write_file(bundle.rootfs() + "/masked", "secret");
  write_file(bundle.rootfs() + "/exposed", "exposed");
  const std::string dev = bundle.file("dev");
  make_directories(dev);
  REQUIRE(::symlink("/exposed", (dev + "/null").c_str()) == 0);
  bundle.set("/mounts/1", "{\"destination\": \"/dev\", \"type\": \"bind\", \"source\": " +
                              quote(dev) + ", \"options\": [\"bind\"]}");
  bundle.set("/linux/maskedPaths", "[\"/masked\"]");
  const Output output = Container(bundle.sh("cat /masked; echo owned > /masked")).run();
  CHECK_FALSE(contains(output.out, "exposed"));
  CHECK_FALSE(contains(output.out, "secret"));
  CHECK(read_file(bundle.rootfs() + "/exposed") == "exposed");
}

TEST_CASE("a masked path that is a link masks nothing else: CVE-2025-31133", "[attack]") {
  Bundle bundle;
  write_file(bundle.rootfs() + "/target", "still here");
  REQUIRE(::symlink("/target", (bundle.rootfs() + "/masked").c_str()) == 0);
  REQUIRE(::symlink("../../../../../../../../../../etc", (bundle.rootfs() + "/outside").c_str()) ==
          0);
  bundle.set("/linux/maskedPaths", R"(["/masked", "/outside/hostname"])");
  bundle.set("/linux/readonlyPaths", R"(["/outside/group"])");
  const std::string before = read_file("/proc/self/mountinfo");
  Container(bundle.sh("true")).run();
  CHECK(read_file("/proc/self/mountinfo") == before);
}

TEST_CASE("the terminal's place cannot be led elsewhere: CVE-2025-52565", "[attack]") {
  for (const char* name : {"console", "pts/0", "ptmx"}) {
    INFO(name);
    Bundle bundle;
    write_file(bundle.rootfs() + "/target", "mine");
    const std::string dev = bundle.file("dev");
    make_directories(dev + "/pts");
    REQUIRE(::symlink("/target", (dev + "/" + name).c_str()) == 0);
    bundle.set("/mounts/1", "{\"destination\": \"/dev\", \"type\": \"bind\", \"source\": " +
                                quote(dev) + ", \"options\": [\"bind\"]}");
    if (std::string(name) == "pts/0") bundle.remove("/mounts/2");  // no devpts over it
    bundle.set("/process/terminal", "true")
        .sh("cat /proc/self/mountinfo > /mounts; cat /target > /seen");
    CommandOptions options;
    options.seconds = 10;
    Container container(bundle);
    container.run({}, options);
    CHECK(read_file(bundle.rootfs() + "/target") == "mine");
    if (!exists(bundle.rootfs() + "/mounts")) continue;  // refused
    CHECK(find_mount(parse_mountinfo(read_file(bundle.rootfs() + "/mounts")), "/target").target ==
          "");
    CHECK(read_file(bundle.rootfs() + "/seen") == "mine");
  }
}

TEST_CASE("a false /proc is not written to: CVE-2019-16884, CVE-2025-52881", "[attack]") {
  Bundle bundle;
  const std::string fake = bundle.file("proc");
  write_file(bundle.file("victim"), "untouched");
  write_file(fake + "/sys/net/ipv4/ip_forward", "fake");
  make_directories(fake + "/self/attr");
  make_directories(fake + "/thread-self/attr");
  for (const char* name :
       {"/sys/net/ipv4/tcp_mtu_probing", "/self/oom_score_adj", "/self/attr/exec"}) {
    make_directories((fake + name).substr(0, (fake + name).rfind('/')));
    REQUIRE(::symlink(bundle.file("victim").c_str(), (fake + name).c_str()) == 0);
  }
  bundle.set("/mounts/0", "{\"destination\": \"/proc\", \"type\": \"bind\", \"source\": " +
                              quote(fake) + ", \"options\": [\"bind\"]}");
  bundle.set("/linux/sysctl", R"({"net.ipv4.ip_forward": "1", "net.ipv4.tcp_mtu_probing": "1"})");
  bundle.set("/process/oomScoreAdj", "100");
  Container(bundle).run();
  CHECK(read_file(bundle.file("victim")) == "untouched");
  CHECK(read_file(fake + "/sys/net/ipv4/ip_forward") == "fake");
}

TEST_CASE("nothing but a real procfs may be mounted below /proc", "[attack]") {
  DIFFERS(Crun, "allows it");
  DIFFERS(Runc, "looks only at bind mounts");
  for (const char* destination : {"/proc/self/attr", "/proc/sys", "/proc/1", "/proc/../proc/sys"}) {
    INFO(destination);
    Bundle bundle;
    bundle.mount(destination, "tmpfs", "tmpfs");
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    CHECK_THAT(output.err, Catch::Contains("proc"));
    CHECK(leftovers.found() == "");
  }
  // What lxcfs and engines put there is allowed.
  Bundle bundle;
  write_file(bundle.file("meminfo"), "fake\n");
  bundle.mount("/proc/meminfo", "bind", bundle.file("meminfo"), "bind");
  CHECK(output_of(bundle, "cat /proc/meminfo") == "fake\n");
}

TEST_CASE("a cgroup namespace or none: a container cannot write to its cgroup tree: CVE-2023-25809",
          "[attack]") {
  NEEDS(environment().layout == CgroupLayout::V2, "the attack is on cgroup v2");
  Bundle bundle;
  bundle.user_namespace();
  bundle.mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro");
  const Output output = Container(bundle.sh("mkdir /sys/fs/cgroup/x")).run();
  CHECK(output.status != 0);
}

TEST_CASE("no descriptor of the container's side reaches the host's terminal or store",
          "[attack]") {
  Bundle bundle;
  bundle.sh("for l in /proc/[0-9]*/fd/*; do readlink $l; done 2>/dev/null");
  const Output output = Container(bundle).run();
  CHECK_FALSE(contains(output.out, bundle.state_root()));
}

TEST_CASE("the state directory cannot be led elsewhere by a container id", "[attack]") {
  DIFFERS(Crun, "1.8.1 follows the link");
  Bundle bundle;
  make_directories(bundle.state_root());
  make_directories(bundle.file("victim"));
  write_file(bundle.file("victim/keep"), "x");
  REQUIRE(::symlink(bundle.file("victim").c_str(), (bundle.state_root() + "/it-link").c_str()) ==
          0);
  runtime(bundle, {"delete", "--force", "it-link"});
  runtime(bundle, {"delete", "--force", "../victim"});
  CHECK(exists(bundle.file("victim/keep")));
}

}  // namespace
}  // namespace tests
