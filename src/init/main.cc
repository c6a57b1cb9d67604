#include "src/init/main.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/init/bootstrap.h"
#include "src/init/container.h"
#include "src/init/process.h"
#include "src/init/start_gate.h"
#include "src/launch/channel.h"
#include "src/launch/handed.h"
#include "src/launch/wire.h"
#include "src/linux/keyring.h"
#include "src/linux/lsm.h"
#include "src/linux/procfs.h"

namespace skiff::init {
namespace {

using launch::Channel;
using launch::Tag;

constexpr int kExitFailed = 255;

/// A session keyring, which has the label of the process that will use it.
Result<void> join_keyring(const launch::ProcessPlan& process, const Fd& procfs) {
  if (process.selinux_label.empty()) return keyring::join_new_session(process.keyring);
  TRY(lsm::set_selinux_keycreate(procfs, process.selinux_label).context("process.selinuxLabel"));
  TRY(keyring::join_new_session(process.keyring));
  return lsm::set_selinux_keycreate(procfs, "").context("process.selinuxLabel");
}

/// The story of a container's process, from the plan to execve; returns what went wrong
/// while the runtime listens.
Result<void> launch_process(Channel& runtime) {
  launch::Message message = TRY(runtime.expect(Tag::Plan));
  launch::LaunchPlan plan = TRY(launch::decode(message.body));
  launch::Handed handed = TRY(launch::take_handed(plan, std::move(message.descriptors)));
  log::configure(handed.log.get(), plan.log_json ? log::Format::Json : log::Format::Text,
                 static_cast<log::Level>(plan.log_level));

  // While "/proc" is still the host's and nobody of the container has had a hand in it.
  const bool labelled =
      !plan.process.apparmor_profile.empty() || !plan.process.selinux_label.empty();
  Fd procfs;
  if (labelled) procfs = TRY(procfs::open_root());
  TRY(enter_namespaces(plan, handed, runtime));
  // Should the runtime be killed, so are we, wherever we are, even in a hook.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // From here on this process is in all its namespaces but a new cgroup one.
  handed.joins.clear();
  handed.init.close();
  if (::setsid() < 0) return Error::from_errno("setsid");
  if (!plan.process.keyring.empty()) TRY(join_keyring(plan.process, procfs));

  std::optional<Prepared> prepared;
  if (plan.rootfs)
    prepared = TRY(build_container(plan, handed, runtime));
  else
    prepared = TRY(enter_container(plan, handed, runtime));
  prepared->procfs = std::move(procfs);
  TRY(prepare_process(plan.process, *prepared));
  log::configure(-1, log::format(), log::level());
  handed.log.close();
  // From here on only the channel and, for create, the listening socket are open; and the
  // channel's end is all that tells of the runtime's.
  ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  TRY(runtime.send(Tag::Ready));

  // A created container may wait here for days.
  Gate gate = TRY(wait_for_start(std::move(handed.start_socket), runtime));
  Channel& starter = gate.starter ? *gate.starter : runtime;
  const auto failed = execute(plan, *prepared, gate.state, starter);
  starter.send_failure(failed.error());
  ::_exit(kExitFailed);
}

/// The descriptor that `word` names, if it is a socket, else -1.
int channel_number(std::string_view word) {
  constexpr uint64_t kMost = 1u << 20;  // fs.nr_open's default
  const uint64_t number = text::parse_unsigned(word).value_or(kMost);
  struct stat status {};
  const bool socket =
      number < kMost && ::fstat(static_cast<int>(number), &status) == 0 && S_ISSOCK(status.st_mode);
  return socket ? static_cast<int>(number) : -1;
}

}  // namespace

int main(int argc, char** argv) {
  // Before anything of the container can see this process: no ptrace, no
  // /proc/PID/fd, no /proc/PID/exe for others (CVE-2016-9962, CVE-2019-5736).
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const int socket = argc == 3 ? channel_number(argv[2]) : -1;
  if (socket < 0) {
    std::fputs("skiff: init: internal command, started by create, run and exec\n", stderr);
    return 1;
  }
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  Channel runtime{Fd(socket)};
  const auto failed = launch_process(runtime);
  if (!failed) runtime.send_failure(failed.error());
  return kExitFailed;
}

}  // namespace skiff::init
