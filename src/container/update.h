// update: other limits for a container that lives.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/container/store.h"

namespace skiff::container {

/// What is to change; whatever is absent or empty stays.
struct UpdateRequest {
  spec::Resources resources;              // merged as spec::merged() has it
  std::vector<spec::DeviceRule> devices;  // appended to the rules there are
  std::vector<spec::Rlimit> rlimits;      // each replaces the one of its kind
  std::string scheduler;                  // process.scheduler as JSON
  std::string io_priority;                // process.ioPriority as JSON
  std::string cpus;                       // a list such as "0-3"; for exec, process.execCPUAffinity
  std::optional<int32_t> oom_score_adj;
  std::optional<std::string> l3_cache_schema;  // of linux.intelRdt, which the container must have
  std::optional<std::string> mem_bw_schema;
};

/// The configuration `text`, which decodes to `present`, with what `request` changes. Pure. The
/// result has still to be decoded, which validates it.
Result<std::string> updated_config(const std::string& text, const spec::Spec& present,
                                   const UpdateRequest& request);

/// Changes the container's cgroup, its processes and its stored configuration, in this order, or
/// nothing at all. Fails with "container not running" when init is gone.
Result<void> update(const ContainerStore& store, const std::string& id,
                    const UpdateRequest& request);

}  // namespace skiff::container
