#include "src/spec/advice.h"

#include <linux/mount.h>

#include <algorithm>
#include <string_view>

#include "src/base/text.h"
#include "src/spec/capability.h"
#include "src/spec/mount_options.h"

namespace skiff::spec {
namespace {

using Advice = std::vector<Finding>;

template <class Names, class Name>
bool contains(const Names& names, const Name& name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// ---- the process

void gains_privileges(const Spec& spec, Advice& advice) {
  if (!spec.process || spec.process->no_new_privileges) return;
  advice.push_back({"process.noNewPrivileges",
                    "not set: set-user-ID programs and file capabilities can raise privileges",
                    "no-new-privileges"});
}

void is_root_of_host(const Spec& spec, Advice& advice) {
  if (!spec.process || spec.process->user.uid != 0 || spec.has_namespace(NamespaceType::User))
    return;
  advice.push_back({"process.user.uid",
                    "0 without a user namespace: root in the container is root of the host",
                    "host-root"});
}

void has_strong_capabilities(const Spec& spec, Advice& advice) {
  // Each opens a known way to the host or to other containers (capabilities(7)).
  constexpr std::string_view kStrong[] = {
      "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",    "CAP_SYS_PTRACE",
      "CAP_SYS_BOOT",  "CAP_BPF",        "CAP_PERFMON",      "CAP_DAC_READ_SEARCH",
      "CAP_SYSLOG",    "CAP_MAC_ADMIN",  "CAP_MAC_OVERRIDE",
  };
  if (!spec.process || !spec.process->capabilities || spec.has_namespace(NamespaceType::User))
    return;
  for (const std::string_view name : kStrong) {
    const auto number = capability_number(name);
    if (!number || (spec.process->capabilities->bounding >> *number & 1) == 0) continue;
    advice.push_back({"process.capabilities.bounding",
                      fmt::format("{} opens ways out of the container", name),
                      "strong-capability"});
  }
}

void inherits_capabilities(const Spec& spec, Advice& advice) {
  if (!spec.process || !spec.process->capabilities || !spec.process->capabilities->inheritable)
    return;
  advice.push_back({"process.capabilities.inheritable",
                    "not empty: programs with inheritable file capabilities keep them for users "
                    "who are not root (CVE-2022-24769)",
                    "inheritable-capabilities"});
}

void ambient_has_no_effect(const Spec& spec, Advice& advice) {
  if (!spec.process || !spec.process->capabilities) return;
  const Capabilities& sets = *spec.process->capabilities;
  const uint64_t lost = sets.ambient & ~(sets.permitted & sets.inheritable);
  for (unsigned number = 0; number < 64; ++number)
    if (lost >> number & 1)
      advice.push_back(
          {"process.capabilities.ambient",
           capability_name(number) + " has no effect: it is not both permitted and inheritable",
           "no-effect"});
}

// ---- system calls and kernel interfaces

void has_no_filter(const Spec& spec, Advice& advice) {
  if (!spec.linux.seccomp)
    advice.push_back({"linux.seccomp",
                      "missing: every system call of the kernel is within the container's reach",
                      "no-seccomp"});
  else if (spec.linux.seccomp->default_action == SeccompAction::Allow ||
           spec.linux.seccomp->default_action == SeccompAction::Log)
    advice.push_back({"linux.seccomp.defaultAction",
                      "allows: system calls that the profile does not know pass", "weak-seccomp"});
}

bool mounts_proc(const Spec& spec) {
  return std::any_of(spec.mounts.begin(), spec.mounts.end(),
                     [](const Mount& mount) { return mount.type == "proc"; });
}

void shows_kernel_files(const Spec& spec, Advice& advice) {
  constexpr std::string_view kSensitive[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list",
                                             "/proc/sched_debug", "/sys/firmware"};
  if (!mounts_proc(spec)) return;
  for (const std::string_view path : kSensitive)
    if (!contains(spec.linux.masked_paths, path))
      advice.push_back({"linux.maskedPaths",
                        fmt::format("without {}, which tells about the host", path), "unmasked"});
}

void leaves_kernel_writable(const Spec& spec, Advice& advice) {
  constexpr std::string_view kWritable[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq",
                                            "/proc/bus"};
  if (!mounts_proc(spec) || spec.has_namespace(NamespaceType::User)) return;
  for (const std::string_view path : kWritable)
    if (!contains(spec.linux.readonly_paths, path) && !contains(spec.linux.masked_paths, path))
      advice.push_back({"linux.readonlyPaths",
                        fmt::format("without {}, which changes the whole host", path),
                        "writable-proc"});
}

void leaves_sys_writable(const Spec& spec, Advice& advice) {
  if (spec.has_namespace(NamespaceType::User)) return;
  for (size_t i = 0; i < spec.mounts.size(); ++i) {
    const Mount& mount = spec.mounts[i];
    const auto options = parse_mount_options(mount.options);
    if (mount.type != "sysfs" || !options ||
        ((options->flags | (options->tree_flags & ~options->cleared)) & MS_RDONLY) != 0)
      continue;
    advice.push_back({fmt::format("mounts[{}].options", i),
                      "sysfs is writable, without \"ro\": it changes the whole host",
                      "writable-sys"});
  }
}

// ---- what is shared with the host

void shares_namespaces(const Spec& spec, Advice& advice) {
  struct Shared {
    NamespaceType type;
    const char* what;
  };
  constexpr Shared kShared[] = {
      {NamespaceType::Pid, "sees and signals the host's processes"},
      {NamespaceType::Network, "uses the host's network and its abstract sockets"},
      {NamespaceType::Ipc, "reaches the host's shared memory"},
      {NamespaceType::Cgroup, "sees the host's cgroup paths"},
  };
  for (const Shared& entry : kShared)
    if (!spec.has_namespace(entry.type))
      advice.push_back(
          {"linux.namespaces",
           fmt::format("no \"{}\" entry: the container {}", name(entry.type), entry.what),
           "shared-namespace"});
}

void shows_host_files(const Spec& spec, Advice& advice) {
  constexpr std::string_view kPowerful[] = {"/",     "/proc", "/sys", "/dev",     "/etc",
                                            "/boot", "/root", "/run", "/var/run", "/var/lib"};
  for (size_t i = 0; i < spec.mounts.size(); ++i) {
    const Mount& mount = spec.mounts[i];
    const bool engine =
        mount.source.ends_with("docker.sock") || mount.source.ends_with("containerd.sock") ||
        mount.source.ends_with("crio.sock") || mount.source.ends_with("podman.sock");
    const auto options = parse_mount_options(mount.options);
    const bool bind = options && is_bind(mount, *options);
    if (engine)
      advice.push_back({fmt::format("mounts[{}].source", i),
                        "who speaks to a container engine is root of the host", "engine-socket"});
    else if (bind && contains(kPowerful, mount.source))
      advice.push_back({fmt::format("mounts[{}].source", i),
                        fmt::format("{} of the host is shown to the container", mount.source),
                        "host-directory"});
  }
}

void spreads_mounts(const Spec& spec, Advice& advice) {
  const std::string& propagation = spec.linux.rootfs_propagation;
  if (propagation != "shared" && propagation != "rshared") return;
  advice.push_back({"linux.rootfsPropagation",
                    "what is mounted in the container appears on the host", "shared-mounts"});
}

// ---- limits

void has_all_devices(const Spec& spec, Advice& advice) {
  if (!spec.linux.resources) return;
  const auto& rules = spec.linux.resources->devices;
  for (size_t i = rules.size(); i-- > 0;) {
    const DeviceRule& rule = rules[i];
    if (rule.major || rule.minor || rule.type != 'a') continue;
    if (rule.allow)
      advice.push_back({fmt::format("linux.resources.devices[{}]", i),
                        "allows every device, the host's disks among them", "all-devices"});
    return;
  }
}

void has_no_limits(const Spec& spec, Advice& advice) {
  const Resources resources = spec.linux.resources.value_or(Resources());
  const auto& limits = resources.memory;
  if (!limits || !limits->limit || *limits->limit <= 0)
    advice.push_back({"linux.resources.memory.limit",
                      "missing: the container can use up the host's memory", "no-memory-limit"});
  if (!resources.pids_limit || *resources.pids_limit <= 0)
    advice.push_back({"linux.resources.pids.limit",
                      "missing: a fork bomb can use up the host's processes", "no-pids-limit"});
}

// ---- what is passing away

void is_deprecated(const Spec& spec, Advice& advice) {
  if (!spec.hooks.prestart.empty())
    advice.push_back({"hooks.prestart",
                      "deprecated: use createRuntime, createContainer or startContainer",
                      "deprecated"});
  const auto& resources = spec.linux.resources;
  if (resources && resources->memory && resources->memory->kernel)
    advice.push_back({"linux.resources.memory.kernel", "deprecated: kernels since 5.11 ignore it",
                      "deprecated"});
}

using Rule = void (*)(const Spec&, Advice&);

constexpr Rule kRules[] = {
    gains_privileges,  is_root_of_host,       has_strong_capabilities, inherits_capabilities,
    has_no_filter,     shows_kernel_files,    leaves_kernel_writable,  leaves_sys_writable,
    shares_namespaces, shows_host_files,      spreads_mounts,          has_all_devices,
    has_no_limits,     ambient_has_no_effect, is_deprecated,
};

}  // namespace

std::vector<Finding> advise(const Spec& spec) {
  Advice advice;
  for (const Rule rule : kRules) rule(spec, advice);
  return advice;
}

}  // namespace skiff::spec
