#include "tests/integration/support/agent.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "tests/integration/support/environment.h"

namespace tests {
namespace {

constexpr int kTickMs = 20;

bool is_readable(int fd) {
  pollfd event{fd, POLLIN, 0};
  return ::poll(&event, 1, kTickMs) > 0;
}

}  // namespace

Agent::Agent(const std::string& path, std::map<int, int> errors)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), errors_(std::move(errors)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(socket_.get(), generic, sizeof address) == 0 && ::listen(socket_.get(), 8) == 0)
    acceptor_ = std::thread([this] { accept_all(); });
}

Agent::~Agent() {
  stopping_ = true;
  if (acceptor_.joinable()) acceptor_.join();
  for (std::thread& server : servers_) server.join();
}

std::vector<std::string> Agent::states(size_t count) {
  wait_until([&] {
    const std::lock_guard lock(mutex_);
    return states_.size() >= count;
  });
  const std::lock_guard lock(mutex_);
  return states_;
}

std::vector<size_t> Agent::descriptor_counts() {
  const std::lock_guard lock(mutex_);
  return descriptors_;
}

std::set<int> Agent::seen() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void Agent::accept_all() {
  while (!stopping_) {
    if (!is_readable(socket_.get())) continue;
    const skiff::Fd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) receive(connection.get());
  }
}

void Agent::receive(int connection) {
  std::string text;
  std::vector<skiff::Fd> descriptors;
  for (;;) {
    char bytes[4096];
    iovec part{bytes, sizeof bytes};
    alignas(cmsghdr) char control[256];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    if (size <= 0) break;  // exactly one state a connection, and then its end
    text.append(bytes, static_cast<size_t>(size));
    for (cmsghdr* rights = CMSG_FIRSTHDR(&message); rights != nullptr;
         rights = CMSG_NXTHDR(&message, rights)) {
      for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= rights->cmsg_len; at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(rights) + at, sizeof fd);
        descriptors.emplace_back(fd);
      }
    }
  }
  const std::lock_guard lock(mutex_);
  states_.push_back(text);
  descriptors_.push_back(descriptors.size());
  for (skiff::Fd& listener : descriptors)
    servers_.emplace_back([this, fd = listener.release()] { serve(skiff::Fd(fd)); });
}

void Agent::serve(skiff::Fd listener) {
  while (!stopping_) {
    pollfd event{listener.get(), POLLIN, 0};
    if (::poll(&event, 1, kTickMs) <= 0) continue;
    if ((event.revents & POLLIN) == 0) return;  // nobody has the filter any more
    seccomp_notif asked{};
    // ENOENT: who asked was killed meanwhile.
    if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0) continue;
    seccomp_notif_resp answer{};
    answer.id = asked.id;
    const auto refused = errors_.find(asked.data.nr);
    if (refused == errors_.end())
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else
      answer.error = -refused->second;
    {
      const std::lock_guard lock(mutex_);
      seen_.insert(asked.data.nr);
    }
    ::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

}  // namespace tests
