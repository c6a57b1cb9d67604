// What a container uses now.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/container/store.h"
#include "src/linux/cgroup/oom.h"
#include "src/linux/cgroup/pressure.h"
#include "src/linux/cgroup/stats.h"
#include "src/linux/network.h"
#include "src/linux/resctrl_stats.h"

namespace skiff::container {

struct Sample {
  cgroup::Stats cgroup;
  std::vector<network::Interface> interfaces;  // none where the network is the host's
  resctrl::Stats resctrl;
};

/// Takes samples of one container, also when init is gone and the cgroup is not.
class Sampler {
 public:
  /// Keeps /proc/PID/net/dev open, and by that the network namespace alive.
  explicit Sampler(const Record& record);

  /// Fills `sample`, which is a new one. ENOENT if the cgroup is gone.
  Result<void> take(Sample& sample) const;

 private:
  cgroup::Paths cgroup_;
  resctrl::Group resctrl_;
  Fd interfaces_;  // or empty
};

// Events, each one line of JSON with its newline. Pure.

std::string stats_event(const std::string& id, const Sample& sample);
std::string oom_event(const std::string& id, const cgroup::OomEvent& event);
std::string pressure_event(const std::string& id, const cgroup::PressureThreshold& threshold);
/// `wait_status` is wait(2)'s, nullopt if nobody knows it.
std::string exit_event(const std::string& id, std::optional<int> wait_status);

}  // namespace skiff::container
