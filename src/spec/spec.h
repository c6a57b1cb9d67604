// What was asked for: the OCI runtime-spec configuration as plain values. The
// only configuration structs in the program; names follow the specification,
// std::optional stands where it says OPTIONAL and absence means something.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skiff::spec {

/// The version of the specification that skiff implements.
inline constexpr const char* kOciVersion = "1.3.0";
/// The oldest version whose bundles it takes.
inline constexpr const char* kOciVersionMin = "1.0.0";

using StringMap = std::vector<std::pair<std::string, std::string>>;
/// Small numbers, of CPUs or memory nodes: bit n%64 of word n/64, no empty word at the end.
using NumberSet = std::vector<uint64_t>;

struct Root {
  std::string path;  // as written: absolute, or relative to the bundle
  bool readonly = false;
};

struct IdMapping {
  uint32_t container_id = 0;
  uint32_t host_id = 0;
  uint32_t size = 0;
};

struct Mount {
  std::string destination;
  std::string type;    // "" where absent; "bind"/"none" or a file system
  std::string source;  // as written: a relative bind source is relative to the bundle
  std::vector<std::string> options;
  std::vector<IdMapping> uid_mappings = {};  // with gid_mappings or not at all
  std::vector<IdMapping> gid_mappings = {};
};

struct ConsoleSize {
  uint16_t height = 0;
  uint16_t width = 0;
};

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<uint32_t> umask;
  std::vector<uint32_t> additional_gids;
};

/// The five sets as bit masks, bit n for capability number n.
struct Capabilities {
  uint64_t bounding = 0;
  uint64_t effective = 0;
  uint64_t permitted = 0;
  uint64_t inheritable = 0;
  uint64_t ambient = 0;
};

struct Rlimit {
  int resource = 0;  // RLIMIT_*
  uint64_t soft = 0;
  uint64_t hard = 0;
};

/// As sched_setattr(2) takes it; times in nanoseconds.
struct Scheduler {
  uint32_t policy = 0;  // SCHED_*
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t flags = 0;  // SCHED_FLAG_*
  uint64_t runtime = 0;
  uint64_t deadline = 0;
  uint64_t period = 0;
};

struct IoPriority {
  uint8_t io_class = 0;  // IOPRIO_CLASS_*
  uint8_t level = 0;     // 0 (high) to 7
};

/// CPUs of an exec'ed process, before it enters the container's cgroup and after; empty: as it is.
struct ExecAffinity {
  NumberSet initial;
  NumberSet final;
};

struct Process {
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::optional<Capabilities>
      capabilities;  // absent: the sets are emptied (spec: "any not listed are dropped")
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::optional<int32_t> oom_score_adj;
  std::optional<Scheduler> scheduler;
  std::optional<IoPriority> io_priority;
  ExecAffinity exec_affinity;
  std::string apparmor_profile;  // "": as it is
  std::string selinux_label;     // "": as it is
};

enum class NamespaceType { Mount, Pid, Network, Ipc, Uts, User, Cgroup, Time };
inline constexpr size_t kNamespaceTypes = 8;

struct Namespace {
  NamespaceType type;
  std::string path;  // "" for a new namespace
};

/// An entry of linux.devices; without the optional members it is 0666 and root's.
struct Device {
  std::string path;  // absolute
  char type = 'c';   // 'c', 'b' or 'p'; "u" is another word for 'c'
  uint32_t major = 0;
  uint32_t minor = 0;
  std::optional<uint32_t> file_mode;  // permission bits
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
};

/// What is added to a clock of a new time namespace.
struct TimeOffset {
  int clock = 0;  // CLOCK_MONOTONIC or CLOCK_BOOTTIME
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
};

/// A network device that is moved into the container.
struct NetDevice {
  std::string host_name;
  std::string container_name;  // one "%d" in it becomes the first number that is free
};

/// As set_mempolicy(2) takes it.
struct MemoryPolicy {
  int mode = 0;  // MPOL_*, MPOL_F_* in it
  NumberSet nodes;
};

/// linux.intelRdt: a group of the resctrl file system.
struct IntelRdt {
  std::optional<std::string> closid;  // absent: the container's id; "/": the root group
  std::vector<std::string> schemata;
  std::string l3_cache_schema;  // "" where absent
  std::string mem_bw_schema;
  bool monitoring = false;  // a monitoring group of the container's own
};

/// A rule of linux.resources.devices. Major and minor: nullopt for any.
struct DeviceRule {
  bool allow = false;
  char type = 'a';  // 'a' any, 'c' or 'b'
  std::optional<int64_t> major;
  std::optional<int64_t> minor;
  bool read = false, write = false, mknod = false;

  bool operator==(const DeviceRule&) const = default;
};

/// Bytes; -1 for no limit.
struct Memory {
  std::optional<int64_t> limit;
  std::optional<int64_t> reservation;
  std::optional<int64_t> swap;  // memory plus swap
  std::optional<int64_t> kernel;
  std::optional<int64_t> kernel_tcp;
  std::optional<uint64_t> swappiness;
  std::optional<bool> disable_oom_killer;
  std::optional<bool> use_hierarchy;
  std::optional<bool> check_before_update;
};

/// Times in microseconds.
struct Cpu {
  std::optional<uint64_t> shares;
  std::optional<int64_t> quota;
  std::optional<uint64_t> burst;
  std::optional<uint64_t> period;
  std::optional<int64_t> realtime_runtime;
  std::optional<uint64_t> realtime_period;
  std::optional<int64_t> idle;
  std::string cpus;
  std::string mems;
};

/// A block device with weights of its own, 10 to 1000; 0 is none.
struct WeightDevice {
  int64_t major = 0;
  int64_t minor = 0;
  std::optional<uint16_t> weight;
  std::optional<uint16_t> leaf_weight;
};

/// The most that may be done to a block device in a second, in bytes or operations.
struct ThrottleDevice {
  int64_t major = 0;
  int64_t minor = 0;
  uint64_t rate = 0;
};

struct BlockIo {
  std::optional<uint16_t> weight;  // as in WeightDevice
  std::optional<uint16_t> leaf_weight;
  std::vector<WeightDevice> weight_device;
  std::vector<ThrottleDevice> throttle_read_bps;
  std::vector<ThrottleDevice> throttle_write_bps;
  std::vector<ThrottleDevice> throttle_read_iops;
  std::vector<ThrottleDevice> throttle_write_iops;
};

struct HugepageLimit {
  std::string page_size;  // "2MB"
  uint64_t limit = 0;     // bytes
};

struct InterfacePriority {
  std::string name;
  uint32_t priority = 0;
};

struct Network {
  std::optional<uint32_t> class_id;
  std::vector<InterfacePriority> priorities;
};

struct Rdma {
  std::string device;
  std::optional<uint32_t> hca_handles;
  std::optional<uint32_t> hca_objects;
};

struct Resources {
  std::vector<DeviceRule> devices;
  std::optional<Memory> memory;
  std::optional<Cpu> cpu;
  std::optional<int64_t> pids_limit;
  std::optional<BlockIo> block_io;
  std::vector<HugepageLimit> hugepage_limits;
  std::optional<Network> network;
  std::vector<Rdma> rdma;
  StringMap unified;  // cgroup v2: file and what is written to it
};

enum class SeccompAction { Allow, Errno, Kill, KillProcess, KillThread, Trap, Trace, Log, Notify };

struct SeccompArg {
  uint32_t index = 0;
  uint64_t value = 0;
  uint64_t value_two = 0;
  std::string op;  // SCMP_CMP_*
};

struct SeccompRule {
  std::vector<std::string> names;
  SeccompAction action = SeccompAction::Allow;
  std::optional<uint32_t> errno_ret;
  std::vector<SeccompArg> args;
};

struct Seccomp {
  SeccompAction default_action = SeccompAction::Allow;
  std::optional<uint32_t> default_errno_ret;
  std::vector<std::string> architectures;  // SCMP_ARCH_*
  std::vector<std::string> flags;          // SECCOMP_FILTER_FLAG_*
  bool flags_given = false;                // "flags" was there, be it empty: no flags of our choice
  std::string listener_path;               // of the socket for SCMP_ACT_NOTIFY; "" where absent
  std::string listener_metadata;           // for whoever listens there
  std::vector<SeccompRule> rules;
};

struct Hook {
  std::string path;
  std::vector<std::string> args;  // args[0] is the name; empty: the path serves
  std::vector<std::string> env;
  std::optional<int64_t> timeout;  // seconds, > 0
};

struct Hooks {
  std::vector<Hook> prestart;
  std::vector<Hook> create_runtime;
  std::vector<Hook> create_container;
  std::vector<Hook> start_container;
  std::vector<Hook> poststart;
  std::vector<Hook> poststop;
};

struct Linux {
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::string cgroups_path;
  std::optional<Resources> resources;
  std::vector<Device> devices;
  std::string rootfs_propagation;  // "", shared, slave, private, unbindable and their r forms
  std::vector<TimeOffset> time_offsets;
  std::vector<NetDevice> net_devices;
  StringMap sysctl;
  std::optional<uint64_t> personality;  // PER_* and flags: personality(2)
  std::optional<MemoryPolicy> memory_policy;
  std::optional<IntelRdt> intel_rdt;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::optional<Seccomp> seccomp;
  std::string mount_label;
};

struct Spec {
  std::string oci_version;
  Root root;
  std::vector<Mount> mounts;
  std::optional<Process> process;
  std::string hostname;
  std::string domainname;
  Hooks hooks;
  StringMap annotations;
  Linux linux;

  /// The entry of linux.namespaces for `type`, or null.
  const Namespace* find_namespace(NamespaceType type) const {
    for (const Namespace& entry : linux.namespaces)
      if (entry.type == type) return &entry;
    return nullptr;
  }
  bool has_namespace(NamespaceType type) const { return find_namespace(type) != nullptr; }
};

/// What stands for a process where the configuration has none (config.md#process: OPTIONAL until
/// `start`): root without a capability, in "/".
Process idle_process();

/// The value of `key`, the last where there are several; null without one.
const std::string* find(const StringMap& map, std::string_view key);

/// "SCHED_FIFO", "IOPRIO_CLASS_BE", "MPOL_BIND" …; "" for a value that no name stands for. Flags in
/// a memory policy's mode are left out.
std::string_view scheduler_policy_name(uint32_t policy);
std::string_view io_class_name(uint8_t io_class);
std::string_view memory_mode_name(int mode);

/// "mount", "pid", … as linux.namespaces[].type has it.
const char* name(NamespaceType type);
std::optional<NamespaceType> namespace_type(std::string_view name);
/// The CLONE_NEW* flag of `type`.
uint64_t clone_flag(NamespaceType type);
/// The file below /proc/PID/ns/.
const char* proc_file(NamespaceType type);

}  // namespace skiff::spec
