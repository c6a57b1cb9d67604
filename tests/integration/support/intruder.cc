#include "tests/integration/support/intruder.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <new>
#include <stdexcept>

#include "tests/integration/support/command.h"
#include "tests/integration/support/environment.h"
#include "tests/integration/support/files.h"

namespace tests {
namespace {

/// Keeps of this process's capabilities those in `bounding`, as the container's processes have.
bool reduce_capabilities(uint64_t bounding) {
  for (unsigned number = 0; number < 64; ++number)
    if ((bounding >> number & 1) == 0) ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (unsigned half = 0; half < 2; ++half) {
    const auto bits = static_cast<uint32_t>(bounding >> (32 * half));
    data[half].effective = data[half].permitted = bits;
  }
  return ::syscall(SYS_capset, &header, data) == 0;
}

}  // namespace

Intruder::Intruder(pid_t init, const std::function<void(Score&)>& attack) {
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("cannot map memory");
  shared_ = new (memory) Shared{};
  const std::string status = read_file("/proc/" + std::to_string(init) + "/status");
  const uint64_t bounding = std::stoull(field(status, "CapBnd"), nullptr, 16);
  outer_ = fork_cleanly();
  if (outer_ > 0) return;

  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, init, 0));
  if (::setns(pidfd, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
    ::_exit(1);
  const pid_t inner = ::fork();
  if (inner != 0) {
    shared_->pid = inner;
    ::waitpid(inner, nullptr, 0);
    ::_exit(0);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::close_range(3, ~0U, 0);
  if (!reduce_capabilities(bounding)) ::_exit(1);
  while (true) {
    attack(shared_->score);
    ++shared_->rounds;
  }
}

Intruder::~Intruder() {
  if (shared_->pid > 0) ::kill(shared_->pid, SIGKILL);
  ::kill(outer_, SIGKILL);
  ::waitpid(outer_, nullptr, 0);
  reap_orphans();
  ::munmap(shared_, sizeof(Shared));
}

bool Intruder::ready() const {
  return wait_until([this] { return shared_->rounds > 0; });
}

const Score& Intruder::score() const { return shared_->score; }

Exchanger::Exchanger(const std::string& first, const std::string& second)
    : thread_([this, first, second] {
        while (!stop_)
          ::syscall(SYS_renameat2, AT_FDCWD, first.c_str(), AT_FDCWD, second.c_str(),
                    RENAME_EXCHANGE);
      }) {}

Exchanger::~Exchanger() {
  stop_ = true;
  thread_.join();
}

}  // namespace tests
