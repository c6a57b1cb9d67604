#include "src/container/listing.h"

#include <unistd.h>

#include "src/linux/pidfd.h"

namespace skiff::container {
namespace {

/// As Container::status(), for one whose create is complete.
Result<Status> status_of(const ContainerStore& store, const Record& record) {
  if (!TRY(pidfd::is_running(record.pid, record.start_time))) return Status::Stopped;
  const auto frozen = cgroup::open(record.cgroup)->is_frozen();
  if (frozen && *frozen) return Status::Paused;
  const std::string socket = fmt::format("{}/{}/start.sock", store.root(), record.id);
  if (::access(socket.c_str(), F_OK) < 0) return Status::Running;
  Container container = TRY(Container::load(store, record.id));
  return container.status();
}

}  // namespace

Result<Listed> look_at(const ContainerStore& store, const std::string& id) {
  auto record = store.peek(id);
  if (!record && record.error().is(ENOENT)) {
    Container container = TRY(Container::load(store, id));
    const Status status = TRY(container.status());
    return Listed{container.record(), status};
  }
  if (!record) return std::move(record).error();
  const Status status = TRY(status_of(store, *record));
  return Listed{std::move(*record), status};
}

}  // namespace skiff::container
