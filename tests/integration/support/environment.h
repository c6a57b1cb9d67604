// The machine, and the corner of it that the tests live in.
//
// Before the first test the program moves into mount, UTS, IPC and network namespaces of its
// own, so that a faulty runtime cannot rename or remount the machine and every mount that
// appears is ours; it also adopts orphans (PR_SET_CHILD_SUBREAPER), so that every process a
// runtime leaves behind becomes a child that can be found.
//
// Environment:
//   SKIFF_RUNTIME, RUNTIME  name or path of the runtime under test (default: skiff)
//   SKIFF_TEST_CGROUP_MANAGER=systemd  starts it with --systemd-cgroup
//   SKIFF_TEST_LAYOUT=v2    mounts pure cgroup v2 in the private mount namespace
//   SKIFF_TEST_PATIENCE=N   multiplies every time limit, for slow machines
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/skip.h"

namespace tests {

enum class Program { Skiff, Runc, Crun, Other };
enum class CgroupLayout { None, V1, Hybrid, V2 };

struct Environment {
  std::string runtime;  // absolute path
  Program program = Program::Skiff;
  CgroupLayout layout = CgroupLayout::None;
  bool systemd_cgroup = false;  // systemd makes the cgroups
  std::string scratch;          // a directory of this run alone, removed at the end
  std::string prefix;           // "it-PID-": begins every container id and cgroup name of this run
};

const Environment& environment();
inline bool testing(Program program) { return environment().program == program; }

/// `seconds`, stretched by SKIFF_TEST_PATIENCE.
std::chrono::milliseconds patience(double seconds);
/// Asks `condition` every few milliseconds until it holds; false when time ran out.
/// Zombies that the tests adopted are reaped meanwhile.
bool wait_until(const std::function<bool()>& condition, double seconds = 5);
/// Reaps every adopted child that has ended.
void reap_orphans();

/// The directory of cgroup `path` in the hierarchy of `controller`; nullopt if no hierarchy has it.
std::optional<std::string> cgroup_directory(const std::string& controller, const std::string& path);
bool has_controller(const std::string& controller);
/// True if `controller` is managed by the v2 hierarchy.
bool is_v2(const std::string& controller);
/// The mount points of all cgroup hierarchies.
const std::vector<std::string>& cgroup_roots();
/// Every cgroup directory whose own name begins with `prefix`, in all hierarchies.
std::vector<std::string> find_cgroups(const std::string& prefix);
/// Kills what runs in them and removes those cgroups and their children.
void remove_cgroups(const std::string& prefix);

/// The absolute path of a file of the tests' sources; "" if they are not there.
std::string source_file(const std::string& path);

/// True if this process has capability `number` in its effective set.
bool has_capability(unsigned number);

}  // namespace tests

#define SKIFF_ONLY(subject)                         \
  if (!::tests::testing(::tests::Program::Skiff)) { \
    SKIP("only skiff " subject);                    \
  }                                                 \
  static_assert(true)

/// Skips on a rival that is known to behave differently, with the reason.
#define DIFFERS(rival, reason)                     \
  if (::tests::testing(::tests::Program::rival)) { \
    SKIP(#rival ": " reason);                      \
  }                                                \
  static_assert(true)

/// For tests of cgroupsPaths that are paths.
#define NEEDS_CGROUPFS                                                     \
  if (::tests::environment().systemd_cgroup) {                             \
    SKIP("systemd makes the cgroups, where systemd's units have a place"); \
  }                                                                        \
  static_assert(true)

#define NEEDS(condition, reason) \
  if (!(condition)) {            \
    SKIP(reason);                \
  }                              \
  static_assert(true)
