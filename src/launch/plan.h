// The launch plan: everything init will do, decided. A plain value that the
// runtime makes from a Spec and sends to init, which carries it out in order and decides nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/linux/cgroup/cgroup.h"
#include "src/linux/host.h"
#include "src/linux/seccomp.h"
#include "src/spec/spec.h"

namespace skiff::launch {

/// Which namespaces are made and which are entered, and on which of two roads.
struct NamespacePlan {
  /// CLONE_NEW* that clone3(2) makes with init itself: the common road, one clone.
  uint64_t at_clone = 0;
  /// CLONE_NEW* made by the bootstrap, which init is forked from: needed when a user
  /// or time namespace is new, or a user or pid namespace is joined.
  uint64_t at_bootstrap = 0;
  bool bootstrap = false;
  /// A new network namespace that is not of these: the runtime makes it while init starts.
  bool network_apart = false;
  /// A new cgroup namespace: unshared by init once it is in its cgroup, because one made
  /// by clone3(2) has the *caller's* cgroup as its root (cgroup_namespaces(7)).
  bool new_cgroup = false;
  /// Namespaces entered by path; the runtime opens them and sends the descriptors in this order.
  std::vector<spec::Namespace> joins;
  /// exec: CLONE_NEW* entered at once through init's pidfd, which is sent as a descriptor.
  uint64_t join_by_pidfd = 0;
  std::vector<spec::TimeOffset> time_offsets;  // of the time namespace in at_bootstrap

  bool makes_user() const;
  bool joins_user() const;
};

enum class MountKind : uint8_t { FileSystem, Bind, CgroupDirectory, Symlink, Remount };

/// How a mount's ids are mapped; carried out by the runtime, since only the owner of the file
/// system's user namespace may.
struct IdMapPlan {
  bool recursive = false;
  bool joined = false;  // by the user namespace that the container joins; the lists are empty
  std::vector<spec::IdMapping> uids;
  std::vector<spec::IdMapping> gids;
};

struct MountPlan {
  MountKind kind = MountKind::FileSystem;
  uint32_t index = 0;       // in `mounts`, for errors
  std::string destination;  // clean and absolute, inside the rootfs
  std::string type;
  std::string source;  // bind: an absolute host path; symlink: its target
  unsigned long flags = 0;
  unsigned long cleared = 0;
  unsigned long tree_flags = 0;  // for the mount and all below it, before the two above
  unsigned long tree_cleared = 0;
  unsigned long propagation = 0;
  std::string data;
  std::string label;             // SELinux label of the mounted root, for types without an option
  bool plain_directory = false;  // no symlink on the way: procfs and sysfs
  bool must_be_proc = false;     // a bind on /proc: only of a procfs (CVE-2019-16884)
  bool read_only_later = false;  // mounted writable, so that later mount points can be made in it
  bool over_root = false;        // on "/": becomes the root for all that follows
  bool detached = false;         // a file system that is made first and attached then
  bool copy_up = false;          // filled with what it covers
  bool copy_symlink = false;     // a source that is a symlink is made anew at the destination
  bool source_nofollow = false;
  bool target_nofollow = false;
  /// The runtime sends the detached mount: init's user namespace may not reach the source, or an
  /// id mapping is set on it.
  bool source_sent = false;
  std::optional<IdMapPlan> idmap;
};

struct DevicePlan {
  int32_t index = -1;  // in linux.devices, for errors; -1 for a default device
  std::string path;    // inside the rootfs
  char type = 'c';     // 'c', 'b' or 'p'
  uint32_t major = 0;
  uint32_t minor = 0;
  std::optional<uint32_t> mode;  // 0666 unless given
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
};

struct RootfsPlan {
  std::string path;  // absolute, on the host
  bool readonly = false;
  bool no_pivot = false;
  /// For "/" of the new mount namespace before anything is mounted; 0: as copied.
  unsigned long host_propagation = 0;
  /// For the finished root.
  unsigned long final_propagation = 0;
  /// Mounts are still shared with the host: the rootfs' parent must be made private before
  /// anything is mounted, and the old root a slave before it is unmounted.
  bool shares_host_mounts = false;
  /// The runtime sends a detached copy of the rootfs, because init's user namespace may not reach
  /// it. It comes before those of the mounts, which say so themselves.
  bool root_sent = false;
  std::vector<MountPlan> mounts;
  bool make_devices = true;
  bool bind_devices = false;  // no mknod(2) in a user namespace
  std::vector<DevicePlan> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
};

struct ProcessPlan {
  bool terminal = false;
  std::optional<spec::ConsoleSize> console_size;
  bool console_device = false;  // bind the terminal on /dev/console
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;
  bool set_groups = true;    // false where setgroups(2) is denied, or groups are kept
  bool keep_groups = false;  // the caller's supplementary groups
  uint32_t umask = 0022;
  std::string cwd;
  std::vector<std::string> args;  // empty: no process, init holds the namespaces (see holds())
  std::vector<std::string> env;
  spec::Capabilities capabilities;
  bool no_new_privileges = false;
  std::optional<uint64_t> personality;
  std::optional<spec::MemoryPolicy> memory_policy;
  /// In effect order; the runtime raises hard limits, init sets the rest just before execve.
  std::vector<spec::Rlimit> rlimits;
  std::optional<int32_t> oom_score_adj;         // written by the runtime
  std::optional<spec::Scheduler> scheduler;     // set by the runtime: the privilege needed is that
  std::optional<spec::IoPriority> io_priority;  // of the initial user namespace
  std::string apparmor_profile;                 // from execve on; "" as it is
  std::string selinux_label;                    // from execve on; "" as it is
  std::string keyring;                          // session keyring to join; "" keeps the caller's
  unsigned preserve_fds = 0;
  std::optional<seccomp::Program> seccomp;
  /// seccomp(2) demands no_new_privs or CAP_SYS_ADMIN. The filter is loaded last, just before
  /// execve, so that profiles need to allow nothing of ours: without no_new_privs, CAP_SYS_ADMIN is
  /// kept until then; execve itself takes it away (capabilities(7), "Transformation of
  /// capabilities").
  bool keep_sys_admin = false;

  /// A container without a process of its own: init waits until it is killed, and nothing starts.
  bool holds() const { return args.empty(); }
};

struct LaunchPlan {
  std::string id;
  NamespacePlan namespaces;
  std::optional<RootfsPlan> rootfs;
  std::string hostname;
  std::string domainname;
  bool bring_up_loopback = false;
  spec::StringMap sysctl;
  bool runtime_hooks = false;  // prestart, createRuntime or createContainer hooks exist
  std::vector<spec::Hook> create_container;
  std::vector<spec::Hook> start_container;
  /// The runtime sends files for what these hooks write to stdout, stderr.
  bool hook_stdout = false;
  bool hook_stderr = false;
  ProcessPlan process;
  /// create: wait for `start` on the listening socket; else Start comes over the channel.
  bool start_socket = false;
  int32_t log_level = 0;
  bool log_json = false;
};

/// What the command line adds to the configuration.
struct PlanOptions {
  std::string id;
  std::string bundle;  // absolute
  bool no_pivot = false;
  bool no_new_keyring = false;
  unsigned preserve_fds = 0;
  unsigned listen_fds = 0;  // of them, sockets passed by systemd's protocol (sd_listen_fds(3))
  bool start_socket = false;
};

/// Decides everything about a container; pure. `filter` is the compiled
/// linux.seccomp, if there is one. Errors begin with the field's path.
Result<LaunchPlan> plan_container(const spec::Spec& spec, const Host& host,
                                  const cgroup::Paths& cgroup,
                                  std::optional<seccomp::Program> filter,
                                  const PlanOptions& options);

/// Decides everything about one more process in a container made from `spec`;
/// `process` replaces spec.process. `filter` is the program stored at create.
Result<LaunchPlan> plan_exec(const spec::Spec& spec, const spec::Process& process, const Host& host,
                             std::optional<seccomp::Program> filter, const PlanOptions& options);

}  // namespace skiff::launch
