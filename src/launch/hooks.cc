#include "src/launch/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>

#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/linux/pidfd.h"
#include "src/linux/spawn.h"
#include "src/linux/syscalls.h"

namespace skiff::launch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostOutput = 8192;
constexpr unsigned kMemfdNoexecSeal = 8;  // MFD_NOEXEC_SEAL of Linux 6.3

/// The end of what a hook has written, read without blocking.
class Output {
 public:
  explicit Output(Fd pipe) : pipe_(std::move(pipe)) {}

  /// For poll(2), which skips it once the pipe has ended.
  int descriptor() const { return pipe_.get(); }

  void drain() {
    char chunk[4096];
    ssize_t size = 0;
    // Bounded, for a background process may write faster than this reads.
    for (size_t total = 0; pipe_ && total < 16 * kMostOutput; total += static_cast<size_t>(size)) {
      size = ::read(pipe_.get(), chunk, sizeof chunk);
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (size <= 0) return pipe_.close();
      tail_.append(chunk, static_cast<size_t>(size));
      if (tail_.size() > kMostOutput) tail_.erase(0, tail_.size() - kMostOutput);
    }
  }

  const std::string& tail() const { return tail_; }

 private:
  Fd pipe_;
  std::string tail_;
};

/// The end of what was written to `file` beyond `begin`; empty for what is no regular file.
std::string tail_of(const Fd& file, off_t begin) {
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) < 0 || !S_ISREG(status.st_mode)) return {};
  std::string tail(kMostOutput, '\0');
  const off_t from = std::max(begin, status.st_size - static_cast<off_t>(kMostOutput));
  const ssize_t size = ::pread(file.get(), tail.data(), tail.size(), from);
  tail.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return tail;
}

off_t size_of(const Fd& file) {
  struct stat status {};
  return file && ::fstat(file.get(), &status) == 0 ? status.st_size : 0;
}

/// What a hook writes to: our pipe, or files of the user's choice.
class Streams {
 public:
  Streams(Output& captured, const HookFiles& files)
      : captured_(captured), files_(files), out_(size_of(files.out)), err_(size_of(files.err)) {}

  /// Empty, or ": " and the end of what the hook has written, in one line.
  std::string told() const {
    std::string tail = tail_of(files_.out, out_) + captured_.tail();
    if (!is_one_file()) tail += tail_of(files_.err, err_);
    const std::string_view trimmed = text::trim(tail);
    return trimmed.empty() ? std::string() : ": " + text::quote(trimmed);
  }

 private:
  bool is_one_file() const {
    struct stat out {};
    struct stat err {};
    return files_.out && files_.err && ::fstat(files_.out.get(), &out) == 0 &&
           ::fstat(files_.err.get(), &err) == 0 && out.st_dev == err.st_dev &&
           out.st_ino == err.st_ino;
  }

  Output& captured_;
  const HookFiles& files_;
  off_t out_;  // the files' sizes before
  off_t err_;
};

/// A file in memory that holds `state`: unlike a pipe it takes any size at once and neither blocks
/// nor signals when the hook does not read.
Result<Fd> state_file(const std::string& state) {
  // vm.memfd_noexec may demand the seal, which older kernels do not know.
  Fd file(::memfd_create("state", MFD_CLOEXEC | kMemfdNoexecSeal));
  if (!file && errno == EINVAL) file = Fd(::memfd_create("state", MFD_CLOEXEC));
  if (!file) return Error::from_errno("memfd_create");
  TRY(sys::write_all(file.get(), state, "the state"));
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return Error::from_errno("lseek");
  return file;
}

int milliseconds_until(Clock::time_point deadline) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
}

/// Waits for the exit of the hook, reading what it writes; whether it came in time.
Result<bool> await(const Fd& pidfd, Output& output, const std::optional<int64_t>& timeout) {
  // A year is for ever; more would overflow the clock.
  constexpr int64_t kLongest = int64_t{365} * 24 * 3600;
  const auto deadline =
      Clock::now() + std::chrono::seconds(std::min(timeout.value_or(0), kLongest));
  for (;;) {
    pollfd events[] = {{pidfd.get(), POLLIN, 0}, {output.descriptor(), POLLIN, 0}};
    const int ready = ::poll(events, 2, timeout ? milliseconds_until(deadline) : -1);
    if (ready < 0 && errno != EINTR) return Error::from_errno("poll");
    if (ready > 0) output.drain();
    if (ready > 0 && events[0].revents != 0) return true;
    if (timeout && Clock::now() >= deadline) return false;
  }
}

Result<void> judge(int wait_status, const Streams& streams) {
  if (WIFSIGNALED(wait_status))
    return Error::invalid("killed by signal {}{}", WTERMSIG(wait_status), streams.told());
  if (WEXITSTATUS(wait_status) != 0)
    return Error::invalid("exit status {}{}", WEXITSTATUS(wait_status), streams.told());
  return {};
}

Result<void> run_hook(const spec::Hook& hook, const std::string& state, const HookFiles& files) {
  const Fd input = TRY(state_file(state));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return Error::from_errno("pipe");
  Output output{Fd(ends[0])};
  Fd writer(ends[1]);
  // Not the writer's end: a hook may not expect EAGAIN.
  if (::fcntl(output.descriptor(), F_SETFL, O_NONBLOCK) < 0) return Error::from_errno("fcntl");

  SpawnRequest request;
  request.path = hook.path;
  request.argv = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  request.env = hook.env;
  request.descriptors = {input.get(), (files.out ? files.out : writer).get(),
                         (files.err ? files.err : writer).get()};
  request.new_session = true;  // a process group to kill as a whole
  request.close_others = true;
  const Streams streams(output, files);
  const Spawned child = TRY(spawn(request));
  writer.close();

  const auto in_time = await(child.pidfd, output, hook.timeout);
  if (!in_time || !*in_time)
    ::kill(-child.pid, SIGKILL);  // not reaped yet: the group is still the hook's
  const int wait_status = TRY(reap(child.pid));
  if (!in_time) return in_time.error();
  if (!*in_time) {
    output.drain();
    return Error::invalid("ran past its timeout of {} s{}", *hook.timeout, streams.told());
  }
  return judge(wait_status, streams);
}

Result<void> run_numbered(const char* kind, const std::vector<spec::Hook>& hooks, size_t i,
                          const std::string& state, const HookFiles& files) {
  return run_hook(hooks[i], state, files)
      .context("{} hook {} ({})", kind, i + 1, text::quote(hooks[i].path));
}

Result<Fd> open_hook_file(const spec::StringMap& annotations, const char* name,
                          const std::string& bundle) {
  const std::string* path = spec::find(annotations, name);
  if (path == nullptr || path->empty()) return Fd();
  // O_RDWR also because a FIFO without a reader is then no reason to wait.
  constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT | O_NOCTTY;
  return sys::open(path::join(bundle, *path), kFlags, 0644).context("annotations.{}", name);
}

}  // namespace

Result<HookFiles> open_hook_files(const spec::StringMap& annotations, const std::string& bundle) {
  HookFiles files;
  files.out = TRY(open_hook_file(annotations, "run.oci.hooks.stdout", bundle));
  files.err = TRY(open_hook_file(annotations, "run.oci.hooks.stderr", bundle));
  return files;
}

Result<void> run_hooks(const char* kind, const std::vector<spec::Hook>& hooks,
                       const std::string& state, const HookFiles& files) {
  for (size_t i = 0; i < hooks.size(); ++i) TRY(run_numbered(kind, hooks, i, state, files));
  return {};
}

void run_hooks_to_the_end(const char* kind, const std::vector<spec::Hook>& hooks,
                          const std::string& state, const HookFiles& files) {
  for (size_t i = 0; i < hooks.size(); ++i)
    if (const auto ran = run_numbered(kind, hooks, i, state, files); !ran)
      log::warn("{}, ignoring", ran.error().text());
}

}  // namespace skiff::launch
