#include "src/spec/defaults.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

std::vector<std::string> namespaces(const Spec& spec) {
  std::vector<std::string> names;
  for (const Namespace& entry : spec.linux.namespaces) names.emplace_back(name(entry.type));
  return names;
}

const Mount& mount_at(const Spec& spec, const std::string& destination) {
  for (const Mount& mount : spec.mounts)
    if (mount.destination == destination) return mount;
  FAIL("no mount at " << destination);
  return spec.mounts[0];
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("the default configuration decodes to what it says", "[spec]") {
  const std::string text = default_config({});
  CHECK(text.starts_with("{\n  \"ociVersion\": \"1.3.0\",\n"));
  CHECK(text.ends_with("\n}\n"));
  const Spec spec = decoded(text);
  CHECK(spec.root.path == "rootfs");
  CHECK(spec.root.readonly);
  CHECK(spec.hostname == "skiff");
  REQUIRE(spec.process);
  const Process& process = *spec.process;
  CHECK(process.args == Words{"sh"});
  CHECK(process.env ==
        Words{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"});
  CHECK(process.cwd == "/");
  CHECK(process.terminal);
  CHECK(process.no_new_privileges);
  const uint64_t kDefault =
      (1ull << CAP_AUDIT_WRITE) | (1ull << CAP_KILL) | (1ull << CAP_NET_BIND_SERVICE);
  REQUIRE(process.capabilities);
  CHECK(process.capabilities->bounding == kDefault);
  CHECK(process.capabilities->permitted == kDefault);
  CHECK(process.capabilities->effective == kDefault);
  CHECK(process.capabilities->inheritable == 0);
  CHECK(process.capabilities->ambient == 0);
  REQUIRE(process.rlimits.size() == 1);
  CHECK(process.rlimits[0].resource == RLIMIT_NOFILE);
  CHECK(process.rlimits[0].hard == 1024);
  CHECK(namespaces(spec) == Words{"pid", "network", "ipc", "uts", "mount", "cgroup"});
  REQUIRE(spec.linux.resources);
  REQUIRE(spec.linux.resources->devices.size() == 1);
  CHECK_FALSE(spec.linux.resources->devices[0].allow);
  CHECK(spec.linux.masked_paths.size() == 10);
  CHECK(spec.linux.readonly_paths ==
        Words{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"});
}

TEST_CASE("the default mounts are those engines and tools expect", "[spec]") {
  const Spec spec = decoded(default_config({}));
  REQUIRE(spec.mounts.size() == 7);
  CHECK(mount_at(spec, "/proc").type == "proc");
  CHECK(mount_at(spec, "/dev").options ==
        Words{"nosuid", "strictatime", "mode=755", "size=65536k"});
  CHECK(mount_at(spec, "/dev/pts").options ==
        Words{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"});
  CHECK(mount_at(spec, "/dev/shm").options ==
        Words{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"});
  CHECK(mount_at(spec, "/dev/mqueue").type == "mqueue");
  CHECK(mount_at(spec, "/sys").type == "sysfs");
  CHECK(mount_at(spec, "/sys/fs/cgroup").options ==
        Words{"nosuid", "noexec", "nodev", "relatime", "ro"});
}

TEST_CASE("without cgroup namespaces the default has none", "[spec]") {
  DefaultOptions options;
  options.cgroup_namespace = false;
  CHECK(namespaces(decoded(default_config(options))) ==
        Words{"pid", "network", "ipc", "uts", "mount"});
}

TEST_CASE("the rootless default maps the caller and leaves what it may not do", "[spec]") {
  DefaultOptions options;
  options.rootless = true;
  options.uid = 1000;
  options.gid = 100;
  const Spec spec = decoded(default_config(options));
  CHECK(namespaces(spec) == Words{"pid", "ipc", "uts", "mount", "cgroup", "user"});
  REQUIRE(spec.linux.uid_mappings.size() == 1);
  CHECK(spec.linux.uid_mappings[0].container_id == 0);
  CHECK(spec.linux.uid_mappings[0].host_id == 1000);
  CHECK(spec.linux.uid_mappings[0].size == 1);
  REQUIRE(spec.linux.gid_mappings.size() == 1);
  CHECK(spec.linux.gid_mappings[0].host_id == 100);
  CHECK_FALSE(spec.linux.resources);
  CHECK(mount_at(spec, "/dev/pts").options ==
        Words{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"});
  CHECK(mount_at(spec, "/sys").source == "/sys");
  CHECK(mount_at(spec, "/sys").options == Words{"rbind", "nosuid", "noexec", "nodev", "ro"});
}
