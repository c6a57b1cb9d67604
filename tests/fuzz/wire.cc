// What init reads from its socket: messages, and the plan in the first of them.
#include "src/launch/wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include "src/launch/channel.h"
#include "src/launch/handed.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace skiff;

void check_plan(std::string_view bytes) {
  const auto plan = launch::decode(bytes);
  if (!plan) {
    fuzz::require_one_line(plan.error());
    return;
  }
  // Not the same bytes: a bool may have come as any of 255 values.
  const std::string again = launch::encode(*plan);
  fuzz::require(again.size() == bytes.size(), "what was read is what is there");
  const auto second = launch::decode(again);
  fuzz::require(second && launch::encode(*second) == again, "a plan survives the wire");
  (void)launch::take_handed(*plan, {});
}

void check_messages(std::string_view bytes) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return;
  launch::Channel channel{Fd(ends[0])};
  Fd writer(ends[1]);
  // More than the socket's buffer would wait for a reader.
  constexpr size_t kMost = 65536;
  const std::string_view sent = bytes.substr(0, kMost);
  const bool all =
      ::write(writer.get(), sent.data(), sent.size()) == static_cast<ssize_t>(sent.size());
  writer.close();
  if (!all) return;
  for (;;) {
    const auto message = channel.receive();
    if (!message) {
      fuzz::require_one_line(message.error());
      return;
    }
    if (!*message) return;
    (void)launch::name((*message)->tag);
    (void)launch::decode_failure((*message)->body);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // The first byte chooses, so that one corpus serves both.
  const std::string_view bytes = fuzz::text(data + 1, size - 1);
  if ((data[0] & 1) != 0)
    check_plan(bytes);
  else
    check_messages(bytes);
  return 0;
}
