#include "src/linux/idmap.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "src/base/text.h"
#include "src/base/undo.h"
#include "src/linux/pidfd.h"
#include "src/linux/spawn.h"
#include "src/linux/syscalls.h"

namespace skiff::idmap {
namespace {

/// What is the same for users and groups but for the names.
struct Kind {
  std::string field;
  const char* file;
  const char* program;  // of shadow-utils, with file capabilities or set-user-id
  const char* grants;
  unsigned capability;
  uint32_t own;
};

constexpr size_t kPageSize = 4096;  // the smallest there is: what one write to a map may hold

bool has_capability(unsigned capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) < 0) return false;
  return (sets[capability / 32].effective & (1U << (capability % 32))) != 0;
}

/// user_namespaces(7): one line of one id, the writer's own, takes no privilege.
bool is_own_id(const Mappings& mappings, uint32_t own) {
  return mappings.size() == 1 && mappings[0].size == 1 && mappings[0].host_id == own;
}

/// In one write(2): the kernel takes a map only once and as a whole.
Result<void> write_file(const Fd& proc, const char* name, std::string_view text) {
  const Fd file = TRY(sys::open_at(proc, name, O_WRONLY | O_NOFOLLOW));
  if (sys::restarting([&] { return ::write(file.get(), text.data(), text.size()); }) < 0)
    return Error::from_errno("write {}", name);
  return {};
}

Result<void> write_directly(const Fd& proc, const Kind& kind, const Mappings& mappings) {
  const std::string lines = map_lines(mappings);
  if (lines.size() >= kPageSize)
    return Error::invalid("{} mappings are {} bytes; the kernel takes less than {}",
                          mappings.size(), lines.size(), kPageSize);
  auto written = write_file(proc, kind.file, lines);
  if (written || !written.error().is(EPERM)) return written;
  return std::move(written).error().with_hint(
      "an id outside is not mapped in the caller's user namespace, "
      "or is 0 and the caller lacks CAP_SETFCAP");
}

Result<std::string> find_program(const char* name) {
  const char* path = std::getenv("PATH");
  for (const std::string_view directory :
       text::split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    if (directory.empty() || directory[0] != '/')
      continue;  // never what lies in the working directory
    std::string candidate = fmt::format("{}/{}", directory, name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return Error::invalid("{}: not found in PATH", name)
      .with_hint("install the package uidmap (shadow-utils)");
}

/// What `program` writes to stderr is all it tells of a refusal.
Result<void> run_to_end(SpawnRequest request, const Kind& kind) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return Error::from_errno("pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  request.descriptors = {-1, writer.get(), writer.get()};
  request.close_others = true;
  const Spawned child = TRY(spawn(request));
  writer.close();
  constexpr size_t kMostOutput = 65536;
  const auto output = sys::read_all(reader, kMostOutput, kind.program);
  const int status = TRY(reap(child.pid));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string told = text::quote(output ? text::trim(*output) : std::string_view());
  return Error::invalid("{} failed: {}", kind.program, told).with_hint(kind.grants);
}

Result<void> write_by_program(pid_t pid, const Kind& kind, const Mappings& mappings) {
  SpawnRequest request;
  request.path = TRY(find_program(kind.program));
  request.argv = {kind.program, fmt::format("{}", pid)};
  for (const spec::IdMapping& mapping : mappings)
    for (const uint32_t number : {mapping.container_id, mapping.host_id, mapping.size})
      request.argv.push_back(fmt::format("{}", number));
  return run_to_end(std::move(request), kind);
}

Result<void> write_map(pid_t pid, const Fd& proc, const Kind& kind, const Mappings& mappings) {
  if (mappings.empty()) return {};
  if (has_capability(kind.capability)) return write_directly(proc, kind, mappings);
  if (!is_own_id(mappings, kind.own)) return write_by_program(pid, kind, mappings);
  // Otherwise a process could drop a group that denies it access (CVE-2014-8989).
  if (kind.capability == CAP_SETGID) TRY(write_file(proc, "setgroups", "deny"));
  return write_directly(proc, kind, mappings);
}

/// Sorts, and makes adjoining ranges one.
void join_ranges(Mappings& mappings) {
  std::sort(mappings.begin(), mappings.end(),
            [](const auto& a, const auto& b) { return a.container_id < b.container_id; });
  Mappings joined;
  for (const spec::IdMapping& mapping : mappings) {
    spec::IdMapping* last = joined.empty() ? nullptr : &joined.back();
    if (last != nullptr && last->container_id + last->size == mapping.container_id &&
        last->host_id + last->size == mapping.host_id)
      last->size += mapping.size;
    else
      joined.push_back(mapping);
  }
  mappings = std::move(joined);
}

/// The lines of a uid_map or gid_map as they read in this process's user namespace.
Result<Mappings> parse_map(std::string_view lines) {
  Mappings mappings;
  for (std::string_view line : text::split(text::trim(lines), '\n')) {
    uint32_t numbers[3] = {};
    for (uint32_t& number : numbers) {
      line = text::trim(line);
      const size_t end = std::min(line.find(' '), line.size());
      const auto parsed = text::parse_unsigned(line.substr(0, end));
      if (!parsed) return Error::invalid("malformed: {}", text::quote(line));
      number = static_cast<uint32_t>(*parsed);
      line.remove_prefix(end);
    }
    mappings.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return mappings;
}

Result<void> check_map(pid_t pid, const char* name, const Mappings& wanted) {
  if (wanted.empty()) return {};
  constexpr size_t kMostBytes = 65536;
  const Fd file = TRY(sys::open(fmt::format("/proc/{}/{}", pid, name), O_RDONLY));
  const std::string lines = TRY(sys::read_all(file, kMostBytes, name));
  Mappings present;
  if (!text::trim(lines).empty()) present = TRY(parse_map(lines).context("{}", name));
  if (are_equal(present, wanted)) return {};
  const std::string shown = map_lines(present);
  return Error::invalid("the user namespace to join has other ones: {}",
                        text::quote(text::trim(shown)));
}

}  // namespace

std::optional<uint32_t> to_host(const Mappings& mappings, uint32_t container_id) {
  for (const spec::IdMapping& mapping : mappings)
    if (container_id >= mapping.container_id && container_id - mapping.container_id < mapping.size)
      return mapping.host_id + (container_id - mapping.container_id);
  return std::nullopt;
}

std::string map_lines(const Mappings& mappings) {
  std::string lines;
  for (const spec::IdMapping& mapping : mappings)
    lines += fmt::format("{} {} {}\n", mapping.container_id, mapping.host_id, mapping.size);
  return lines;
}

Result<void> write_maps(pid_t pid, const Mappings& uids, const Mappings& gids,
                        std::string_view owner) {
  const Kind users{fmt::format("{}.uidMappings", owner), "uid_map",  "newuidmap",
                   "grant the ids in /etc/subuid",       CAP_SETUID, ::geteuid()};
  const Kind groups{fmt::format("{}.gidMappings", owner), "gid_map",  "newgidmap",
                    "grant the ids in /etc/subgid",       CAP_SETGID, ::getegid()};
  const Fd proc = TRY(sys::open(fmt::format("/proc/{}", pid), O_PATH | O_DIRECTORY));
  TRY(write_map(pid, proc, users, uids).context("{}", users.field));
  return write_map(pid, proc, groups, gids).context("{}", groups.field);
}

bool are_equal(Mappings first, Mappings second) {
  join_ranges(first);
  join_ranges(second);
  return map_lines(first) == map_lines(second);
}

Result<void> check_maps(pid_t pid, const Mappings& uids, const Mappings& gids) {
  TRY(check_map(pid, "uid_map", uids).context("linux.uidMappings"));
  return check_map(pid, "gid_map", gids).context("linux.gidMappings");
}

Result<Fd> open_namespace(const Mappings& uids, const Mappings& gids, std::string_view owner) {
  int raw = -1;
  clone_args request{};
  request.flags = CLONE_NEWUSER | CLONE_PIDFD;
  request.pidfd = reinterpret_cast<uint64_t>(&raw);
  request.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &request, sizeof request);
  if (pid < 0) return Error::from_errno("make a user namespace");
  if (pid == 0) {
    // Only system calls here: it holds the namespace until the descriptor does.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (;;) ::pause();
  }
  const Fd pidfd(raw);
  const auto child = static_cast<pid_t>(pid);
  Undo end([&] {
    (void)pidfd::send_signal(pidfd, SIGKILL);
    (void)reap(child);
  });
  TRY(write_maps(child, uids, gids, owner));
  return sys::open(fmt::format("/proc/{}/ns/user", child), O_RDONLY);
}

Result<void> become_root(bool keep_groups) {
  // EPERM: denied for good in a namespace that maps just its maker's id, user_namespaces(7).
  if (!keep_groups && ::setgroups(0, nullptr) < 0 && errno != EPERM)
    return Error::from_errno("setgroups");
  // EINVAL: 0 is not mapped; the process goes on as whoever it is.
  if (::setresgid(0, 0, 0) < 0 && errno != EINVAL) return Error::from_errno("setresgid 0");
  if (::setresuid(0, 0, 0) < 0 && errno != EINVAL) return Error::from_errno("setresuid 0");
  return {};
}

}  // namespace skiff::idmap
