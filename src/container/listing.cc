#include "src/container/listing.h"

#include <unistd.h>

#include "src/linux/pidfd.h"

namespace skiff::container {
namespace {

/// As Container::status(), for one whose create is complete. Where the start socket has its name
/// nobody connects to it, which would wake init up: before execve that is a skiff.
Result<Status> status_of(const ContainerStore& store, const Record& record) {
  const auto init = TRY(pidfd::stat_running(record.pid, record.start_time));
  if (!init) return Status::Stopped;
  const auto frozen = cgroup::open(record.cgroup)->is_frozen();
  if (frozen && *frozen) return Status::Paused;
  const std::string socket = store.root() + "/" + record.id + "/start.sock";
  if (::access(socket.c_str(), F_OK) < 0) return Status::Running;
  if (init->command == "skiff") return Status::Created;
  Container container = TRY(Container::load(store, record.id));
  return container.status();
}

}  // namespace

Result<Listed> look_at(const ContainerStore& store, const std::string& id) {
  auto text = store.peek(id);
  if (!text && text.error().is(ENOENT)) {
    Container container = TRY(Container::load(store, id));
    const Status status = TRY(container.status());
    return Listed{container.record(), status};
  }
  std::string json = TRY(std::move(text));
  Record record = TRY(listed_record_from_json(std::move(json)).context("{}/state.json", id));
  const Status status = TRY(status_of(store, record));
  return Listed{std::move(record), status};
}

}  // namespace skiff::container
