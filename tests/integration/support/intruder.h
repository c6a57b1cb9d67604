// An attacker: code of the test's own that runs inside a container, as one of its processes.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace tests {

/// What an attack has met with so far.
struct Score {
  std::atomic<int> sightings;  // of something worth attacking: without any the test shows nothing
  std::atomic<int> successes;
};

/// A process in all namespaces, the root and the bounding set of a container's init. It calls
/// `attack` over and over, which counts in the score that it is given.
class Intruder {
 public:
  Intruder(pid_t init, const std::function<void(Score&)>& attack);
  ~Intruder();
  Intruder(const Intruder&) = delete;
  Intruder& operator=(const Intruder&) = delete;

  /// True once the attack goes on inside.
  bool ready() const;
  const Score& score() const;

 private:
  struct Shared {
    std::atomic<pid_t> pid;
    std::atomic<long> rounds;
    Score score;
  };
  Shared* shared_;
  pid_t outer_ = -1;
};

/// Exchanges two paths (renameat2(2), RENAME_EXCHANGE) as fast as it can, in a thread.
class Exchanger {
 public:
  Exchanger(const std::string& first, const std::string& second);
  ~Exchanger();
  Exchanger(const Exchanger&) = delete;
  Exchanger& operator=(const Exchanger&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace tests
