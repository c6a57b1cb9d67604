#include "src/container/live_change.h"

#include <dirent.h>

#include <algorithm>
#include <memory>

#include "src/base/text.h"
#include "src/linux/rlimits.h"
#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

/// Whether an error only says that the process or thread has ended.
bool is_gone(const Error& error) { return error.is(ESRCH) || error.is(ENOENT); }

Result<std::vector<pid_t>> threads_of(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/task", pid);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(path.c_str()), ::closedir);
  if (!listing) return Error::from_errno("list {}", path);
  std::vector<pid_t> threads;
  while (const dirent* entry = ::readdir(listing.get()))
    if (const auto thread = text::parse_unsigned(entry->d_name))
      threads.push_back(static_cast<pid_t>(*thread));
  return threads;
}

Result<void> change_thread(pid_t thread, const LiveValues& values) {
  if (!values.cpus.empty())
    TRY(scheduling::set_affinity(thread, values.cpus).context("process.execCPUAffinity.final"));
  if (values.io_priority) TRY(scheduling::set_thread_io_priority(thread, *values.io_priority));
  if (values.scheduler) TRY(scheduling::set_scheduler(thread, *values.scheduler));
  return {};
}

Result<void> write_score(pid_t pid, std::string_view score) {
  const std::string path = fmt::format("/proc/{}/oom_score_adj", pid);
  const Fd file = TRY(sys::open(path, O_WRONLY));
  return sys::write_all(file.get(), score, path);
}

}  // namespace

Result<void> LiveChange::apply(const LiveValues& values,
                               const std::function<Result<std::vector<pid_t>>()>& processes) {
  // A child that was forked from a process before its turn comes up in the next round; one that
  // was forked after it has inherited the values.
  constexpr int kMostRounds = 32;
  std::vector<pid_t> done;
  for (int round = 0; round < kMostRounds; ++round) {
    const std::vector<pid_t> listed = TRY(processes());
    bool found = false;
    for (const pid_t pid : listed) {
      if (std::binary_search(done.begin(), done.end(), pid)) continue;
      auto changed = change_process(pid, values);
      if (!changed && !is_gone(changed.error())) return changed;
      found = true;
    }
    if (!found) return {};
    done = listed;
  }
  return Error::invalid("processes are made faster than they can be changed");
}

Result<void> LiveChange::change_process(pid_t pid, const LiveValues& values) {
  if (values.touches_threads()) TRY(change_threads(pid, values));
  if (values.oom_score_adj) TRY(change_oom_score_adj(pid, *values.oom_score_adj));
  // Last, as without CAP_SYS_RESOURCE a lower hard limit cannot be taken back.
  for (const spec::Rlimit& limit : values.rlimits) {
    const spec::Rlimit before = TRY(rlimits::exchange(pid, limit));
    undo_.emplace_back([pid, before] { (void)rlimits::exchange(pid, before); });
  }
  return {};
}

Result<void> LiveChange::change_threads(pid_t pid, const LiveValues& values) {
  const auto threads = TRY(threads_of(pid));
  for (const pid_t thread : threads) {
    auto saved = scheduling::save(thread);
    if (!saved && is_gone(saved.error())) continue;
    if (!saved) return std::move(saved).error();
    undo_.emplace_back(
        [thread, before = *std::move(saved)] { scheduling::restore(thread, before); });
    auto changed = change_thread(thread, values);
    if (!changed && !is_gone(changed.error())) return changed;
  }
  return {};
}

Result<void> LiveChange::change_oom_score_adj(pid_t pid, int32_t score) {
  const std::string path = fmt::format("/proc/{}/oom_score_adj", pid);
  const Fd file = TRY(sys::open(path, O_RDONLY).context("process.oomScoreAdj"));
  const std::string before = TRY(sys::read_all(file, 64, path).context("process.oomScoreAdj"));
  auto written = write_score(pid, fmt::format("{}", score));
  if (!written && written.error().is(EACCES))
    return Error::from_code(EACCES, "process.oomScoreAdj: {}", score)
        .with_hint("a score below the present one needs CAP_SYS_RESOURCE");
  TRY(std::move(written).context("process.oomScoreAdj"));
  undo_.emplace_back([pid, before] { (void)write_score(pid, text::trim(before)); });
  return {};
}

void LiveChange::revert() {
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
  undo_.clear();
}

}  // namespace skiff::container
