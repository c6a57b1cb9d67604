#include "src/launch/channel.h"

#include <sys/socket.h>

#include <cstring>

#include "src/linux/syscalls.h"

namespace skiff::launch {
namespace {

struct Header {
  uint32_t tag;
  uint32_t size;         // of the body, in bytes
  uint32_t descriptors;  // sent along with the header
};

constexpr uint32_t kMaxBody = 64u << 20;
constexpr size_t kMaxDescriptors = 250;  // the kernel takes 253 (SCM_MAX_FD)

}  // namespace

const char* name(Tag tag) {
  switch (tag) {
    case Tag::Plan:
      return "Plan";
    case Tag::MapIds:
      return "MapIds";
    case Tag::IdsMapped:
      return "IdsMapped";
    case Tag::ContainerPid:
      return "ContainerPid";
    case Tag::Proceed:
      return "Proceed";
    case Tag::RunHooks:
      return "RunHooks";
    case Tag::HooksRan:
      return "HooksRan";
    case Tag::Console:
      return "Console";
    case Tag::Ready:
      return "Ready";
    case Tag::Start:
      return "Start";
    case Tag::Executing:
      return "Executing";
    case Tag::Listener:
      return "Listener";
    case Tag::Failed:
      return "Failed";
  }
  return "an unknown message";
}

Result<std::pair<Channel, Channel>> Channel::pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return Error::from_errno("socketpair");
  return std::pair<Channel, Channel>(Channel(Fd(ends[0])), Channel(Fd(ends[1])));
}

Result<void> Channel::send(Tag tag, std::string_view body, const std::vector<int>& descriptors) {
  if (descriptors.size() > kMaxDescriptors)
    return Error::invalid("protocol: {} descriptors in one message, at most {}", descriptors.size(),
                          kMaxDescriptors);
  Header header{static_cast<uint32_t>(tag), static_cast<uint32_t>(body.size()),
                static_cast<uint32_t>(descriptors.size())};
  iovec parts[2] = {{&header, sizeof header}, {const_cast<char*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
  }
  const ssize_t sent =
      sys::restarting([&] { return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL); });
  if (sent < 0) return Error::from_errno("protocol: send {}", name(tag));
  // A stream socket takes the header whole and may take only the front of a large body.
  body.remove_prefix(static_cast<size_t>(sent) - sizeof header);
  while (!body.empty()) {
    const ssize_t more = sys::restarting(
        [&] { return ::send(socket_.get(), body.data(), body.size(), MSG_NOSIGNAL); });
    if (more < 0) return Error::from_errno("protocol: send {}", name(tag));
    body.remove_prefix(static_cast<size_t>(more));
  }
  return {};
}

void Channel::send_failure(const Error& error) {
  const int32_t code = error.code();
  const Header header{static_cast<uint32_t>(Tag::Failed),
                      static_cast<uint32_t>(sizeof code + error.text().size()), 0};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(&code), sizeof code);
  bytes.append(error.text());
  (void)!::write(socket_.get(), bytes.data(), bytes.size());
}

Error decode_failure(std::string_view body) {
  int32_t code = 0;
  if (body.size() < sizeof code) return Error::invalid("protocol: malformed failure");
  std::memcpy(&code, body.data(), sizeof code);
  return Error::received(code, std::string(body.substr(sizeof code)));
}

Result<std::optional<Message>> Channel::receive() {
  Header header{};
  Message received;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  size_t got = 0;
  while (got < sizeof header) {
    iovec part{reinterpret_cast<char*>(&header) + got, sizeof header - got};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size =
        sys::restarting([&] { return ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC); });
    if (size < 0 && errno != ECONNRESET) return Error::from_errno("protocol: receive");
    if (size <= 0) {
      if (got == 0) return std::optional<Message>();
      return Error::invalid("protocol: the other side ended within a message");
    }
    got += static_cast<size_t>(size);
    for (cmsghdr* rights = CMSG_FIRSTHDR(&message); rights != nullptr;
         rights = CMSG_NXTHDR(&message, rights)) {
      if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
      const size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(rights) + i * sizeof fd, sizeof fd);
        received.descriptors.emplace_back(fd);
      }
    }
  }
  if (header.size > kMaxBody || header.descriptors != received.descriptors.size())
    return Error::invalid("protocol: malformed message");
  received.tag = static_cast<Tag>(header.tag);
  received.body.resize(header.size);
  for (size_t have = 0; have < header.size;) {
    const ssize_t size = sys::restarting(
        [&] { return ::recv(socket_.get(), received.body.data() + have, header.size - have, 0); });
    if (size < 0) return Error::from_errno("protocol: receive");
    if (size == 0) return Error::invalid("protocol: the other side ended within a message");
    have += static_cast<size_t>(size);
  }
  return std::optional<Message>(std::move(received));
}

Result<Message> Channel::expect_one() {
  std::optional<Message> message = TRY(receive());
  if (!message) return Error::from_code(EPIPE, "protocol: the other side is gone");
  if (message->tag == Tag::Failed) return decode_failure(message->body);
  return std::move(*message);
}

Result<Message> Channel::expect(Tag tag) {
  Message message = TRY(expect_one());
  if (message.tag != tag)
    return Error::invalid("protocol: expected {}, received {}", name(tag), name(message.tag));
  return message;
}

}  // namespace skiff::launch
