#include "src/linux/namespaces.h"

#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <vector>

#include "src/linux/syscalls.h"

namespace skiff::namespaces {
namespace {

bool is_own_user_namespace(const Fd& file) {
  struct stat own {};
  struct stat other {};
  return ::stat("/proc/self/ns/user", &own) == 0 && ::fstat(file.get(), &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

}  // namespace

Result<Fd> open(const spec::Namespace& entry) {
  Fd file = TRY(sys::open(entry.path, O_RDONLY | O_NOCTTY | O_NONBLOCK));
  const int type = ::ioctl(file.get(), NS_GET_NSTYPE);
  if (type < 0) return Error::invalid("{} is not a namespace", entry.path);
  if (static_cast<uint64_t>(static_cast<unsigned>(type)) != spec::clone_flag(entry.type))
    return Error::invalid("{} is not a {} namespace", entry.path, spec::name(entry.type));
  return file;
}

Result<void> join(const std::vector<spec::Namespace>& entries, const std::vector<Fd>& opened) {
  std::vector<size_t> refused;
  const auto enter = [&](size_t i) -> Result<void> {
    auto entered = sys::set_namespace(opened[i].get(), spec::clone_flag(entries[i].type))
                       .context("linux.namespaces: join {} namespace {}",
                                spec::name(entries[i].type), entries[i].path);
    // setns(2): nobody enters the user namespace that he is in; there is nothing to do.
    if (!entered && entered.error().is(EINVAL) && is_own_user_namespace(opened[i])) return {};
    return entered;
  };
  size_t user = entries.size();
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].type == spec::NamespaceType::User) {
      user = i;
      continue;
    }
    auto entered = enter(i);
    if (!entered && !entered.error().is(EPERM)) return entered;
    if (!entered) refused.push_back(i);
  }
  if (user < entries.size()) TRY(enter(user));
  for (const size_t i : refused) TRY(enter(i));
  return {};
}

Result<Fd> open_time_offsets() {
  // The files of an undumpable process are root's (proc(5)), which the runtime need not be. Nobody
  // of a container is near it yet.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  auto file = sys::open("/proc/self/timens_offsets", O_WRONLY);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return std::move(file).context("linux.timeOffsets");
}

Result<void> write_time_offsets(const Fd& file, const std::vector<spec::TimeOffset>& offsets) {
  for (const spec::TimeOffset& offset : offsets) {
    const std::string line =
        fmt::format("{} {} {}\n", offset.clock, offset.seconds, offset.nanoseconds);
    const auto written =
        sys::restarting([&] { return ::write(file.get(), line.data(), line.size()); });
    if (written >= 0) continue;
    Error error = Error::from_errno("linux.timeOffsets.{}",
                                    offset.clock == CLOCK_MONOTONIC ? "monotonic" : "boottime");
    if (!error.is(ERANGE)) return error;
    return std::move(error).with_hint("the clock would be below zero, or beyond 146 years");
  }
  return {};
}

Result<void> unshare(uint64_t flags) {
  if (flags == 0) return {};
  if (::syscall(SYS_unshare, flags) < 0) return Error::from_errno("unshare namespaces");
  return {};
}

Result<pid_t> fork_sibling(Fd& pidfd) {
  int fd = -1;
  clone_args request{};
  request.flags = CLONE_PARENT | CLONE_PIDFD;
  request.pidfd = reinterpret_cast<uint64_t>(&fd);
  const long pid = ::syscall(SYS_clone3, &request, sizeof request);
  if (pid < 0) return Error::from_errno("fork the container's init");
  if (pid > 0) pidfd = Fd(fd);
  return static_cast<pid_t>(pid);
}

}  // namespace skiff::namespaces
