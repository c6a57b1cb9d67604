/// The two containers that the floor makes, as tables: that of `spec`, and that of podman 5.8.
#pragma once

#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cstdint>
#include <initializer_list>
#include <span>

struct Mount {
  const char* type;  // null: bind
  const char* source;
  const char* target;  // relative to the root file system
  unsigned long flags;
  const char* data;
  bool make_target;  // the target is on a tmpfs mounted before
};

struct Layout {
  uint64_t namespaces;  // those that clone3 makes
  bool cgroup_namespace;
  const char* hostname;
  std::span<const Mount> mounts;
  std::span<const char* const> masked;
  std::span<const char* const> readonly;
  uint64_t capabilities;
  rlim_t open_files;
  bool no_new_privileges;
  bool readonly_root;
};

inline constexpr unsigned long kQuiet = MS_NOSUID | MS_NOEXEC | MS_NODEV;
inline constexpr uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

inline constexpr Mount kProc = {"proc", "proc", "proc", kQuiet, nullptr, false};
inline constexpr Mount kDev = {
    "tmpfs", "tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k", false};
inline constexpr Mount kPts = {"devpts",
                               "devpts",
                               "dev/pts",
                               MS_NOSUID | MS_NOEXEC,
                               "newinstance,ptmxmode=0666,mode=0620,gid=5",
                               true};
inline constexpr Mount kMqueue = {"mqueue", "mqueue", "dev/mqueue", kQuiet, nullptr, true};
inline constexpr Mount kSys = {"sysfs", "sysfs", "sys", kQuiet | MS_RDONLY, nullptr, false};
inline constexpr Mount kCgroup = {
    "cgroup2", "cgroup", "sys/fs/cgroup", kQuiet | MS_RELATIME | MS_RDONLY, nullptr, false};

inline constexpr Mount kDefaultMounts[] = {
    kProc,   kDev, kPts,    {"tmpfs", "shm", "dev/shm", kQuiet, "mode=1777,size=65536k", true},
    kMqueue, kSys, kCgroup,
};
inline constexpr Mount kPodmanMounts[] = {
    kProc,
    kDev,
    kSys,
    kPts,
    kMqueue,
    {nullptr, "hosts", "etc/hosts", 0, nullptr, false},
    {nullptr, "shm", "dev/shm", kQuiet, nullptr, true},
    {nullptr, ".containerenv", "run/.containerenv", 0, nullptr, false},
    {nullptr, "hostname", "etc/hostname", 0, nullptr, false},
    kCgroup,
};

inline constexpr const char* kDefaultMasked[] = {
    "/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/sys/firmware",       "/proc/scsi",
};
inline constexpr const char* kDefaultReadonly[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};
inline constexpr const char* kPodmanMasked[] = {
    "/proc/acpi",          "/proc/kcore",       "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
    "/proc/timer_list",    "/proc/timer_stats", "/sys/devices/virtual/powercap",
    "/sys/firmware",       "/sys/fs/selinux",   "/proc/interrupts",
};
inline constexpr const char* kPodmanReadonly[] = {
    "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

constexpr uint64_t bits(std::initializer_list<int> capabilities) {
  uint64_t mask = 0;
  for (const int capability : capabilities) mask |= uint64_t{1} << capability;
  return mask;
}

inline constexpr Layout kDefault = {
    kNamespaces,
    true,
    "floor",
    kDefaultMounts,
    kDefaultMasked,
    kDefaultReadonly,
    bits({CAP_AUDIT_WRITE, CAP_KILL, CAP_NET_BIND_SERVICE}),
    1024,
    true,
    true,
};
inline constexpr Layout kPodman = {
    kNamespaces,
    false,
    "8d64aaccfb8b",
    kPodmanMounts,
    kPodmanMasked,
    kPodmanReadonly,
    bits({CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_NET_BIND_SERVICE,
          CAP_SETFCAP, CAP_SETGID, CAP_SETPCAP, CAP_SETUID, CAP_SYS_CHROOT}),
    20000,
    false,
    false,
};
