#include "src/init/start_gate.h"

#include <sys/socket.h>

#include "src/linux/syscalls.h"

namespace skiff::init {

Result<Gate> wait_for_start(Fd listener, launch::Channel& runtime) {
  if (!listener) {
    launch::Message start = TRY(runtime.expect(launch::Tag::Start));
    return Gate{std::move(start.body), std::nullopt};
  }
  TRY(runtime.expect(launch::Tag::Proceed));
  // create is over: nothing of it stays open.
  runtime = launch::Channel(Fd());
  for (;;) {
    Fd connection(
        sys::restarting([&] { return ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC); }));
    if (!connection) return Error::from_errno("wait for start: accept");
    launch::Channel starter(std::move(connection));
    auto message = starter.receive();
    if (!message || !*message || (*message)->tag != launch::Tag::Start) continue;
    return Gate{std::move((*message)->body), std::move(starter)};
  }
}

}  // namespace skiff::init
