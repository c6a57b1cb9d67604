/// The bare-kernel floor: the kernel calls a container needs, made one after the other by a program
/// that has nothing to decide. No configuration, no state beyond a pid, no error but "this call
/// failed": what remains is what the kernel itself costs on this machine. A runtime can be faster
/// only by having two processors at it at once.
///
///   floor run|create|start|exec|delete|state default|podman BUNDLE ID [--no-device-filter]
///                                                                     [--seccomp FILE]
///
/// Makes the container of `spec` (default) or of bundles/engine-podman (podman) with /bin/true, on
/// a pure cgroup v2 tree. --seccomp loads a filter compiled beforehand: raw struct sock_filter.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench/layouts.h"

namespace {

[[noreturn]] void die(const char* call, const char* object) {
  std::fprintf(stderr, "floor: %s %s: %s\n", call, object, std::strerror(errno));
  _exit(125);
}

void check(long outcome, const char* call, const char* object = "") {
  if (outcome < 0) die(call, object);
}

struct Request {
  const Layout* layout = &kDefault;
  const char* bundle = nullptr;
  const char* id = nullptr;
  const char* seccomp_file = nullptr;
  bool device_filter = true;
  char cgroup[256] = {};
  char state[256] = {};
  char gate[256] = {};
  std::array<sock_filter, 4096> filter{};
  unsigned short filter_length = 0;
};

// --- the cgroup ---------------------------------------------------------------------------------

bpf_insn instruction(int code, unsigned to, unsigned from, int16_t offset, int32_t value) {
  bpf_insn made{};
  made.code = static_cast<uint8_t>(code);
  made.dst_reg = to & 0xf;
  made.src_reg = from & 0xf;
  made.off = offset;
  made.imm = value;
  return made;
}
bpf_insn load(unsigned to, unsigned from, int16_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, from, offset, 0);
}
bpf_insn compute(int operation, unsigned to, int32_t value) {
  return instruction(BPF_ALU | BPF_K | operation, to, 0, 0, value);
}
bpf_insn jump(int condition, unsigned on, int32_t value, int16_t by) {
  return instruction(BPF_JMP | BPF_K | condition, on, 0, by, value);
}
bpf_insn result(int32_t value) { return instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, value); }
bpf_insn leave() { return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

/// Denies every device but mknod of any and use of null, zero, full, random, urandom, tty and ptys.
void attach_device_filter(int cgroup) {
  const bpf_insn program[] = {
      load(2, 1, 0),  // access_type: the type in the low half, the access in the high one
      load(4, 1, 4),  // major
      load(5, 1, 8),  // minor
      instruction(BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0),
      compute(BPF_RSH, 3, 16),
      compute(BPF_AND, 2, 0xffff),
      jump(BPF_JEQ, 3, BPF_DEVCG_ACC_MKNOD, 14),
      jump(BPF_JNE, 2, BPF_DEVCG_DEV_CHAR, 11),
      jump(BPF_JEQ, 4, 136, 12),
      jump(BPF_JNE, 4, 5, 3),
      jump(BPF_JEQ, 5, 0, 10),
      jump(BPF_JEQ, 5, 2, 9),
      jump(BPF_JA, 0, 0, 6),
      jump(BPF_JNE, 4, 1, 5),
      jump(BPF_JEQ, 5, 3, 6),
      jump(BPF_JEQ, 5, 5, 5),
      jump(BPF_JEQ, 5, 7, 4),
      jump(BPF_JEQ, 5, 8, 3),
      jump(BPF_JEQ, 5, 9, 2),
      result(0),
      leave(),
      result(1),
      leave(),
  };
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<uint64_t>(program);
  attributes.insn_cnt = std::size(program);
  attributes.license = reinterpret_cast<uint64_t>("GPL");
  const long loaded = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
  check(loaded, "bpf", "load the device filter");
  attributes = {};
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(loaded);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  check(syscall(SYS_bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes), "bpf", "attach");
}

int make_cgroup(const Request& request) {
  check(mkdir(request.cgroup, 0755), "mkdir", request.cgroup);
  const int cgroup = open(request.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(cgroup, "open", request.cgroup);
  if (request.device_filter) attach_device_filter(cgroup);
  return cgroup;
}

// --- the child ----------------------------------------------------------------------------------

void make_devices() {
  struct Device {
    const char* path;
    unsigned major, minor;
  };
  constexpr Device kDevices[] = {
      {"dev/null", 1, 3}, {"dev/zero", 1, 5},   {"dev/full", 1, 7},
      {"dev/tty", 5, 0},  {"dev/random", 1, 8}, {"dev/urandom", 1, 9},
  };
  for (const Device& device : kDevices)
    check(mknod(device.path, S_IFCHR | 0666, makedev(device.major, device.minor)), "mknod",
          device.path);
  constexpr const char* kLinks[][2] = {
      {"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
      {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
      {"/proc/kcore", "dev/core"},       {"pts/ptmx", "dev/ptmx"},
  };
  for (const auto& link : kLinks) check(symlink(link[0], link[1]), "symlink", link[1]);
}

void mount_all(const Request& request) {
  for (const Mount& entry : request.layout->mounts) {
    if (entry.make_target) check(mkdir(entry.target, 0755), "mkdir", entry.target);
    if (entry.type != nullptr) {
      check(mount(entry.source, entry.target, entry.type, entry.flags, entry.data), "mount",
            entry.target);
      continue;
    }
    char source[512];
    std::snprintf(source, sizeof source, "%s/bundle-files/%s", request.bundle, entry.source);
    check(mount(source, entry.target, nullptr, MS_BIND, nullptr), "bind", entry.target);
    if (entry.flags != 0)
      check(mount(nullptr, entry.target, nullptr, MS_BIND | MS_REMOUNT | entry.flags, nullptr),
            "remount", entry.target);
  }
}

void hide_paths(const Layout& layout) {
  for (const char* path : layout.readonly) {
    if (mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) < 0) {
      if (errno == ENOENT) continue;
      die("bind", path);
    }
    check(mount(nullptr, path, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | kQuiet, nullptr),
          "remount", path);
  }
  for (const char* path : layout.masked) {
    if (mount("/dev/null", path, nullptr, MS_BIND, nullptr) == 0 || errno == ENOENT) continue;
    if (errno != ENOTDIR) die("mask", path);
    check(mount("tmpfs", path, "tmpfs", MS_RDONLY, nullptr), "mask", path);
  }
}

void build_rootfs(const Request& request) {
  const Layout& layout = *request.layout;
  check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount", "private /");
  char root[512];
  std::snprintf(root, sizeof root, "%s/rootfs", request.bundle);
  check(mount(root, root, nullptr, MS_BIND | MS_REC, nullptr), "bind", root);
  check(chdir(root), "chdir", root);
  mount_all(request);
  make_devices();
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "umount", "the old root");
  check(chdir("/"), "chdir", "/");
  hide_paths(layout);
  if (layout.readonly_root)
    check(mount(nullptr, "/", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr), "remount", "/");
}

void bring_up_loopback() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  check(fd, "socket");
  ifreq interface {};
  std::memcpy(interface.ifr_name, "lo", 3);
  interface.ifr_flags = IFF_UP | IFF_RUNNING;
  check(ioctl(fd, SIOCSIFFLAGS, &interface), "ioctl", "lo up");
  close(fd);
}

void reduce_privileges(const Layout& layout) {
  const rlimit files = {layout.open_files, layout.open_files};
  check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
    if ((layout.capabilities >> capability & 1) == 0)
      check(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "prctl", "bounding set");
  check(syscall(SYS_setgroups, 0, nullptr), "setgroups");
  check(syscall(SYS_setresgid, 0, 0, 0), "setresgid");
  check(syscall(SYS_setresuid, 0, 0, 0), "setresuid");
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const auto low = static_cast<uint32_t>(layout.capabilities);
  const auto high = static_cast<uint32_t>(layout.capabilities >> 32);
  const __user_cap_data_struct data[2] = {{low, low, 0}, {high, high, 0}};
  check(syscall(SYS_capset, &header, data), "capset");
  if (layout.no_new_privileges) check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
}

void load_seccomp(const Request& request) {
  if (request.filter_length == 0) return;
  sock_fprog program = {request.filter_length, const_cast<sock_filter*>(request.filter.data())};
  check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

/// Everything between clone and exec. `gate`: the listening socket that `start` connects to, or -1.
[[noreturn]] void become_container(const Request& request, int ready, int gate) {
  const Layout& layout = *request.layout;
  if (layout.cgroup_namespace) check(unshare(CLONE_NEWCGROUP), "unshare", "cgroup");
  check(syscall(SYS_setsid), "setsid");
  check(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, request.id, 0, 0, 0), "keyctl");
  check(sethostname(layout.hostname, std::strlen(layout.hostname)), "sethostname");
  bring_up_loopback();
  build_rootfs(request);
  if (!layout.no_new_privileges) load_seccomp(request);
  reduce_privileges(layout);
  if (layout.no_new_privileges) load_seccomp(request);
  if (gate >= 0) {
    check(write(ready, "r", 1), "write", "ready");
    check(accept4(gate, nullptr, nullptr, SOCK_CLOEXEC), "accept");
  }
  check(syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC), "close_range");
  char* const arguments[] = {const_cast<char*>("/bin/true"), nullptr};
  char* const environment[] = {const_cast<char*>("PATH=/usr/bin:/bin"), nullptr};
  execve("/bin/true", arguments, environment);
  die("execve", "/bin/true");
}

/// clone3 in the vfork discipline: the child borrows this stack and memory until it execs, so no
/// page table is copied. Inlined, for the child must not return from the frame it was born in.
__attribute__((always_inline)) inline long clone_born_in(int cgroup, uint64_t flags) {
  clone_args arguments{};
  arguments.flags = flags | CLONE_INTO_CGROUP;
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = static_cast<uint64_t>(cgroup);
#if defined(__x86_64__)
  arguments.flags |= CLONE_VM | CLONE_VFORK;
  long pid;
  // libc's syscall() returns twice through a return address that the child overwrites.
  __asm__ volatile("syscall"
                   : "=a"(pid)
                   : "a"(SYS_clone3), "D"(&arguments), "S"(sizeof arguments)
                   : "rcx", "r11", "memory");
  if (pid < 0) errno = static_cast<int>(-pid);
  return pid < 0 ? -1 : pid;
#else
  return syscall(SYS_clone3, &arguments, sizeof arguments);
#endif
}

int wait_for(pid_t pid) {
  int status = 0;
  check(waitpid(pid, &status, 0), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// --- the commands -------------------------------------------------------------------------------

int run(const Request& request) {
  const int cgroup = make_cgroup(request);
  const long pid = clone_born_in(cgroup, request.layout->namespaces);
  check(pid, "clone3");
  if (pid == 0) become_container(request, -1, -1);
  const int status = wait_for(static_cast<pid_t>(pid));
  check(rmdir(request.cgroup), "rmdir", request.cgroup);
  return status;
}

sockaddr_un gate_address(const Request& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, request.gate, std::strlen(request.gate));
  return address;
}

int create(const Request& request) {
  mkdir("/run/skiff-floor", 0700);
  check(mkdir(request.state, 0700), "mkdir", request.state);
  const int gate = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = gate_address(request);
  check(bind(gate, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  check(listen(gate, 1), "listen");
  int ready[2];
  check(pipe2(ready, O_CLOEXEC), "pipe2");
  const int cgroup = make_cgroup(request);
  clone_args arguments{};  // copies its memory: the child outlives this process before it execs
  arguments.flags = request.layout->namespaces | CLONE_INTO_CGROUP;
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = static_cast<uint64_t>(cgroup);
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  check(pid, "clone3");
  if (pid == 0) become_container(request, ready[1], gate);
  close(ready[1]);
  char byte = 0;
  if (read(ready[0], &byte, 1) != 1) die("read", "ready");
  char file[300];
  std::snprintf(file, sizeof file, "%s/pid", request.state);
  const int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  check(fd, "open", file);
  check(dprintf(fd, "%ld\n", pid), "write", file);
  return 0;
}

pid_t load_pid(const Request& request) {
  char file[300];
  std::snprintf(file, sizeof file, "%s/pid", request.state);
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  check(fd, "open", file);
  char text[32] = {};
  check(read(fd, text, sizeof text - 1), "read", file);
  close(fd);
  return static_cast<pid_t>(std::strtol(text, nullptr, 10));
}

int start(const Request& request) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = gate_address(request);
  check(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  char byte = 0;
  check(read(fd, &byte, 1), "read", "gate");  // its end: the program was executed
  return 0;
}

/// Kills what is left: `delete --force`, for /bin/true may not have ended yet, and exec needs a
/// container that lives.
int remove(const Request& request) {
  const pid_t pid = load_pid(request);
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd >= 0) {
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
    pollfd dead = {pidfd, POLLIN, 0};
    check(poll(&dead, 1, 10000), "poll");
  }
  check(rmdir(request.cgroup), "rmdir", request.cgroup);
  char file[300];
  std::snprintf(file, sizeof file, "%s/pid", request.state);
  check(unlink(file), "unlink", file);
  check(unlink(request.gate), "unlink", request.gate);
  check(rmdir(request.state), "rmdir", request.state);
  rmdir("/run/skiff-floor");  // stays as long as another container is in it
  return 0;
}

int exec(const Request& request) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, load_pid(request), 0));
  check(pidfd, "pidfd_open");
  const int cgroup = open(request.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(cgroup, "open", request.cgroup);
  check(setns(pidfd, CLONE_NEWPID), "setns", "pid");
  const long pid = clone_born_in(cgroup, 0);
  check(pid, "clone3");
  if (pid == 0) {
    uint64_t others = request.layout->namespaces & ~uint64_t{CLONE_NEWPID};
    if (request.layout->cgroup_namespace) others |= CLONE_NEWCGROUP;
    check(setns(pidfd, static_cast<int>(others)), "setns");
    check(syscall(SYS_setsid), "setsid");
    if (!request.layout->no_new_privileges) load_seccomp(request);
    reduce_privileges(*request.layout);
    if (request.layout->no_new_privileges) load_seccomp(request);
    char* const arguments[] = {const_cast<char*>("/bin/true"), nullptr};
    char* const environment[] = {const_cast<char*>("PATH=/usr/bin:/bin"), nullptr};
    execve("/bin/true", arguments, environment);
    die("execve", "/bin/true");
  }
  return wait_for(static_cast<pid_t>(pid));
}

int state(const Request& request) {
  const pid_t pid = load_pid(request);
  const bool alive = syscall(SYS_pidfd_open, pid, 0) >= 0;
  std::printf("{\"id\": \"%s\", \"pid\": %d, \"status\": \"%s\"}\n", request.id, pid,
              alive ? "running" : "stopped");
  return 0;
}

void read_filter(Request& request) {
  const int fd = open(request.seccomp_file, O_RDONLY | O_CLOEXEC);
  check(fd, "open", request.seccomp_file);
  const ssize_t size = read(fd, request.filter.data(), sizeof request.filter);
  check(size, "read", request.seccomp_file);
  request.filter_length =
      static_cast<unsigned short>(static_cast<size_t>(size) / sizeof(sock_filter));
  close(fd);
}

}  // namespace

int main(int count, char** words) {
  static Request request;
  struct Command {
    const char* name;
    int (*run)(const Request&);
  };
  constexpr Command kCommands[] = {{"run", run},   {"create", create}, {"start", start},
                                   {"exec", exec}, {"delete", remove}, {"state", state}};
  if (count < 5) {
    std::fputs(
        "usage: floor run|create|start|exec|delete|state default|podman BUNDLE ID\n"
        "             [--no-device-filter] [--seccomp FILE]\n",
        stderr);
    return 125;
  }
  if (std::strcmp(words[2], "podman") == 0) request.layout = &kPodman;
  request.bundle = words[3];
  request.id = words[4];
  for (int i = 5; i < count; ++i) {
    if (std::strcmp(words[i], "--no-device-filter") == 0) request.device_filter = false;
    if (std::strcmp(words[i], "--seccomp") == 0 && i + 1 < count) request.seccomp_file = words[++i];
  }
  if (request.seccomp_file != nullptr) read_filter(request);
  std::snprintf(request.cgroup, sizeof request.cgroup, "/sys/fs/cgroup/floor-%s", request.id);
  std::snprintf(request.state, sizeof request.state, "/run/skiff-floor/%s", request.id);
  std::snprintf(request.gate, sizeof request.gate, "/run/skiff-floor/%s/gate", request.id);
  for (const Command& command : kCommands)
    if (std::strcmp(words[1], command.name) == 0) return command.run(request);
  std::fprintf(stderr, "floor: no command %s\n", words[1]);
  return 125;
}
