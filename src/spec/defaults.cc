#include "src/spec/defaults.h"

#include <initializer_list>
#include <string_view>
#include <utility>

#include "src/base/json.h"
#include "src/spec/spec.h"

namespace skiff::spec {
namespace {

using Words = std::initializer_list<std::string_view>;

void write_mount(json::Writer& json, std::string_view destination, std::string_view type,
                 std::string_view source, Words options) {
  json.begin_object();
  json.field("destination", destination);
  json.field("type", type);
  json.field("source", source);
  if (options.size() != 0) json.array("options", options);
  json.end_object();
}

void write_process(json::Writer& json) {
  json.key("process");
  json.begin_object();
  json.field("terminal", true);
  json.key("user");
  json.begin_object();
  json.field("uid", 0);
  json.field("gid", 0);
  json.end_object();
  json.array("args", Words{"sh"});
  json.array("env", Words{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "TERM=xterm"});
  json.field("cwd", std::string_view("/"));
  json.key("capabilities");
  json.begin_object();
  for (const std::string_view set : {"bounding", "effective", "permitted"})
    json.array(set, Words{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"});
  json.end_object();
  json.key("rlimits");
  json.begin_array();
  json.begin_object();
  json.field("type", std::string_view("RLIMIT_NOFILE"));
  json.field("hard", 1024);
  json.field("soft", 1024);
  json.end_object();
  json.end_array();
  json.field("noNewPrivileges", true);
  json.end_object();
}

void write_mounts(json::Writer& json, const DefaultOptions& options) {
  json.key("mounts");
  json.begin_array();
  write_mount(json, "/proc", "proc", "proc", {});
  write_mount(json, "/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"});
  if (options.rootless)  // the group 5 is not mapped
    write_mount(json, "/dev/pts", "devpts", "devpts",
                {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"});
  else
    write_mount(json, "/dev/pts", "devpts", "devpts",
                {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"});
  write_mount(json, "/dev/shm", "tmpfs", "shm",
              {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"});
  write_mount(json, "/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"});
  if (options.rootless)  // sysfs belongs to the owner of the network namespace, the host's here
    write_mount(json, "/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"});
  else
    write_mount(json, "/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"});
  write_mount(json, "/sys/fs/cgroup", "cgroup", "cgroup",
              {"nosuid", "noexec", "nodev", "relatime", "ro"});
  json.end_array();
}

void write_mapping(json::Writer& json, std::string_view field, uint32_t host_id) {
  json.key(field);
  json.begin_array();
  json.begin_object();
  json.field("containerID", 0);
  json.field("hostID", host_id);
  json.field("size", 1);
  json.end_object();
  json.end_array();
}

void write_namespaces(json::Writer& json, const DefaultOptions& options) {
  json.key("namespaces");
  json.begin_array();
  const std::pair<NamespaceType, bool> entries[] = {
      {NamespaceType::Pid, true},
      {NamespaceType::Network, !options.rootless},
      {NamespaceType::Ipc, true},
      {NamespaceType::Uts, true},
      {NamespaceType::Mount, true},
      {NamespaceType::Cgroup, options.cgroup_namespace},
      {NamespaceType::User, options.rootless},
  };
  for (const auto& [type, wanted] : entries) {
    if (!wanted) continue;
    json.begin_object();
    json.field("type", std::string_view(name(type)));
    json.end_object();
  }
  json.end_array();
}

void write_resources(json::Writer& json) {
  json.key("resources");
  json.begin_object();
  json.key("devices");
  json.begin_array();
  json.begin_object();
  json.field("allow", false);
  json.field("access", std::string_view("rwm"));
  json.end_object();
  json.end_array();
  json.end_object();
}

void write_linux(json::Writer& json, const DefaultOptions& options) {
  json.key("linux");
  json.begin_object();
  if (options.rootless) {
    write_mapping(json, "uidMappings", options.uid);
    write_mapping(json, "gidMappings", options.gid);
  } else {
    write_resources(json);
  }
  write_namespaces(json, options);
  json.array("maskedPaths", Words{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
                                  "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                                  "/proc/sched_debug", "/sys/firmware", "/proc/scsi"});
  json.array("readonlyPaths",
             Words{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"});
  json.end_object();
}

}  // namespace

std::string default_config(const DefaultOptions& options) {
  json::Writer json(json::Style::Indented);
  json.begin_object();
  json.field("ociVersion", std::string_view(kOciVersion));
  write_process(json);
  json.key("root");
  json.begin_object();
  json.field("path", std::string_view("rootfs"));
  json.field("readonly", true);
  json.end_object();
  json.field("hostname", std::string_view("skiff"));
  write_mounts(json, options);
  write_linux(json, options);
  json.end_object();
  return json.take() + '\n';
}

}  // namespace skiff::spec
