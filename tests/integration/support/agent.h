// A seccomp agent: takes listeners over its socket and answers what they are asked about.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "src/base/fd.h"

namespace tests {

class Agent {
 public:
  /// Listens at `path`. Calls whose number is in `errors` fail with that errno, the others go on.
  explicit Agent(const std::string& path, std::map<int, int> errors = {});
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// The texts that came, one a connection, once there are `count` of them.
  std::vector<std::string> states(size_t count);
  /// How many descriptors came with each.
  std::vector<size_t> descriptor_counts();
  /// The numbers of the calls that it was asked about.
  std::set<int> seen();

 private:
  void accept_all();
  void receive(int connection);
  void serve(skiff::Fd listener);

  skiff::Fd socket_;
  std::map<int, int> errors_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::string> states_;
  std::vector<size_t> descriptors_;
  std::set<int> seen_;
  std::vector<std::thread> servers_;
  std::thread acceptor_;
};

}  // namespace tests
