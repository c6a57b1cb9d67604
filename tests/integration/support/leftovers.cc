#include "tests/integration/support/leftovers.h"

#include "tests/integration/support/command.h"
#include "tests/integration/support/environment.h"
#include "tests/integration/support/files.h"

namespace tests {
namespace {

void add_processes(std::set<std::string>& found) {
  for (const std::string& thread : list_directory("/proc/self/task"))
    for (const std::string& pid :
         split(trim(read_file("/proc/self/task/" + thread + "/children")), ' '))
      if (!pid.empty() && !is_command(std::stoi(pid))) found.insert("process " + pid);
}

// By its number alone: a process that execs or forgets its name is still the same.
std::string described(const std::string& thing) {
  const std::vector<std::string> words = split(thing, ' ');
  if (words[0] != "process") return thing;
  return thing + " " + trim(read_file("/proc/" + words[1] + "/comm"));
}

void add_mounts(std::set<std::string>& found) {
  for (const std::string& line : lines(read_file("/proc/self/mountinfo")))
    found.insert("mount " + line);
}

void add_network_devices(std::set<std::string>& found) {
  for (const std::string& line : lines(read_file("/proc/self/net/dev")))
    if (contains(line, ":")) found.insert("network device " + trim(split(line, ':')[0]));
}

}  // namespace

Leftovers::Leftovers(const Bundle& bundle) : state_root_(bundle.state_root()) {
  reap_orphans();
  before_ = collect();
}

std::set<std::string> Leftovers::collect() const {
  std::set<std::string> found;
  add_processes(found);
  add_mounts(found);
  add_network_devices(found);
  for (const std::string& directory : find_cgroups(environment().prefix))
    found.insert("cgroup " + directory);
  // Compiled filters outlive the containers they were made for.
  for (const std::string& id : list_directory(state_root_))
    if (id != ".seccomp:cache") found.insert("state " + id);
  return found;
}

std::string Leftovers::found() const {
  std::string news;
  wait_until(
      [&] {
        news.clear();
        for (const std::string& thing : collect())
          if (before_.count(thing) == 0) news += described(thing) + "\n";
        return news.empty();
      },
      2);
  return news;
}

}  // namespace tests
