#include "src/launch/mount_plan.h"

#include <sys/mount.h>

#include <algorithm>

#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/launch/device_plan.h"
#include "src/launch/idmap_plan.h"
#include "src/spec/annotations.h"
#include "src/spec/mount_options.h"

namespace skiff::launch {
namespace {

/// Files of /proc that lxcfs and its kin may cover; anything else mounted inside
/// /proc could fake what the runtime writes there (CVE-2019-16884, CVE-2019-19921).
constexpr std::string_view kCoverableProcFiles[] = {
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
};

unsigned long propagation_flag(std::string_view word) {
  struct Entry {
    std::string_view word;
    unsigned long flag;
  };
  constexpr Entry kEntries[] = {
      {"shared", MS_SHARED},
      {"slave", MS_SLAVE},
      {"private", MS_PRIVATE},
      {"unbindable", MS_UNBINDABLE},
      {"rshared", MS_SHARED | MS_REC},
      {"rslave", MS_SLAVE | MS_REC},
      {"rprivate", MS_PRIVATE | MS_REC},
      {"runbindable", MS_UNBINDABLE | MS_REC},
  };
  for (const Entry& entry : kEntries)
    if (entry.word == word) return entry.flag;
  return 0;
}

struct CgroupSource {
  std::string name;                // of the directory below the mount's destination
  std::string path;                // on the host
  std::vector<std::string> links;  // further names: "cpu" for "cpu,cpuacct"
};

/// The container's own directory in every hierarchy of the host; without a
/// cgroup of its own, the runtime's.
std::vector<CgroupSource> cgroup_sources(const cgroup::Layout& layout, const cgroup::Paths& paths) {
  std::vector<CgroupSource> sources;
  for (const cgroup::Hierarchy& hierarchy : layout.hierarchies) {
    CgroupSource source;
    source.name = path::base_name(hierarchy.mount_point);
    source.path = path::clean(hierarchy.mount_point + hierarchy.own_path);
    for (const auto& [controller, directory] : paths.directories) {
      const bool here = hierarchy.v2
                            ? controller.empty()
                            : std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(),
                                        controller) != hierarchy.controllers.end();
      if (here) source.path = directory;
    }
    if (!hierarchy.v2 && hierarchy.controllers.size() > 1)
      for (const std::string& controller : hierarchy.controllers)
        if (controller != source.name) source.links.push_back(controller);
    sources.push_back(std::move(source));
  }
  return sources;
}

/// A new file system has nothing below it: what is for the tree is for the mount.
void fold_tree_flags(MountPlan& plan) {
  constexpr unsigned long kAtime = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
  const unsigned long decided = plan.flags | plan.cleared;
  unsigned long left = plan.tree_flags & ~plan.cleared;
  if ((decided & kAtime) != 0) left &= ~kAtime;
  plan.flags |= left;
  plan.cleared |= plan.tree_cleared & ~decided;
  plan.tree_flags = plan.tree_cleared = 0;
}

/// Mount points for later mounts and devices may have to be made inside.
void delay_read_only(MountPlan& plan) {
  plan.read_only_later = (plan.flags & MS_RDONLY) != 0;
  plan.flags &= ~static_cast<unsigned long>(MS_RDONLY);
}

/// linux.mountLabel as an option of the file system (mount(8)), or as an attribute of its root.
void plan_label(const spec::Spec& spec, MountPlan& plan) {
  const std::string& label = spec.linux.mount_label;
  // procfs and sysfs have labels of their own.
  if (label.empty() || plan.type == "proc" || plan.type == "sysfs") return;
  if (plan.type == "mqueue") {
    plan.label = label;
    return;
  }
  const std::string* kind = spec::find(spec.annotations, "run.oci.mount_context_type");
  if (!plan.data.empty()) plan.data += ',';
  plan.data += fmt::format("{}=\"{}\"", kind != nullptr ? *kind : "context", label);
}

/// What the directories of several hierarchies are mounted in.
MountPlan cgroup_tmpfs(MountPlan plan, const spec::Spec& spec) {
  plan.kind = MountKind::FileSystem;
  plan.type = plan.source = "tmpfs";
  plan.data = "mode=755";
  plan_label(spec, plan);
  delay_read_only(plan);
  return plan;
}

/// `type: cgroup` as bind mounts of the container's own directories: the same
/// view with a cgroup namespace and without, and no more than that (CVE-2023-25809).
Result<void> plan_cgroup_mount(const MountPlan& wanted, const spec::Spec& spec,
                               const cgroup::Layout& layout, const cgroup::Paths& paths,
                               RootfsPlan& rootfs) {
  std::vector<MountPlan>& plans = rootfs.mounts;
  const std::vector<CgroupSource> sources = cgroup_sources(layout, paths);
  MountPlan bind = wanted;
  bind.kind = MountKind::CgroupDirectory;
  bind.data.clear();
  bind.source_sent = rootfs.root_sent;
  const bool v2_only = layout.kind == cgroup::LayoutKind::V2 || wanted.type == "cgroup2";
  if (v2_only) {
    if (layout.hierarchies.empty() || !layout.hierarchies.back().v2)
      return Error::invalid("mounts[{}].type: no cgroup2 file system is mounted on this host",
                            wanted.index);
    bind.source = sources.back().path;
    plans.push_back(std::move(bind));
    return {};
  }
  if (sources.empty())
    return Error::invalid("mounts[{}].type: no cgroup file system is mounted on this host",
                          wanted.index);

  plans.push_back(cgroup_tmpfs(wanted, spec));
  for (const CgroupSource& source : sources) {
    bind.destination = wanted.destination + "/" + source.name;
    bind.source = source.path;
    plans.push_back(bind);
    for (const std::string& link : source.links) {
      MountPlan symlink;
      symlink.kind = MountKind::Symlink;
      symlink.index = wanted.index;
      symlink.destination = wanted.destination + "/" + link;
      symlink.source = source.name;
      plans.push_back(std::move(symlink));
    }
  }
  return {};
}

/// run.oci.systemd.force_cgroup_v1: in the place of `wanted`, for an old systemd, the container's
/// own directory of the hierarchy that systemd keeps its units in.
Result<void> plan_systemd_hierarchy(const MountPlan& wanted, const spec::Spec& spec,
                                    const cgroup::Paths& paths, RootfsPlan& rootfs) {
  const auto hierarchy =
      std::find_if(paths.directories.begin(), paths.directories.end(),
                   [](const auto& entry) { return entry.first == "name=systemd"; });
  if (hierarchy == paths.directories.end())
    return Error::invalid("annotations.{}: the container has no cgroup in name=systemd",
                          spec::kSystemdHierarchy);
  MountPlan around;
  around.index = wanted.index;
  around.destination = wanted.destination;
  around.flags = wanted.flags & ~static_cast<unsigned long>(MS_BIND | MS_REC);
  around.cleared = wanted.cleared;
  around.propagation = wanted.propagation;
  MountPlan bind = around;
  rootfs.mounts.push_back(cgroup_tmpfs(std::move(around), spec));
  bind.kind = MountKind::CgroupDirectory;
  bind.destination += "/systemd";
  bind.source = hierarchy->second;
  bind.source_sent = rootfs.root_sent;
  rootfs.mounts.push_back(std::move(bind));
  return {};
}

Result<void> check_destination(const MountPlan& plan) {
  const std::string& at = plan.destination;
  if (!at.starts_with("/proc/")) return {};
  const auto* end = std::end(kCoverableProcFiles);
  if (std::find(std::begin(kCoverableProcFiles), end, at) != end) return {};
  return Error::invalid("mounts[{}].destination: {} cannot be mounted because it is inside /proc",
                        plan.index, text::quote(at));
}

/// The file system's own settings cannot be changed by a bind mount of it; mount(8) and the other
/// runtimes take the words all the same.
void warn_of_superblock_flags(const MountPlan& plan) {
  if ((plan.flags & spec::kSuperblockFlags) != 0)
    log::warn(
        "mounts[{}].options: sync, dirsync, mand, iversion and lazytime belong to the file system "
        "and not to a bind mount of it, ignoring",
        plan.index);
}

Result<void> plan_bind(const spec::Mount& mount, const PlanOptions& options, MountPlan& plan) {
  if (mount.source.empty()) return Error::invalid("mounts[{}].source: missing", plan.index);
  plan.kind = MountKind::Bind;
  plan.source = path::join(options.bundle, mount.source);
  plan.must_be_proc = plan.destination == "/proc";
  warn_of_superblock_flags(plan);
  return {};
}

Result<void> plan_filesystem(const spec::Mount& mount, const spec::Spec& spec, MountPlan& plan) {
  if (mount.type.empty()) return Error::invalid("mounts[{}].type: missing", plan.index);
  plan.kind = MountKind::FileSystem;
  plan.source = mount.source.empty() ? mount.type : mount.source;
  plan.plain_directory = mount.type == "proc" || mount.type == "sysfs";
  if (plan.destination == "/proc" && mount.type != "proc")
    return Error::invalid("mounts[{}].type: only proc may be mounted on /proc, not {}", plan.index,
                          text::quote(mount.type));
  fold_tree_flags(plan);
  plan_label(spec, plan);
  if (mount.type == "tmpfs") delay_read_only(plan);
  // mount(2) tells nobody what it has made: to fill it, or to take it for the root, we must know.
  plan.detached = plan.copy_up || plan.over_root;
  return {};
}

MountPlan common_plan(const spec::Mount& mount, uint32_t index, const spec::MountOptions& parsed) {
  MountPlan plan;
  plan.index = index;
  plan.destination = path::clean("/" + mount.destination);
  plan.type = mount.type;
  plan.flags = parsed.flags;
  plan.cleared = parsed.cleared;
  plan.tree_flags = parsed.tree_flags;
  plan.tree_cleared = parsed.tree_cleared;
  plan.propagation = parsed.propagation;
  plan.data = parsed.data;
  plan.copy_up = parsed.copy_up;
  plan.copy_symlink = parsed.copy_symlink;
  plan.source_nofollow = parsed.source_nofollow || parsed.copy_symlink;
  plan.target_nofollow = parsed.target_nofollow;
  return plan;
}

Result<void> plan_mount(const spec::Mount& mount, uint32_t index, const spec::Spec& spec,
                        const Host& host, const cgroup::Paths& cgroup, const PlanOptions& options,
                        RootfsPlan& rootfs) {
  const spec::MountOptions parsed =
      TRY(spec::parse_mount_options(mount.options).context("mounts[{}].options", index));
  MountPlan plan = common_plan(mount, index, parsed);
  TRY(check_destination(plan));
  if ((plan.flags & MS_REMOUNT) != 0) {
    plan.kind = MountKind::Remount;
    delay_read_only(plan);
    rootfs.mounts.push_back(std::move(plan));
    return {};
  }
  const std::string* systemd = spec::find(spec.annotations, spec::kSystemdHierarchy);
  if (systemd != nullptr && !systemd->empty() && path::clean(*systemd) == plan.destination) {
    fold_tree_flags(plan);
    return plan_systemd_hierarchy(plan, spec, cgroup, rootfs);
  }
  if (plan.type == "cgroup" || plan.type == "cgroup2") {
    fold_tree_flags(plan);
    return plan_cgroup_mount(plan, spec, host.cgroups, cgroup, rootfs);
  }
  plan.over_root = plan.destination == "/";
  if (spec::is_bind(mount, parsed)) {
    plan.flags |= MS_BIND;
    TRY(plan_bind(mount, options, plan));
  } else {
    TRY(plan_filesystem(mount, spec, plan));
  }
  plan.idmap = TRY(plan_idmap(mount, parsed, spec).context("mounts[{}]", index));
  plan.source_sent = plan.idmap || (plan.kind == MountKind::Bind && rootfs.root_sent);
  rootfs.mounts.push_back(std::move(plan));
  return {};
}

/// A joined mount namespace is taken as it is: nothing can be built in it
/// without changing it for the processes that live there.
Result<void> check_joined_mount_namespace(const spec::Spec& spec) {
  const char* field = nullptr;
  if (!spec.mounts.empty()) field = "mounts";
  if (!spec.linux.masked_paths.empty()) field = "linux.maskedPaths";
  if (!spec.linux.readonly_paths.empty()) field = "linux.readonlyPaths";
  if (!spec.linux.rootfs_propagation.empty()) field = "linux.rootfsPropagation";
  if (!spec.linux.mount_label.empty()) field = "linux.mountLabel";
  if (!spec.linux.devices.empty()) field = "linux.devices";
  if (spec.root.readonly) field = "root.readonly";
  if (field == nullptr) return {};
  return Error::invalid("{}: cannot be applied in a mount namespace that is joined by path", field);
}

bool covers_dev(const MountPlan& mount) {
  return mount.destination == "/dev" && mount.kind == MountKind::Bind;
}

}  // namespace

Result<std::optional<RootfsPlan>> plan_rootfs(const spec::Spec& spec, const Host& host,
                                              const cgroup::Paths& cgroup,
                                              const NamespacePlan& namespaces,
                                              const PlanOptions& options) {
  const spec::Namespace* mount_namespace = spec.find_namespace(spec::NamespaceType::Mount);
  if (mount_namespace != nullptr && !mount_namespace->path.empty()) {
    TRY(check_joined_mount_namespace(spec));
    return std::optional<RootfsPlan>();
  }
  // Without SELinux the label would be an unknown option, or nothing.
  if (!spec.linux.mount_label.empty() && !host.selinux)
    return Error::invalid("linux.mountLabel: SELinux is not enabled on this host");
  RootfsPlan plan;
  plan.path = path::join(options.bundle, spec.root.path);
  plan.readonly = spec.root.readonly;
  plan.no_pivot = options.no_pivot;
  plan.final_propagation = propagation_flag(spec.linux.rootfs_propagation);
  plan.shares_host_mounts = (plan.final_propagation & MS_SHARED) != 0;
  plan.host_propagation = plan.shares_host_mounts ? 0 : MS_SLAVE | MS_REC;
  const bool user_namespace = namespaces.makes_user() || namespaces.joins_user();
  // Only root can copy trees of the host; others have none that they cannot reach from inside.
  plan.root_sent = user_namespace && host.euid == 0;
  for (size_t i = 0; i < spec.mounts.size(); ++i)
    TRY(plan_mount(spec.mounts[i], static_cast<uint32_t>(i), spec, host, cgroup, options, plan));
  plan.make_devices = std::none_of(plan.mounts.begin(), plan.mounts.end(), covers_dev);
  plan.bind_devices = user_namespace;
  plan.devices = plan_devices(spec.linux.devices, plan.make_devices);
  plan.masked_paths = spec.linux.masked_paths;
  plan.readonly_paths = spec.linux.readonly_paths;
  return std::optional<RootfsPlan>(std::move(plan));
}

}  // namespace skiff::launch
