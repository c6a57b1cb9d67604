#include "src/linux/rtnetlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "src/linux/syscalls.h"

namespace skiff::rtnetlink {

Request::Request(uint16_t type, uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
  append(&header, sizeof header);
}

void Request::append(const void* bytes, size_t size) {
  bytes_.append(static_cast<const char*>(bytes), size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

Request& Request::attribute(uint16_t type, const void* value, size_t size) {
  const rtattr header{static_cast<uint16_t>(RTA_LENGTH(size)), type};
  append(&header, sizeof header);
  append(value, size);
  return *this;
}

const void* Reply::payload(size_t size) const {
  return header_.nlmsg_len < NLMSG_LENGTH(size) ? nullptr : NLMSG_DATA(&header_);
}

std::string_view Reply::find(size_t offset, uint16_t type) const {
  const char* bytes = reinterpret_cast<const char*>(&header_);
  size_t at = NLMSG_SPACE(offset);
  std::string_view found;
  while (at + sizeof(rtattr) <= header_.nlmsg_len) {
    rtattr attribute{};
    std::memcpy(&attribute, bytes + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > header_.nlmsg_len) break;
    if ((attribute.rta_type & NLA_TYPE_MASK) == type)
      found = {bytes + at + sizeof attribute, attribute.rta_len - sizeof attribute};
    at += RTA_ALIGN(attribute.rta_len);
  }
  return found;
}

Result<Socket> Socket::open() {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return Error::from_errno("open a netlink socket");
  return Socket(std::move(socket));
}

Result<Socket> Socket::open_in(const Fd& network_namespace) {
  const Fd own = TRY(sys::open("/proc/self/ns/net", O_RDONLY));
  TRY(sys::set_namespace(network_namespace.get(), CLONE_NEWNET)
          .context("enter the network namespace"));
  auto socket = open();
  TRY(sys::set_namespace(own.get(), CLONE_NEWNET).context("leave the network namespace"));
  return socket;
}

Result<void> Socket::send(Request& request, std::string_view doing) {
  nlmsghdr header{};
  std::memcpy(&header, request.bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(request.bytes_.size());
  header.nlmsg_seq = ++sequence_;
  std::memcpy(request.bytes_.data(), &header, sizeof header);
  const auto sent = sys::restarting(
      [&] { return ::send(socket_.get(), request.bytes_.data(), request.bytes_.size(), 0); });
  if (sent < 0) return Error::from_errno("{}", doing);
  return {};
}

/// One datagram; whether it was the last of the answer.
Result<bool> Socket::receive(std::string_view doing,
                             const std::function<void(const Reply&)>& visit) {
  // The kernel fills no more than this at once: netlink_dump() in af_netlink.c.
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  const ssize_t size =
      sys::restarting([&] { return ::recv(socket_.get(), buffer.data(), buffer.size(), 0); });
  if (size < 0) return Error::from_errno("{}", doing);
  auto left = static_cast<uint32_t>(size);
  for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
       header = NLMSG_NEXT(header, left)) {
    if (header->nlmsg_seq != sequence_) continue;
    if (header->nlmsg_type == NLMSG_DONE) return true;
    if (header->nlmsg_type != NLMSG_ERROR) {
      visit(Reply(*header));
      continue;
    }
    nlmsgerr answer{};
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof answer))
      return Error::invalid("{}: malformed netlink message", doing);
    std::memcpy(&answer, NLMSG_DATA(header), sizeof answer);
    if (answer.error != 0) return Error::from_code(-answer.error, "{}", doing);
    return true;
  }
  return false;
}

Result<void> Socket::change(Request request, std::string_view doing) {
  return dump(std::move(request), doing, [](const Reply&) {});
}

Result<void> Socket::dump(Request request, std::string_view doing,
                          const std::function<void(const Reply&)>& visit) {
  TRY(send(request, doing));
  while (!TRY(receive(doing, visit))) {
  }
  return {};
}

}  // namespace skiff::rtnetlink
