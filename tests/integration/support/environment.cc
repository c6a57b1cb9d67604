#include "tests/integration/support/environment.h"

#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "tests/integration/support/command.h"
#include "tests/integration/support/files.h"

namespace tests {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCgroupRoot = "/sys/fs/cgroup";

struct Hierarchies {
  std::vector<std::string> roots;
  std::vector<std::pair<std::string, std::string>> v1;  // controller, mount point
  std::string v2;                                       // mount point, or ""
  std::vector<std::string> v2_controllers;
};

Environment& mutable_environment() {
  static Environment instance;
  return instance;
}

Hierarchies& hierarchies() {
  static Hierarchies instance;
  return instance;
}

void check(int result, const char* step) {
  if (result < 0) {
    std::perror(step);
    std::exit(2);
  }
}

std::string find_program(const std::string& name) {
  if (contains(name, "/")) return fs::absolute(name);
  for (const std::string& directory : split(std::getenv("PATH"), ':'))
    if (::access((directory + "/" + name).c_str(), X_OK) == 0) return directory + "/" + name;
  std::fprintf(stderr, "no runtime %s in PATH; set SKIFF_RUNTIME\n", name.c_str());
  std::exit(2);
}

void choose_runtime(Environment& environment) {
  const char* wanted = std::getenv("SKIFF_RUNTIME");
  if (const char* rival = std::getenv("RUNTIME"); rival != nullptr && *rival != '\0')
    wanted = rival;
  environment.runtime = find_program(wanted != nullptr && *wanted != '\0' ? wanted : "skiff");
  const std::string name = fs::path(environment.runtime).filename();
  environment.program = name == "runc"    ? Program::Runc
                        : name == "crun"  ? Program::Crun
                        : name == "skiff" ? Program::Skiff
                                          : Program::Other;
}

void choose_cgroup_manager(Environment& environment) {
  const char* manager = std::getenv("SKIFF_TEST_CGROUP_MANAGER");
  environment.systemd_cgroup = manager != nullptr && std::string_view(manager) == "systemd";
}

void enter_private_namespaces() {
  check(::unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET), "unshare");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make / private");
  check(::prctl(PR_SET_CHILD_SUBREAPER, 1), "become a subreaper");
}

void choose_layout() {
  const char* layout = std::getenv("SKIFF_TEST_LAYOUT");
  if (layout == nullptr || *layout == '\0') return;
  if (std::string(layout) == "v1") {
    ::umount2("/sys/fs/cgroup/unified", MNT_DETACH);
    return;
  }
  while (::umount2(kCgroupRoot, MNT_DETACH) == 0) {
  }
  check(::mount("cgroup2", kCgroupRoot, "cgroup2", 0, nullptr), "mount cgroup2");
}

void read_layout(Environment& environment) {
  Hierarchies& found = hierarchies();
  for (const MountLine& mount : parse_mountinfo(read_file("/proc/self/mountinfo"))) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    found.roots.push_back(mount.target);
    if (mount.type == "cgroup2") found.v2 = mount.target;
    if (mount.type == "cgroup")
      for (const std::string& word : split(mount.super_options, ','))
        found.v1.emplace_back(word, mount.target);
  }
  if (!found.v2.empty())
    found.v2_controllers = split(trim(read_file(found.v2 + "/cgroup.controllers")), ' ');
  environment.layout = found.roots.empty() ? CgroupLayout::None
                       : found.v1.empty()  ? CgroupLayout::V2
                       : found.v2.empty()  ? CgroupLayout::V1
                                           : CgroupLayout::Hybrid;
}

void make_scratch(Environment& environment) {
  char name[] = "/tmp/skiff-it-XXXXXX";
  if (::mkdtemp(name) == nullptr) check(-1, "mkdtemp");
  // Roots of user namespaces, who are strangers out here, must reach their rootfs.
  check(::chmod(name, 0711), "chmod");
  environment.scratch = name;
  environment.prefix = "it-" + std::to_string(::getpid()) + "-";
}

void set_up() {
  if (::geteuid() != 0) {
    std::fputs("the integration tests need root\n", stderr);
    std::exit(2);
  }
  Environment& environment = mutable_environment();
  choose_runtime(environment);
  choose_cgroup_manager(environment);
  enter_private_namespaces();
  choose_layout();
  read_layout(environment);
  make_scratch(environment);
  ::umask(022);
}

std::vector<pid_t> adopted_children() {
  std::vector<pid_t> children;
  for (const std::string& thread : list_directory("/proc/self/task"))
    for (const std::string& pid :
         split(trim(read_file("/proc/self/task/" + thread + "/children")), ' '))
      if (!pid.empty() && !is_command(std::stoi(pid))) children.push_back(std::stoi(pid));
  return children;
}

void tear_down() {
  remove_cgroups(environment().prefix);
  for (pid_t pid : adopted_children()) ::kill(pid, SIGKILL);
  wait_until([] { return adopted_children().empty(); }, 2);
  // A leaked bind mount must not lead the removal out of the scratch directory.
  for (const MountLine& mount : parse_mountinfo(read_file("/proc/self/mountinfo")))
    if (mount.target.rfind(environment().scratch, 0) == 0)
      ::umount2(mount.target.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(environment().scratch, ignored);
}

class EnvironmentListener : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testRunStarting(const Catch::TestRunInfo& info) override {
    TestEventListenerBase::testRunStarting(info);
    set_up();
  }
  void testRunEnded(const Catch::TestRunStats& stats) override {
    tear_down();
    TestEventListenerBase::testRunEnded(stats);
  }
};

CATCH_REGISTER_LISTENER(EnvironmentListener)

void collect_cgroups(const fs::path& directory, const std::string& prefix,
                     std::vector<std::string>& found) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (!entry.is_directory(error) || entry.is_symlink(error)) continue;
    if (entry.path().filename().string().rfind(prefix, 0) == 0) found.push_back(entry.path());
    collect_cgroups(entry.path(), prefix, found);
  }
}

// Children before their parents: the order that rmdir(2) needs.
void collect_below(const fs::path& directory, std::vector<std::string>& found) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.is_directory(error) && !entry.is_symlink(error)) collect_below(entry.path(), found);
  found.push_back(directory);
}

bool remove_cgroup(const std::string& directory) {
  for (const char* file : {"/freezer.state", "/cgroup.freeze"})
    if (exists(directory + file)) {
      const skiff::Fd fd(::open((directory + file).c_str(), O_WRONLY | O_CLOEXEC));
      const std::string_view text = file[1] == 'f' ? "THAWED" : "0";
      (void)!::write(fd.get(), text.data(), text.size());
    }
  for (const std::string& pid : lines(read_file(directory + "/cgroup.procs")))
    if (pid != "0" && !pid.empty()) ::kill(std::stoi(pid), SIGKILL);
  return ::rmdir(directory.c_str()) == 0 || errno == ENOENT;
}

}  // namespace

const Environment& environment() { return mutable_environment(); }

std::chrono::milliseconds patience(double seconds) {
  static const double factor = [] {
    const char* value = std::getenv("SKIFF_TEST_PATIENCE");
    return value != nullptr && std::atof(value) > 0 ? std::atof(value) : 1;
  }();
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * factor * 1000));
}

void reap_orphans() {
  for (pid_t pid : adopted_children()) ::waitpid(pid, nullptr, WNOHANG);
}

bool wait_until(const std::function<bool()>& condition, double seconds) {
  const auto end = std::chrono::steady_clock::now() + patience(seconds);
  while (true) {
    reap_orphans();
    if (condition()) return true;
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  }
}

std::optional<std::string> cgroup_directory(const std::string& controller,
                                            const std::string& path) {
  const Hierarchies& known = hierarchies();
  for (const auto& [name, root] : known.v1)
    if (name == controller) return root + path;
  for (const std::string& name : known.v2_controllers)
    if (name == controller) return known.v2 + path;
  return std::nullopt;
}

bool has_controller(const std::string& controller) {
  return cgroup_directory(controller, "").has_value();
}

bool is_v2(const std::string& controller) {
  const auto directory = cgroup_directory(controller, "");
  return directory && *directory == hierarchies().v2;
}

const std::vector<std::string>& cgroup_roots() { return hierarchies().roots; }

std::vector<std::string> find_cgroups(const std::string& prefix) {
  std::vector<std::string> found;
  for (const std::string& root : cgroup_roots()) collect_cgroups(root, prefix, found);
  return found;
}

void remove_cgroups(const std::string& prefix) {
  for (const std::string& top : find_cgroups(prefix)) {
    std::vector<std::string> order;
    collect_below(top, order);
    for (const std::string& directory : order)
      wait_until([&] { return remove_cgroup(directory); }, 2);
  }
}

std::string source_file(const std::string& path) {
  // .../tests/integration/support/environment.cc, perhaps relative to the build directory.
  const fs::path tests = fs::path(__FILE__).parent_path().parent_path().parent_path();
  const fs::path program = fs::path(read_link("/proc/self/exe")).parent_path();
  for (const fs::path& base : {fs::absolute(tests), program / tests, program.parent_path() / tests})
    if (exists(base / path)) return (base / path).lexically_normal();
  return "";
}

bool has_capability(unsigned number) {
  const std::string mask = field(read_file("/proc/self/status"), "CapEff");
  return (std::stoull(mask, nullptr, 16) >> number & 1) != 0;
}

}  // namespace tests
