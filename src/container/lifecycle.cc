#include "src/container/lifecycle.h"

#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/log.h"
#include "src/container/attachments.h"
#include "src/container/bundle.h"
#include "src/container/child.h"
#include "src/container/listener.h"
#include "src/container/start_socket.h"
#include "src/container/state.h"
#include "src/launch/hooks.h"
#include "src/linux/pidfd.h"
#include "src/linux/syscalls.h"
#include "src/spec/decode.h"

namespace skiff::container {
namespace {

constexpr int kLockSeconds = 10;
constexpr int kKillTimeoutMs = 10'000;

Error not_running() { return Error::received(ESRCH, "container not running"); }

/// Whether another process holds the container's lock: its creator, while it has no Record.
bool is_locked(const StateDir& dir) {
  // A second description of the directory: our own may hold the lock already.
  const auto probe = sys::open_at(dir.fd, ".", O_RDONLY | O_DIRECTORY);
  return probe && ::flock(probe->get(), LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/// As is_locked(), of a directory that says nothing yet: its creator makes it, locks it and then
/// says what is to be made, and may be seen between the first two.
bool will_be_locked(const StateDir& dir) {
  constexpr timespec kPause{0, 2'000'000};
  for (int tries = 100; tries > 0; --tries) {
    if (is_locked(dir)) return true;
    ::nanosleep(&kPause, nullptr);
  }
  return false;
}

/// Whether init still waits for `start`. The socket's name may outlive that when the
/// starter was killed; a listener that is gone refuses the connection.
bool waits_for_start(const StateDir& dir) {
  if (::faccessat(dir.fd.get(), "start.sock", F_OK, 0) < 0) return false;
  const auto probe = connect_to(dir);
  return probe || probe.error().is(EAGAIN);
}

}  // namespace

Result<Container> Container::load(const ContainerStore& store, const std::string& id) {
  StateDir dir = TRY(store.open(id));
  auto record = container::load(dir);
  if (record) return Container(store, std::move(dir), std::move(*record));
  if (!record.error().is(ENOENT)) return std::move(record).error();
  Record unborn;
  unborn.id = id;
  unborn.oci_version = spec::kOciVersion;
  return Container(store, std::move(dir), std::move(unborn));
}

void Container::unlock() { ::flock(dir_.fd.get(), LOCK_UN); }

Result<Fd> Container::init_pidfd() const {
  if (record_.pid == 0) return Fd();
  return pidfd::open_verified(record_.pid, record_.start_time);
}

Result<Status> Container::status() {
  if (!record_.ready) {
    const bool creating = record_.bundle.empty() ? will_be_locked(dir_) : is_locked(dir_);
    // The creator may have completed the Record since, and let go of the lock.
    if (auto fresh = container::load(dir_)) record_ = std::move(*fresh);
    if (!record_.ready) return creating ? Status::Creating : Status::Stopped;
  }
  if (!TRY(pidfd::is_running(record_.pid, record_.start_time))) return Status::Stopped;
  const auto frozen = cgroup::open(record_.cgroup)->is_frozen();
  if (frozen && *frozen) return Status::Paused;
  return waits_for_start(dir_) ? Status::Created : Status::Running;
}

Result<std::string> Container::stored_config() const {
  const Fd file = TRY(sys::open_at(dir_.fd, "config.json", O_RDONLY | O_NOFOLLOW));
  return sys::read_all(file, 16u << 20, "config.json");
}

Result<spec::Spec> Container::stored_spec() const {
  std::string text = TRY(stored_config());
  // Its filter is stored beside it, and create found it valid.
  const auto knows_profile = [](std::string_view) { return true; };
  return spec::decode(std::move(text), knows_profile).context("{}/config.json", dir_.path);
}

Result<void> Container::start() {
  TRY(lock(dir_, kLockSeconds));
  const Status before = TRY(status());
  if (before == Status::Stopped) return Error::invalid("cannot start a container that has stopped");
  if (before == Status::Running) return Error::invalid("cannot start an already running container");
  if (before != Status::Created)
    return Error::invalid("cannot start a container in the {} state", name(before));
  // runtime.md#start: an error, and no effect on the container.
  if (!record_.has_process) return Error::invalid("process: missing: there is nothing to start");
  launch::HookFiles files;
  if (record_.has_poststart)
    files = TRY(launch::open_hook_files(record_.annotations, record_.bundle));
  const Fd init = TRY(init_pidfd());
  launch::Channel channel(TRY(connect_to(dir_)));
  auto started =
      start_over(channel, inner_hook_state(record_, Status::Created), [&](const Fd& listener) {
        auto given = give_listener(record_, Status::Created, record_.pid, listener);
        if (!given) (void)pidfd::send_signal(init, SIGKILL);  // its filter is loaded
        return given;
      });
  if (!started && started.error().is(EPIPE))
    return explain_by_memory(not_running(), std::nullopt, *cgroup::open(record_.cgroup));
  TRY(std::move(started));
  remove_start_socket(dir_);
  if (!record_.has_poststart) return {};
  const spec::Spec spec = TRY(stored_spec());
  (void)!::chdir(record_.bundle.c_str());
  auto hooks = launch::run_hooks("poststart", spec.hooks.poststart,
                                 hook_state(record_, Status::Running), files);
  // runtime.md#lifecycle: a failed poststart hook stops the container.
  if (!hooks) (void)kill_everything();
  return hooks;
}

Result<void> Container::kill(int signal, bool all) {
  const Fd init = TRY(init_pidfd());
  const auto cgroup = cgroup::open(record_.cgroup);
  const bool own_pids = std::any_of(
      record_.namespaces.begin(), record_.namespaces.end(), [](const spec::Namespace& entry) {
        return entry.type == spec::NamespaceType::Pid && entry.path.empty();
      });
  // Without a pid namespace of its own nothing else would end the container's other processes.
  if (signal == SIGKILL && (all || !own_pids)) {
    if (!init && !all) return not_running();
    TRY(cgroup->kill_all());
    if (init) (void)pidfd::send_signal(init, signal);
    return {};
  }
  if (all) {
    if (!record_.cgroup.directories.empty()) return cgroup->signal(signal);
    if (!init) return {};
    return pidfd::send_signal(init, signal);
  }
  if (!init) return not_running();
  auto sent = pidfd::send_signal(init, signal);
  if (!sent && sent.error().is(ESRCH)) return not_running();
  TRY(std::move(sent));
  if (signal == SIGKILL) TRY(cgroup->release_killed());
  return {};
}

Result<void> Container::pause() {
  TRY(lock(dir_, kLockSeconds));
  const Status before = TRY(status());
  if (before != Status::Running && before != Status::Created)
    return before == Status::Stopped
               ? not_running()
               : Error::invalid("cannot pause a container in the {} state", name(before));
  return cgroup::open(record_.cgroup)->freeze(true);
}

Result<void> Container::resume() {
  TRY(lock(dir_, kLockSeconds));
  const Status before = TRY(status());
  if (before != Status::Paused) return Error::invalid("container not paused: {}", name(before));
  return cgroup::open(record_.cgroup)->freeze(false);
}

Result<void> Container::kill_everything() {
  const Fd init = TRY(init_pidfd());
  if (init) (void)pidfd::send_signal(init, SIGKILL);
  TRY(cgroup::open(record_.cgroup)->kill_all());
  if (!init) return {};
  const bool gone = TRY(pidfd::wait_exit(init, kKillTimeoutMs));
  if (!gone) return Error::invalid("container init still running");
  return {};
}

void Container::run_poststop() const {
  const auto spec = stored_spec();
  if (!spec) return log::warn("{}: poststop hooks, ignoring", spec.error().text());
  auto files = launch::open_hook_files(record_.annotations, record_.bundle);
  if (!files) {
    log::warn("{}, ignoring", files.error().text());
    files = launch::HookFiles();
  }
  launch::run_hooks_to_the_end("poststop", spec->hooks.poststop,
                               hook_state(record_, Status::Stopped), *files);
}

Result<void> Container::remove(bool force) {
  TRY(lock(dir_, kLockSeconds));
  const Status before = TRY(status());
  if (before != Status::Stopped && !force)
    return Error::invalid("cannot delete container {} that is not stopped: {}", record_.id,
                          name(before))
        .with_hint("delete --force kills it first");
  TRY(kill_everything());
  TRY(release(dir_, record_));
  TRY(cgroup::open(record_.cgroup)->remove());
  if (record_.has_poststop) {
    (void)!::chdir(record_.bundle.c_str());  // where hooks run; it may be gone by now
    run_poststop();
  }
  return store_.forget(dir_);
}

Result<std::vector<pid_t>> Container::processes() const {
  if (!record_.cgroup.directories.empty()) return cgroup::open(record_.cgroup)->processes();
  const Fd init = TRY(init_pidfd());
  return init ? std::vector<pid_t>{record_.pid} : std::vector<pid_t>();
}

}  // namespace skiff::container
