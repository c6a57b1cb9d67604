#include "src/launch/channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>

using skiff::Error;
using skiff::Fd;
using skiff::launch::Channel;
using skiff::launch::Tag;

namespace {

struct Ends {
  Channel left;
  Channel right;
};

Ends connect() {
  auto ends = Channel::pair();
  REQUIRE(ends);
  return {std::move(ends->first), std::move(ends->second)};
}

}  // namespace

TEST_CASE("a message arrives with its tag and body", "[launch]") {
  Ends ends = connect();
  REQUIRE(ends.left.send(Tag::Plan, "the plan"));
  auto message = ends.right.expect(Tag::Plan);
  REQUIRE(message);
  CHECK(message->body == "the plan");
  CHECK(message->descriptors.empty());
}

TEST_CASE("messages keep their bounds and order", "[launch]") {
  Ends ends = connect();
  REQUIRE(ends.left.send(Tag::MapIds));
  REQUIRE(ends.left.send(Tag::ContainerPid, "42"));
  REQUIRE(ends.left.send(Tag::Ready));
  CHECK(ends.right.expect(Tag::MapIds)->body.empty());
  CHECK(ends.right.expect(Tag::ContainerPid)->body == "42");
  CHECK(ends.right.expect(Tag::Ready));
}

TEST_CASE("a body larger than the socket's buffer arrives whole", "[launch]") {
  Ends ends = connect();
  std::string body(5 << 20, '?');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31);
  std::thread sender([&] { CHECK(ends.left.send(Tag::Plan, body)); });
  auto message = ends.right.expect(Tag::Plan);
  sender.join();
  REQUIRE(message);
  CHECK(message->body == body);
}

TEST_CASE("descriptors travel with a message and arrive close-on-exec", "[launch]") {
  Ends ends = connect();
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  REQUIRE(ends.left.send(Tag::Console, "tty", {null.get(), null.get()}));
  auto message = ends.right.expect(Tag::Console);
  REQUIRE(message);
  REQUIRE(message->descriptors.size() == 2);
  for (const Fd& fd : message->descriptors) CHECK(::fcntl(fd.get(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("a failure arrives in place of any message, its errno and text as they were",
          "[launch]") {
  Ends ends = connect();
  ends.left.send_failure(Error::from_code(EACCES, "mounts[2]: mount tmpfs"));
  const auto message = ends.right.expect(Tag::Ready);
  REQUIRE_FALSE(message);
  CHECK(message.error().is(EACCES));
  CHECK(message.error().text() == "mounts[2]: mount tmpfs: Permission denied");
}

TEST_CASE("another message than the expected one is an error that names both", "[launch]") {
  Ends ends = connect();
  REQUIRE(ends.left.send(Tag::Ready));
  CHECK(ends.right.expect(Tag::Console).error().text() ==
        "protocol: expected Console, received Ready");
}

TEST_CASE("the end of the other side is told from a message", "[launch]") {
  Ends ends = connect();
  ends.left = Channel(Fd());
  auto nothing = ends.right.receive();
  REQUIRE(nothing);
  CHECK_FALSE(nothing->has_value());
  CHECK(ends.right.expect(Tag::Ready).error().is(EPIPE));
  CHECK_FALSE(ends.right.send(Tag::Start));
}

TEST_CASE("an end within a message is an error", "[launch]") {
  Ends ends = connect();
  const char half[5] = {1, 0, 0, 0, 9};
  REQUIRE(::send(ends.left.socket().get(), half, sizeof half, 0) == 5);
  ends.left = Channel(Fd());
  CHECK(ends.right.receive().error().text() == "protocol: the other side ended within a message");
}

TEST_CASE("a header that promises too much is refused before anything is allocated", "[launch]") {
  Ends ends = connect();
  const uint32_t header[3] = {1, 0xffffffff, 0};
  REQUIRE(::send(ends.left.socket().get(), header, sizeof header, 0) == sizeof header);
  CHECK(ends.right.receive().error().text() == "protocol: malformed message");
}
