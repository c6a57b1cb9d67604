#include "src/container/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include "src/base/log.h"
#include "src/container/lifecycle.h"
#include "src/container/sample.h"
#include "src/linux/exit_events.h"
#include "src/linux/pidfd.h"
#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How long counts of kills are waited for after the kernel told that memory ran out, and how
/// often they are looked at meanwhile.
constexpr milliseconds kOomPatience{200};
constexpr milliseconds kOomPause{10};
/// How long the kernel may take to tell the status of a process that has ended.
constexpr milliseconds kExitPatience{500};
/// v1 tells of a level with every few hundred pages that are reclaimed.
constexpr milliseconds kLevelPause{1000};

/// What epoll tells about, and the container it concerns.
struct Source {
  enum class Kind { Reader, Files, Exits, Init, Oom, Level, Trigger };
  Kind kind;
  struct Watched* container = nullptr;
  size_t threshold = 0;
  Fd fd = {};
  Clock::time_point quiet_until = {};
};

/// A container under watch.
struct Watched {
  Record record;
  Sampler sampler;
  cgroup::OomWatch oom;
  Fd init;
  std::vector<std::unique_ptr<Source>> sources = {};
  int memory_events = -1;                              // the inotify watch
  std::optional<Clock::time_point> oom_deadline = {};  // while counts of kills are awaited
  std::optional<int> wait_status = {};                 // where only exit_events tell it
  bool ended = false;

  Watched(Record of, Fd pidfd)
      : record(std::move(of)), sampler(record), oom(record.cgroup), init(std::move(pidfd)) {}
};

Error not_running() { return Error::received(ESRCH, "container not running"); }

class Watch {
 public:
  Watch(const ContainerStore& store, const WatchOptions& options, int out)
      : store_(store), options_(options), out_(out) {}

  Result<void> open();
  Result<void> add(const std::string& id);
  Result<void> watch_root();
  /// Until the containers have ended; with a watched root for ever.
  Result<void> run();

 private:
  Result<void> write(const std::string& line);
  Result<void> listen(Watched& watched, Source::Kind kind, Fd fd, uint32_t events,
                      size_t threshold = 0);
  Result<void> dispatch(const epoll_event& event);
  Result<void> read_file_events();
  void read_exits();
  Result<void> look_for_new();
  Result<void> write_sample(Watched& watched);
  Result<bool> write_ooms(Watched& watched, bool settled);
  Result<void> finish(Watched& watched);
  Result<void> tick();
  Result<void> check_ooms();
  int wait_ms() const;
  bool is_known(const std::string& id) const;

  const ContainerStore& store_;
  const WatchOptions& options_;
  const int out_;
  Fd epoll_;
  Fd files_;  // inotify: memory.events files, the root, directories of containers to be
  Fd exits_;  // exit_events, or empty
  Source files_source_{Source::Kind::Files};
  Source exits_source_{Source::Kind::Exits};
  Source reader_source_{Source::Kind::Reader};
  int root_ = -1;  // the inotify watch of the root
  bool root_changed_ = false;
  bool reader_gone_ = false;
  std::vector<std::unique_ptr<Watched>> containers_;
  Clock::time_point next_tick_ = Clock::now();
};

Result<void> Watch::open() {
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  files_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!epoll_ || !files_) return Error::from_errno("epoll, inotify");
  epoll_event files{EPOLLIN, {&files_source_}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, files_.get(), &files) < 0)
    return Error::from_errno("epoll_ctl");
  exits_ = TRY(exit_events::subscribe());
  epoll_event exits{EPOLLIN, {&exits_source_}};
  if (exits_) (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, exits_.get(), &exits);
  // A pipe without readers is an error even while nothing is written; EPERM: a regular file.
  epoll_event reader{0, {&reader_source_}};
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, out_, &reader);
  return {};
}

/// Whole lines in one write each. Once nobody reads, all that follows is for nobody.
Result<void> Watch::write(const std::string& line) {
  if (reader_gone_) return {};
  auto written = sys::write_all(out_, line, "standard output");
  if (written || !written.error().is(EPIPE)) return written;
  reader_gone_ = true;
  return {};
}

Result<void> Watch::listen(Watched& watched, Source::Kind kind, Fd fd, uint32_t events,
                           size_t threshold) {
  auto source = std::make_unique<Source>(Source{kind, &watched, threshold, std::move(fd)});
  const int listened = kind == Source::Kind::Init ? watched.init.get() : source->fd.get();
  epoll_event event{events, {source.get()}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listened, &event) < 0)
    return Error::from_errno("epoll_ctl");
  watched.sources.push_back(std::move(source));
  return {};
}

bool Watch::is_known(const std::string& id) const {
  return std::any_of(containers_.begin(), containers_.end(),
                     [&](const auto& watched) { return watched->record.id == id; });
}

Result<void> Watch::add(const std::string& id) {
  std::string json = TRY(store_.peek(id));
  Record record = TRY(record_from_json(std::move(json)));
  Fd init = TRY(pidfd::open_verified(record.pid, record.start_time));
  if (!init) return not_running();
  auto watched = std::make_unique<Watched>(std::move(record), std::move(init));
  for (size_t i = 0; i < options_.thresholds.size(); ++i) {
    const cgroup::PressureThreshold& threshold = options_.thresholds[i];
    const bool is_level = !threshold.level.empty();
    Fd fd = TRY(cgroup::watch_pressure(watched->record.cgroup, threshold)
                    .context("{}", is_level ? "--memory-pressure" : "--pressure"));
    TRY(listen(*watched, is_level ? Source::Kind::Level : Source::Kind::Trigger, std::move(fd),
               is_level ? EPOLLIN : EPOLLPRI, i));
  }
  if (Fd event = watched->oom.subscribe())
    TRY(listen(*watched, Source::Kind::Oom, std::move(event), EPOLLIN));
  if (const std::string file = watched->oom.events_file(); !file.empty())
    watched->memory_events = ::inotify_add_watch(files_.get(), file.c_str(), IN_MODIFY);
  TRY(listen(*watched, Source::Kind::Init, Fd(), EPOLLIN));
  containers_.push_back(std::move(watched));
  return write_sample(*containers_.back());
}

Result<void> Watch::watch_root() {
  TRY(store_.make());
  root_ = ::inotify_add_watch(files_.get(), store_.root().c_str(),
                              IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR);
  if (root_ < 0) return Error::from_errno("watch {}", store_.root());
  return look_for_new();
}

/// Watches what is complete; of what is not, its directory, in which the record will appear.
Result<void> Watch::look_for_new() {
  for (const std::string& id : TRY(store_.ids())) {
    if (is_known(id)) continue;
    auto added = add(id);
    if (!added && added.error().is(ENOENT)) {
      const std::string directory = store_.root() + "/" + id;
      (void)::inotify_add_watch(files_.get(), directory.c_str(), IN_MOVED_TO | IN_ONLYDIR);
      added = add(id);  // it may have appeared before the watch did
    }
    if (added || added.error().is(ENOENT) || added.error().is(ESRCH)) continue;
    log::warn("events: {}: {}, ignoring", id, added.error().text());
  }
  return {};
}

Result<void> Watch::write_sample(Watched& watched) {
  Sample sample;
  auto taken = watched.sampler.take(sample);
  if (taken) return write(stats_event(watched.record.id, sample));
  // The container is being deleted.
  if (taken.error().is(ENOENT) || taken.error().is(ENODEV)) return {};
  return taken;
}

/// Whether there were any.
Result<bool> Watch::write_ooms(Watched& watched, bool settled) {
  const std::vector<cgroup::OomEvent> news = watched.oom.news(settled);
  for (const cgroup::OomEvent& event : news) TRY(write(oom_event(watched.record.id, event)));
  return !news.empty();
}

void Watch::read_exits() {
  while (exits_) {
    const auto exit = exit_events::next(exits_);
    if (!exit) return;
    for (const auto& watched : containers_)
      if (watched->record.pid == exit->pid) watched->wait_status = exit->wait_status;
  }
}

Result<void> Watch::finish(Watched& watched) {
  // First, before somebody reaps it.
  auto status = pidfd::exit_status(watched.init, watched.record.pid, watched.record.start_time);
  // The kernel sends it a moment after it makes the pidfd readable: do_exit() in kernel/exit.c.
  const auto deadline = Clock::now() + kExitPatience;
  for (read_exits(); !status && exits_ && !watched.wait_status && Clock::now() < deadline;
       read_exits()) {
    pollfd more{exits_.get(), POLLIN, 0};
    ::poll(&more, 1, static_cast<int>(kExitPatience.count()));
  }
  if (!status) status = watched.wait_status;
  watched.ended = true;
  (void)TRY(write_ooms(watched, true));
  TRY(write_sample(watched));
  return write(exit_event(watched.record.id, status));
}

Result<void> Watch::dispatch(const epoll_event& event) {
  Source& source = *static_cast<Source*>(event.data.ptr);
  uint64_t count = 0;
  switch (source.kind) {
    case Source::Kind::Reader:
      reader_gone_ = true;
      return {};
    case Source::Kind::Files:
      return read_file_events();
    case Source::Kind::Exits:
      read_exits();
      return {};
    case Source::Kind::Init:
      return source.container->ended ? Result<void>() : finish(*source.container);
    case Source::Kind::Oom:
      (void)!::read(source.fd.get(), &count, sizeof count);
      source.container->oom.heard();
      source.container->oom_deadline = Clock::now() + kOomPatience;
      return {};
    case Source::Kind::Level:
      (void)!::read(source.fd.get(), &count, sizeof count);
      if (Clock::now() < source.quiet_until) return {};
      source.quiet_until = Clock::now() + kLevelPause;
      break;
    case Source::Kind::Trigger:
      // The cgroup was removed, and from now on there would be nothing else to hear.
      if ((event.events & EPOLLERR) != 0) {
        (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, source.fd.get(), nullptr);
        return {};
      }
      break;
  }
  // The eventfds of v1 are signalled, too, when the cgroup is removed: init is gone by then.
  if (source.container->ended || !pidfd::is_alive(source.container->init)) return {};
  return write(pressure_event(source.container->record.id, options_.thresholds[source.threshold]));
}

Result<void> Watch::read_file_events() {
  alignas(inotify_event) std::array<char, 4096> buffer;  // NOLINT: read fills it
  for (;;) {
    const ssize_t size = ::read(files_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      bool is_memory = false;
      for (const auto& watched : containers_) {
        if (watched->memory_events != event->wd) continue;
        is_memory = true;
        if (!watched->oom_deadline) watched->oom_deadline = Clock::now() + kOomPatience;
      }
      root_changed_ = root_changed_ || !is_memory;
    }
  }
  if (!root_changed_ || root_ < 0) return {};
  root_changed_ = false;
  return look_for_new();
}

Result<void> Watch::check_ooms() {
  const auto now = Clock::now();
  for (const auto& watched : containers_) {
    if (!watched->oom_deadline || watched->ended) continue;
    const bool settled = now >= *watched->oom_deadline;
    const bool told = TRY(write_ooms(*watched, settled));
    const bool v2 = watched->memory_events >= 0;  // v1's eventfd tells of nothing else
    if (settled || told || (v2 && !watched->oom.expects_more())) watched->oom_deadline.reset();
  }
  return {};
}

Result<void> Watch::tick() {
  if (Clock::now() < next_tick_) return {};
  next_tick_ = std::max(next_tick_ + milliseconds(options_.interval_ms), Clock::now());
  for (const auto& watched : containers_) {
    if (watched->ended) continue;
    TRY(write_sample(*watched));
    // v1 tells nothing of limits below the container's own cgroup.
    if (watched->memory_events >= 0 || watched->oom_deadline) continue;
    (void)TRY(write_ooms(*watched, false));
    if (watched->oom.expects_more()) watched->oom_deadline = Clock::now() + kOomPatience;
  }
  return {};
}

int Watch::wait_ms() const {
  milliseconds wait = std::chrono::ceil<milliseconds>(next_tick_ - Clock::now());
  for (const auto& watched : containers_)
    if (watched->oom_deadline) wait = std::min(wait, kOomPause);
  return static_cast<int>(std::clamp<int64_t>(wait.count(), 0, INT32_MAX));
}

Result<void> Watch::run() {
  next_tick_ = Clock::now() + milliseconds(options_.interval_ms);
  std::array<epoll_event, 64> events;  // NOLINT: epoll_wait fills it
  while (!reader_gone_ && (root_ >= 0 || !containers_.empty())) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms());
    if (count < 0 && errno != EINTR) return Error::from_errno("epoll_wait");
    for (int i = 0; i < count; ++i) TRY(dispatch(events[static_cast<size_t>(i)]));
    TRY(check_ooms());
    TRY(tick());
    // Only now, as the events of one wait may be about one container.
    std::erase_if(containers_, [](const auto& watched) { return watched->ended; });
  }
  return {};
}

/// Loads a container that has an init.
Result<Container> load_running(const ContainerStore& store, const std::string& id) {
  Container container = TRY(Container::load(store, id));
  const Status status = TRY(container.status());
  if (status == Status::Stopped || status == Status::Creating) return not_running();
  return container;
}

Result<void> write_one(const ContainerStore& store, const std::string& id, int out) {
  const Container container = TRY(load_running(store, id));
  Sample sample;
  TRY(Sampler(container.record()).take(sample));
  return sys::write_all(out, stats_event(id, sample), "standard output");
}

}  // namespace

Result<void> write_events(const ContainerStore& store, const std::optional<std::string>& id,
                          const WatchOptions& options, int out) {
  ::signal(SIGPIPE, SIG_IGN);  // a write that fails tells the same
  if (id) TRY(load_running(store, *id));
  Watch watch(store, options, out);
  TRY(watch.open());
  TRY(id ? watch.add(*id) : watch.watch_root());
  return watch.run();
}

Result<void> write_stats(const ContainerStore& store, const std::optional<std::string>& id,
                         int out) {
  if (id) return write_one(store, *id, out);
  for (const std::string& each : TRY(store.ids())) {
    auto written = write_one(store, each, out);
    if (written || written.error().is(ENOENT) || written.error().is(ESRCH)) continue;
    if (written.error().is(EPIPE)) return written;
    log::warn("events: {}: {}, ignoring", each, written.error().text());
  }
  return {};
}

}  // namespace skiff::container
