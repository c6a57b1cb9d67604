#include "src/container/child.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/container/sources.h"
#include "src/launch/wire.h"
#include "src/linux/idmap.h"
#include "src/linux/lsm.h"
#include "src/linux/namespaces.h"
#include "src/linux/pidfd.h"
#include "src/linux/rlimits.h"
#include "src/linux/scheduling.h"
#include "src/linux/sealed_exe.h"
#include "src/linux/spawn.h"
#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

using launch::Tag;

/// What a socket takes without a reader: a third of net.core.wmem_default, which counts the
/// kernel's own overhead (socket(7)).
constexpr size_t kFitsSocket = 65536;

std::string describe_death(int status) {
  if (WIFSIGNALED(status)) return fmt::format("init was killed by signal {}", WTERMSIG(status));
  return fmt::format("init ended with status {}", WEXITSTATUS(status));
}

/// What we were given survived an execve; what is close-on-exec is our own.
Result<void> check_preserved(unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    if (::fcntl(static_cast<int>(3 + i), F_GETFD) != 0)
      return Error::invalid("--preserve-fds: descriptor {} of {} is not open", 3 + i, count);
  return {};
}

Result<void> set_oom_score_adj(pid_t pid, int32_t score) {
  const std::string path = fmt::format("/proc/{}/oom_score_adj", pid);
  const std::string value = fmt::format("{}", score);
  const Fd file = TRY(sys::open(path, O_WRONLY).context("process.oomScoreAdj"));
  auto written = sys::write_all(file.get(), value, path);
  if (!written && written.error().is(EACCES))
    return Error::from_code(EACCES, "process.oomScoreAdj: {}", value)
        .with_hint("a score below the runtime's own needs CAP_SYS_RESOURCE");
  return std::move(written).context("process.oomScoreAdj");
}

}  // namespace

Result<Child> Child::spawn(const launch::LaunchPlan& plan, const launch::Handed& handed,
                           const ChildOptions& options) {
  TRY(check_preserved(plan.process.preserve_fds));
  auto ends = TRY(launch::Channel::pair());
  bool sent = false;
  if (options.born_in_place) {
    const std::string encoded = launch::encode(plan);
    sent = encoded.size() <= kFitsSocket;
    if (sent) TRY(ends.first.send(Tag::Plan, encoded, handed.numbers()));
  }
  const Fd exe = TRY(open_sealed_exe());
  SpawnRequest request;
  request.path = "skiff init";
  request.program = &exe;
  // 0, 1, 2 and the preserved descriptors are where the user's process wants them;
  // the channel comes behind.
  const int channel = 3 + static_cast<int>(plan.process.preserve_fds);
  for (int fd = 0; fd < channel; ++fd) request.descriptors.push_back(fd);
  request.descriptors.push_back(ends.second.socket().get());
  request.argv = {"skiff", "init", fmt::format("{}", channel)};
  request.clone_flags = plan.namespaces.at_clone;
  request.cgroup = options.cgroup;
  request.mask = options.mask;
  request.close_others = true;  // whatever our caller may have left open (CVE-2024-21626)
  Spawned spawned = TRY(skiff::spawn(request));
  return Child(spawned.pid, std::move(spawned.pidfd), std::move(ends.first), sent);
}

Child::~Child() {
  if (!pidfd_) return;
  (void)pidfd::send_signal(pidfd_, SIGKILL);
  (void)reap(pid_);
}

Result<void> Child::send_plan(const launch::LaunchPlan& plan, const launch::Handed& handed) {
  if (has_plan_) return {};
  auto sent = channel_.send(Tag::Plan, launch::encode(plan), handed.numbers());
  if (!sent) return explain(std::move(sent).error());
  return {};
}

Result<void> Child::adopt_container_pid(launch::Message message) {
  const auto pid = text::parse_unsigned(message.body);
  if (!pid || message.descriptors.size() != 1)
    return Error::invalid("protocol: ContainerPid without a pid and a pidfd");
  const pid_t bootstrap = pid_;
  pid_ = static_cast<pid_t>(*pid);
  pidfd_ = std::move(message.descriptors.front());
  TRY(reap(bootstrap));
  return {};
}

Result<void> Child::serve_until_ready(const Requests& requests) {
  for (;;) {
    auto received = channel_.expect_one();
    if (!received) return explain(std::move(received).error());
    heard_ = true;
    switch (received->tag) {
      case Tag::MapIds:
        TRY(idmap::write_maps(pid_, *requests.uid_mappings, *requests.gid_mappings));
        TRY(channel_.send(Tag::IdsMapped));
        break;
      case Tag::ContainerPid:
        TRY(adopt_container_pid(std::move(*received)));
        if (requests.furnish) TRY(requests.furnish());
        TRY(channel_.send(Tag::Proceed));
        break;
      case Tag::RunHooks: {
        const std::string state = TRY(requests.run_hooks());
        TRY(channel_.send(Tag::HooksRan, state));
        break;
      }
      case Tag::Console:
        if (received->descriptors.size() != 1)
          return Error::invalid("protocol: Console without a terminal");
        console_ = std::move(received->descriptors.front());
        break;
      case Tag::Ready:
        return {};
      default:
        return Error::invalid("protocol: unexpected {}", launch::name(received->tag));
    }
  }
}

Result<void> Child::raise_limits(const launch::ProcessPlan& process) const {
  for (const spec::Rlimit& wanted : process.rlimits) {
    // The child has inherited our own limits, and another user's may not be asked for (prlimit(2)).
    const auto resource = static_cast<__rlimit_resource>(wanted.resource);
    rlimit present{};
    if (::getrlimit(resource, &present) < 0)
      return Error::from_errno("process.rlimits: {}", rlimits::name(wanted.resource));
    if (wanted.hard <= present.rlim_max) continue;
    present.rlim_max = wanted.hard;
    if (::prlimit(pid_, resource, &present, nullptr) < 0)
      return Error::from_errno("process.rlimits: {}: raise the hard limit to {}",
                               rlimits::name(wanted.resource), wanted.hard)
          .with_hint("raising a hard limit needs CAP_SYS_RESOURCE");
  }
  if (process.oom_score_adj) TRY(set_oom_score_adj(pid_, *process.oom_score_adj));
  // setsid(2) has made the process a group of its own.
  if (process.io_priority) TRY(scheduling::set_io_priority(pid_, *process.io_priority));
  if (process.scheduler) TRY(scheduling::set_scheduler(pid_, *process.scheduler));
  return {};
}

Result<void> Child::let_wait() {
  TRY(channel_.send(Tag::Proceed));
  pidfd_.close();
  return {};
}

Result<void> start_over(launch::Channel& channel, const std::string& state,
                        const GiveListener& give_listener) {
  TRY(channel.send(Tag::Start, state));
  TRY(channel.expect(Tag::Executing));
  for (;;) {
    // The socket is close-on-exec: its end says that execve has happened.
    const std::optional<launch::Message> message = TRY(channel.receive());
    if (!message) return {};
    if (message->tag == Tag::Failed) return launch::decode_failure(message->body);
    if (message->tag != Tag::Listener || message->descriptors.size() != 1 || !give_listener)
      return Error::invalid("protocol: unexpected {}", launch::name(message->tag));
    TRY(give_listener(message->descriptors.front()).context("linux.seccomp.listenerPath"));
    TRY(channel.send(Tag::Proceed));
  }
}

Result<void> Child::start(const std::string& state, const GiveListener& give_listener) {
  auto started = start_over(channel_, state, give_listener);
  if (!started) return explain(std::move(started).error());
  pidfd_.close();
  return {};
}

Error Child::explain(Error error) {
  // ESRCH: a zombie cannot be moved to a cgroup.
  if ((!error.is(EPIPE) && !error.is(ESRCH)) || !pidfd_) return error;
  // It may still be on its way out: an end without a word is followed by the exit at once.
  (void)pidfd::send_signal(pidfd_, 0);
  const auto gone = pidfd::wait_exit(pidfd_, 2000);
  if (!gone || !*gone) return error;
  const auto status = reap(pid_);
  pidfd_.close();
  if (!status) return error;
  killed_ = WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL;
  return Error::received(EPIPE, describe_death(*status));
}

Result<void> launch_in_cgroup(const std::optional<Child>& child,
                              const std::function<Result<void>(bool born_inside)>& attempt) {
  auto launched = attempt(true);
  if (launched || !child || !child->was_killed_unheard()) return launched;
  return attempt(false);
}

Error explain_by_memory(Error error, const std::optional<Child>& child,
                        const cgroup::Cgroup& cgroup) {
  const bool killed = (child && child->was_killed()) || error.is(EPIPE) || error.is(ESRCH);
  // E2BIG: execve(2) says so when there is no memory for the arguments.
  const bool refused = error.is(ENOMEM) || error.is(E2BIG) || error.is(EAGAIN);
  if (!killed && !refused) return error;
  const cgroup::MemoryEvents events = cgroup.memory_events();
  if ((killed && events.oom_kills == 0) || (refused && events.limit_hits == 0)) return error;
  return Error::received(ENOMEM,
                         fmt::format("linux.resources.memory.limit: memory limit too low for the "
                                     "container to start: {}",
                                     error.text()));
}

void look_for_labels(const spec::Process& process, Host& host) {
  if (!process.apparmor_profile.empty()) host.apparmor = lsm::has_apparmor();
  if (!process.selinux_label.empty()) host.selinux = lsm::has_selinux();
}

Result<launch::Handed> open_handed(const launch::LaunchPlan& plan, bool with_sources) {
  launch::Handed handed;
  handed.log = Fd(::fcntl(log::fd(), F_DUPFD_CLOEXEC, 3));
  if (!handed.log) handed.log = TRY(sys::open("/dev/null", O_WRONLY));
  const auto& joins = plan.namespaces.joins;
  for (size_t i = 0; i < joins.size(); ++i)
    handed.joins.push_back(
        TRY(namespaces::open(joins[i]).context("linux.namespaces: {}", spec::name(joins[i].type))));
  if (with_sources) TRY(open_late_sources(plan, handed));
  return handed;
}

Result<void> open_late_sources(const launch::LaunchPlan& plan, launch::Handed& handed) {
  if (plan.rootfs)
    handed.sources = TRY(open_sources(*plan.rootfs, plan.namespaces.joins, handed.joins));
  return {};
}

}  // namespace skiff::container
