#include "src/init/bootstrap.h"

#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "src/linux/idmap.h"
#include "src/linux/namespaces.h"
#include "src/linux/syscalls.h"

namespace skiff::init {
namespace {

using launch::NamespacePlan;
using launch::Tag;

/// A new user namespace first: it owns all that are made after it.
Result<void> make_user_namespace(bool keep_groups, launch::Channel& runtime) {
  TRY(namespaces::unshare(CLONE_NEWUSER));
  // /proc/PID/uid_map of an undumpable process belongs to root (proc(5)); an
  // unprivileged runtime could not write it. Nobody shares our pid namespace yet.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  TRY(runtime.send(Tag::MapIds));
  TRY(runtime.expect(Tag::IdsMapped));
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return idmap::become_root(keep_groups);
}

}  // namespace

Result<void> enter_namespaces(const launch::LaunchPlan& plan, const launch::Handed& handed,
                              launch::Channel& runtime) {
  const NamespacePlan& wanted = plan.namespaces;
  Fd time_offsets;
  if (!wanted.time_offsets.empty()) time_offsets = TRY(namespaces::open_time_offsets());
  TRY(namespaces::join(wanted.joins, handed.joins));
  if (wanted.join_by_pidfd != 0)
    TRY(sys::set_namespace(handed.init.get(), wanted.join_by_pidfd)
            .context("join the container's namespaces"));
  if (!wanted.bootstrap) return {};

  if (wanted.makes_user())
    TRY(make_user_namespace(plan.process.keep_groups, runtime));
  else if (wanted.joins_user())
    TRY(idmap::become_root(plan.process.keep_groups));
  TRY(namespaces::unshare(wanted.at_bootstrap & ~static_cast<uint64_t>(CLONE_NEWUSER)));

  if (time_offsets) TRY(namespaces::write_time_offsets(time_offsets, wanted.time_offsets));
  time_offsets.close();

  // This process is single-threaded, so the child may go on as ordinary C++.
  Fd init;
  const pid_t pid = TRY(namespaces::fork_sibling(init));
  if (pid > 0) {
    const auto told = runtime.send(Tag::ContainerPid, fmt::format("{}", pid), {init.get()});
    ::_exit(told ? 0 : 255);
  }
  TRY(runtime.expect(Tag::Proceed));
  return {};
}

}  // namespace skiff::init
