#include "src/linux/exit_events.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff::exit_events {
namespace {

constexpr uint32_t kEvent = NLMSG_HDRLEN + sizeof(cn_msg);
constexpr uint32_t kExit = kEvent + offsetof(proc_event, event_data);
constexpr uint32_t kExitKind = 0x80000000;  // PROC_EVENT_EXIT, an enumerator in newer headers

/// Whether pidfds keep the status (PIDFD_INFO_EXIT).
bool pidfds_tell() {
  utsname name{};
  if (::uname(&name) < 0) return false;
  const auto numbers = text::split(name.release, '.');  // "6.15.0-rc1"
  if (numbers.size() < 2) return false;
  const auto major = text::parse_unsigned(numbers[0]).value_or(0);
  const std::string_view minor = numbers[1].substr(0, numbers[1].find_first_not_of("0123456789"));
  return major > 6 || (major == 6 && text::parse_unsigned(minor).value_or(0) >= 15);
}

/// Only ends, and only of whole processes: of the thread whose id is the process's.
bool filter(const Fd& socket) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kEvent),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(kExitKind), 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kExit),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kExit + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter = {sizeof program / sizeof *program, program};
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

/// A bound socket of this network namespace, with the request to be told sent; empty if refused.
Fd subscribe_here() {
  Fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = CN_IDX_PROC;
  if (!socket || !filter(socket) ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return Fd();
  const proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
  char request[kEvent + sizeof operation] = {};
  nlmsghdr header{};
  header.nlmsg_len = sizeof request;
  header.nlmsg_type = NLMSG_DONE;
  cn_msg message{};
  message.id = {CN_IDX_PROC, CN_VAL_PROC};
  message.len = sizeof operation;
  std::memcpy(request, &header, sizeof header);
  std::memcpy(request + NLMSG_HDRLEN, &message, sizeof message);
  std::memcpy(request + kEvent, &operation, sizeof operation);
  if (::send(socket.get(), request, sizeof request, 0) < 0) return Fd();
  return socket;
}

}  // namespace

Result<Fd> subscribe() {
  if (pidfds_tell()) return Fd();
  Fd socket = subscribe_here();
  if (socket || errno != ECONNREFUSED) return socket;
  // The connector listens in the initial network namespace only (net/netlink/af_netlink.c), and
  // only to the initial pid namespace, whose process 1 is likely to be in that one.
  const Fd ours(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const Fd initial(::open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC));
  if (!ours || !initial || !sys::set_namespace(initial.get(), CLONE_NEWNET)) return Fd();
  socket = subscribe_here();
  TRY(sys::set_namespace(ours.get(), CLONE_NEWNET).context("go back to our network namespace"));
  return socket;
}

std::optional<Exit> next(const Fd& socket) {
  char message[256];
  const ssize_t size = ::recv(socket.get(), message, sizeof message, 0);
  if (size < static_cast<ssize_t>(kExit + 3 * sizeof(uint32_t))) return std::nullopt;
  uint32_t fields[3];  // the thread, its process, the status
  std::memcpy(fields, message + kExit, sizeof fields);
  return Exit{static_cast<pid_t>(fields[0]), static_cast<int>(fields[2])};
}

}  // namespace skiff::exit_events
