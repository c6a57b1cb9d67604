#include "src/init/process.h"

#include <linux/close_range.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/init/home.h"
#include "src/init/program.h"
#include "src/launch/hooks.h"
#include "src/linux/console.h"
#include "src/linux/credentials.h"
#include "src/linux/devices.h"
#include "src/linux/lsm.h"
#include "src/linux/rlimits.h"
#include "src/linux/rootdir.h"
#include "src/linux/scheduling.h"
#include "src/linux/seccomp.h"
#include "src/linux/syscalls.h"

namespace skiff::init {
namespace {

using launch::ProcessPlan;

/// stdin, stdout and stderr that are the host's null device become the container's, so that
/// no file of a foreign mount stays open (libcontainer's SPEC, S9).
Result<void> reopen_null_devices(const Fd& root) {
  Fd null;
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    if (!devices::is_null_device(fd)) continue;
    if (!null) {
      auto opened = rootdir::open_inside(root, "/dev/null", O_RDWR);
      if (!opened) return {};  // a rootfs without devices keeps what it was given
      if (!devices::is_null_device(opened->get())) return {};
      null = std::move(*opened);
    }
    if (::dup3(null.get(), fd, 0) < 0) return Error::from_errno("reopen /dev/null");
  }
  return {};
}

/// The user must be able to open /proc/self/fd/0…2, so it owns what they are: as
/// runc does, but for the null device, which is everybody's.
Result<void> give_stdio(uint32_t uid) {
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    struct stat status {};
    if (::fstat(fd, &status) < 0) {
      if (errno == EBADF) continue;
      return Error::from_errno("stat descriptor {}", fd);
    }
    if (status.st_uid == uid || devices::is_null_device(fd)) continue;
    if (::fchown(fd, uid, static_cast<gid_t>(-1)) == 0) continue;
    // Not ours to give: a file owned by an unmapped id, on a read-only file
    // system, or of a kind that has no owner.
    if (errno == EPERM || errno == EINVAL || errno == EROFS) continue;
    return Error::from_errno("give descriptor {} to uid {}", fd, uid);
  }
  return {};
}

Result<void> change_directory(const Fd& root, const std::string& cwd, bool may_make) {
  auto opened = rootdir::open_inside(root, cwd, O_PATH | O_DIRECTORY);
  if (!opened && may_make && opened.error().is(ENOENT)) opened = rootdir::make_directory(root, cwd);
  if (!opened) return std::move(opened).error();
  if (::fchdir(opened->get()) < 0) return Error::from_errno("chdir to {}", text::quote(cwd));
  return {};
}

/// Before the credentials change: from then on the kernel takes no word from the same descriptor,
/// and /proc/self is no longer ours to write.
Result<void> label(const ProcessPlan& plan, const Fd& procfs) {
  if (!plan.apparmor_profile.empty())
    TRY(lsm::set_apparmor_exec(procfs, plan.apparmor_profile, plan.no_new_privileges)
            .context("process.apparmorProfile"));
  if (!plan.selinux_label.empty())
    TRY(lsm::set_selinux_exec(procfs, plan.selinux_label).context("process.selinuxLabel"));
  return {};
}

/// The directory is entered with the rights of the container's root; a file system
/// that does not trust root (NFS, FUSE) is asked again as the user.
Result<void> enter_cwd_and_become(const ProcessPlan& plan, const Prepared& prepared) {
  auto entered = change_directory(prepared.root, plan.cwd, prepared.may_make_cwd);
  const bool retry = !entered && (entered.error().is(EACCES) || entered.error().is(EPERM));
  if (!entered && !retry) return std::move(entered).context("process.cwd");
  credentials::Wanted wanted;
  wanted.uid = plan.uid;
  wanted.gid = plan.gid;
  wanted.groups = plan.groups;
  wanted.set_groups = plan.set_groups;
  wanted.capabilities = plan.capabilities;
  wanted.no_new_privileges = plan.no_new_privileges;
  wanted.keep_sys_admin = plan.keep_sys_admin;
  TRY(credentials::become(wanted));
  if (retry) TRY(change_directory(prepared.root, plan.cwd, false).context("process.cwd"));
  return {};
}

bool has_home(const std::vector<std::string>& env) {
  return std::any_of(env.begin(), env.end(),
                     [](const std::string& entry) { return entry.starts_with("HOME="); });
}

/// init of a container without a process: the parent of whatever `exec` leaves behind.
void become_holder() {
  ::signal(SIGCHLD, SIG_IGN);  // the kernel reaps: wait(2), "NOTES"
  ::signal(SIGTERM, [](int) { ::_exit(0); });
}

Result<void> load_filter(const seccomp::Program& program, launch::Channel& runtime) {
  if (!program.notifies) return seccomp::load(program);
  return seccomp::load_with_listener(program, [&](int listener) -> Result<void> {
    TRY(runtime.send(launch::Tag::Listener, {}, {listener}));
    TRY(runtime.expect(launch::Tag::Proceed));
    return {};
  });
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

}  // namespace

Result<void> prepare_process(const ProcessPlan& plan, Prepared& prepared) {
  if (prepared.terminal)
    TRY(console::adopt(prepared.terminal).context("process.terminal"));
  else
    TRY(reopen_null_devices(prepared.root));
  prepared.terminal.close();
  TRY(give_stdio(plan.uid));
  if (!plan.holds() && !has_home(plan.env))
    prepared.home = "HOME=" + find_home(prepared.root, plan.uid);
  if (plan.memory_policy) TRY(scheduling::set_memory_policy(*plan.memory_policy));
  if (plan.personality && ::personality(*plan.personality) < 0)
    return Error::from_errno("linux.personality");
  TRY(label(plan, prepared.procfs));
  prepared.procfs.close();
  TRY(enter_cwd_and_become(plan, prepared));
  ::umask(plan.umask);
  if (plan.holds()) become_holder();
  if (!plan.holds()) prepared.program = TRY(find_program(plan.args.front(), plan.env));
  prepared.root.close();
  return {};
}

Result<void> execute(const launch::LaunchPlan& plan, const Prepared& prepared,
                     const std::string& state, launch::Channel& runtime) {
  if (plan.process.holds()) return Error::invalid("process: missing: there is nothing to start");
  TRY(launch::run_hooks("startContainer", plan.start_container, state, prepared.hook_files));
  const ProcessPlan& process = plan.process;
  const std::vector<char*> argv = pointers(process.args);
  std::vector<char*> env = pointers(process.env);
  if (!prepared.home.empty()) env.insert(env.end() - 1, const_cast<char*>(prepared.home.c_str()));
  TRY(rlimits::set(process.rlimits));
  // Every descriptor is close-on-exec already; this holds even where that rule was broken.
  const unsigned first = 3 + process.preserve_fds;
  if (::syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
    return Error::from_errno("close descriptors");
  TRY(runtime.send(launch::Tag::Executing));
  if (process.seccomp) TRY(load_filter(*process.seccomp, runtime).context("linux.seccomp"));
  ::execve(prepared.program.c_str(), argv.data(), env.data());
  // Looking at the file takes calls that a filter may answer with a signal.
  if (process.seccomp) return Error::from_errno("exec {}", prepared.program);
  return explain_exec_failure(errno, prepared.program);
}

}  // namespace skiff::init
