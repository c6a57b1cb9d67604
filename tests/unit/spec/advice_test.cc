#include "src/spec/advice.h"

#include <catch2/catch.hpp>

#include "src/spec/decode.h"
#include "src/spec/defaults.h"

using namespace skiff;

namespace {

/// A container about which there is nothing to say.
spec::Spec sound() {
  auto decoded = spec::decode(spec::default_config({}));
  REQUIRE(decoded);
  spec::Spec spec = *std::move(decoded);
  spec.process->user.uid = 1000;
  spec.linux.seccomp.emplace().default_action = spec::SeccompAction::Errno;
  if (!spec.has_namespace(spec::NamespaceType::Cgroup))
    spec.linux.namespaces.push_back({spec::NamespaceType::Cgroup, ""});
  if (!spec.linux.resources) spec.linux.resources.emplace();
  spec.linux.resources->memory.emplace().limit = 1 << 30;
  spec.linux.resources->pids_limit = 100;
  return spec;
}

/// "rule path" of everything advised.
std::vector<std::string> advice(const spec::Spec& spec) {
  std::vector<std::string> found;
  for (const spec::Finding& each : spec::advise(spec)) {
    CHECK_FALSE(each.message.empty());
    found.push_back(each.rule + " " + each.path);
  }
  return found;
}

using Lines = std::vector<std::string>;

TEST_CASE("a container with its walls up gets no advice", "[spec]") {
  CHECK(advice(sound()) == Lines{});
}

TEST_CASE("advice names the privileges of a process", "[spec]") {
  spec::Spec spec = sound();
  spec.process->no_new_privileges = false;
  spec.process->user.uid = 0;
  spec.process->capabilities->bounding |= uint64_t{1} << 21;  // CAP_SYS_ADMIN
  spec.process->capabilities->inheritable = 1;
  spec.process->capabilities->ambient = 2;
  CHECK(advice(spec) == Lines{"no-new-privileges process.noNewPrivileges",
                              "host-root process.user.uid",
                              "strong-capability process.capabilities.bounding",
                              "inheritable-capabilities process.capabilities.inheritable",
                              "no-effect process.capabilities.ambient"});
  spec.linux.namespaces.push_back({spec::NamespaceType::User, ""});
  CHECK(advice(spec) == Lines{"no-new-privileges process.noNewPrivileges",
                              "inheritable-capabilities process.capabilities.inheritable",
                              "no-effect process.capabilities.ambient"});
}

TEST_CASE("advice names open kernel interfaces", "[spec]") {
  spec::Spec spec = sound();
  spec.linux.seccomp.reset();
  std::erase(spec.linux.masked_paths, "/proc/kcore");
  std::erase(spec.linux.readonly_paths, "/proc/sys");
  size_t sys = 0;
  while (spec.mounts[sys].type != "sysfs") ++sys;
  spec.mounts[sys].options = {"nosuid"};
  CHECK(advice(spec) == Lines{"no-seccomp linux.seccomp", "unmasked linux.maskedPaths",
                              "writable-proc linux.readonlyPaths",
                              "writable-sys mounts[" + std::to_string(sys) + "].options"});
  spec.linux.seccomp.emplace().default_action = spec::SeccompAction::Allow;
  CHECK(advice(spec).front() == "weak-seccomp linux.seccomp.defaultAction");
}

TEST_CASE("advice names what is shared with the host", "[spec]") {
  spec::Spec spec = sound();
  std::erase_if(spec.linux.namespaces, [](const spec::Namespace& entry) {
    return entry.type == spec::NamespaceType::Pid;
  });
  const size_t next = spec.mounts.size();
  spec.mounts.push_back({"/a", "bind", "/var/run/docker.sock", {"rbind"}});
  spec.mounts.push_back({"/b", "none", "/etc", {"bind", "ro"}});
  spec.linux.rootfs_propagation = "rshared";
  CHECK(advice(spec) == Lines{"shared-namespace linux.namespaces",
                              "engine-socket mounts[" + std::to_string(next) + "].source",
                              "host-directory mounts[" + std::to_string(next + 1) + "].source",
                              "shared-mounts linux.rootfsPropagation"});
}

TEST_CASE("advice names missing limits, the last device rule that names all, and old fields",
          "[spec]") {
  spec::Spec spec = sound();
  spec.linux.resources->memory->limit = -1;
  spec.linux.resources->memory->kernel = 1;
  spec.linux.resources->pids_limit.reset();
  spec.linux.resources->devices = {{true, 'a', {}, {}, true, true, true}};
  spec.hooks.prestart.emplace_back();
  CHECK(advice(spec) == Lines{"all-devices linux.resources.devices[0]",
                              "no-memory-limit linux.resources.memory.limit",
                              "no-pids-limit linux.resources.pids.limit",
                              "deprecated hooks.prestart",
                              "deprecated linux.resources.memory.kernel"});
  spec.linux.resources->devices.push_back({false, 'a', {}, {}, true, true, true});
  CHECK(advice(spec).front() == "no-memory-limit linux.resources.memory.limit");
}

}  // namespace
