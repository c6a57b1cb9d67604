// What create is to make, decided: the bundle, the host and the command line put together.
#pragma once

#include <optional>
#include <string>

#include "src/container/bundle.h"
#include "src/container/create.h"
#include "src/container/filter.h"
#include "src/launch/plan.h"
#include "src/linux/cgroup/systemd.h"

namespace skiff::container {

/// The container as the command line and the bundle want it; nothing is made yet.
struct Design {
  /// Decides. Reads the bundle and the host; `store` has the cache of compiled filters. The
  /// terminal of a container in the `foreground` is the caller's.
  static Result<Design> of(const ContainerStore& store, const std::string& id,
                           const CreateOptions& options, bool foreground);

  CreateOptions options;  // with absolute paths
  Bundle bundle;
  Host host;
  cgroup::Paths cgroup;
  std::optional<cgroup::PlannedUnit> unit;  // that systemd is to make
  launch::LaunchPlan plan;
  FilterCache filters;
  bool new_filter = false;  // not from the cache
  std::string listener_path;

 private:
  explicit Design(const ContainerStore& store) : filters(store.root()) {}
};

/// What is known of the container before anything is made.
Record make_record(const Design& design);

}  // namespace skiff::container
