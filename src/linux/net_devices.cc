#include "src/linux/net_devices.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "src/base/log.h"
#include "src/base/undo.h"
#include "src/linux/rtnetlink.h"
#include "src/linux/syscalls.h"

namespace skiff::net_devices {
namespace {

using rtnetlink::Reply;
using rtnetlink::Request;
using rtnetlink::Socket;

struct Link {
  int32_t index = 0;
  uint32_t flags = 0;  // IFF_*
  std::string name;
};

/// A name without the NUL at its end.
std::string text_of(std::string_view attribute) {
  return std::string(attribute.substr(0, attribute.find('\0')));
}

Result<std::vector<Link>> list_links(Socket& socket) {
  std::vector<Link> links;
  TRY(socket.dump(Request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), "list network devices",
                  [&](const Reply& reply) {
                    const auto* header = reply.header<ifinfomsg>();
                    if (header == nullptr) return;
                    links.push_back({header->ifi_index, header->ifi_flags,
                                     text_of(reply.attribute<ifinfomsg>(IFLA_IFNAME))});
                  }));
  return links;
}

const Link* find_link(const std::vector<Link>& links, const std::string& name) {
  const auto found =
      std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.name == name; });
  return found == links.end() ? nullptr : &*found;
}

/// Permanent and of global scope: the others belong to the network the device is in
/// (config-linux.md#network-devices).
void keep_address(const Reply& reply, int32_t index, std::vector<Address>& addresses) {
  const auto* header = reply.header<ifaddrmsg>();
  if (header == nullptr || header->ifa_index != static_cast<uint32_t>(index)) return;
  Address address;
  address.family = header->ifa_family;
  address.prefix_length = header->ifa_prefixlen;
  address.flags = header->ifa_flags;
  const std::string_view flags = reply.attribute<ifaddrmsg>(IFA_FLAGS);
  if (flags.size() == sizeof address.flags)
    std::memcpy(&address.flags, flags.data(), sizeof address.flags);
  if ((address.flags & IFA_F_PERMANENT) == 0 || header->ifa_scope != RT_SCOPE_UNIVERSE) return;
  address.local = reply.attribute<ifaddrmsg>(IFA_LOCAL);
  address.address = reply.attribute<ifaddrmsg>(IFA_ADDRESS);
  address.broadcast = reply.attribute<ifaddrmsg>(IFA_BROADCAST);
  addresses.push_back(std::move(address));
}

Result<std::vector<Address>> list_addresses(Socket& socket, int32_t index) {
  std::vector<Address> addresses;
  TRY(socket.dump(Request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), "list addresses",
                  [&](const Reply& reply) { keep_address(reply, index, addresses); }));
  return addresses;
}

Result<void> add_address(Socket& socket, int32_t index, const Address& address) {
  ifaddrmsg header{};
  header.ifa_family = address.family;
  header.ifa_prefixlen = address.prefix_length;
  header.ifa_index = static_cast<uint32_t>(index);
  Request request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, header);
  // Others tell what the kernel found out. That an address is free was found out long ago.
  constexpr uint32_t kOurs = IFA_F_NOPREFIXROUTE | IFA_F_HOMEADDRESS | IFA_F_MCAUTOJOIN;
  request.attribute(IFA_FLAGS, (address.flags & kOurs) | IFA_F_NODAD);
  const auto add = [&](uint16_t type, const std::string& bytes) {
    if (!bytes.empty()) request.attribute(type, bytes.data(), bytes.size());
  };
  add(IFA_LOCAL, address.local);
  add(IFA_ADDRESS, address.address);
  add(IFA_BROADCAST, address.broadcast);
  return socket.change(std::move(request), "add an address");
}

Result<void> set_up(Socket& socket, int32_t index) {
  ifinfomsg header{};
  header.ifi_index = index;
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  return socket.change(Request(RTM_SETLINK, NLM_F_ACK, header), "bring it up");
}

/// Moves, then renames: the kernel takes the new name at once only where the old one is taken
/// (do_setlink(), net/core/rtnetlink.c), so that a refused name leaves the device there, with the
/// old one.
Result<void> move(Socket& from, int32_t index, const Fd& to, const std::string& name) {
  ifinfomsg header{};
  header.ifi_index = index;
  Request request(RTM_SETLINK, NLM_F_ACK, header);
  request.attribute(IFLA_NET_NS_FD, static_cast<uint32_t>(to.get()));
  request.attribute(IFLA_IFNAME, name);
  return from.change(std::move(request), "move it");
}

/// Address by address, then up: routes of the host's making need them.
Result<void> configure(Socket& socket, const std::string& name,
                       const std::vector<Address>& addresses, bool up) {
  const std::vector<Link> links = TRY(list_links(socket));
  const Link* link = find_link(links, name);
  if (link == nullptr) return Error::from_code(ENODEV, "find {} again", name);
  for (const Address& address : addresses) TRY(add_address(socket, link->index, address));
  if (up) TRY(set_up(socket, link->index));
  return {};
}

Error explain_move(Error error, const Device& device) {
  if (error.is(EEXIST))
    return Error::received(
        EEXIST, fmt::format("the container has a device {} already", device.container_name));
  if (error.is(EINVAL))
    return std::move(error).with_hint("the kernel keeps such a device in its network namespace");
  if (error.is(EPERM))
    return std::move(error).with_hint("it takes CAP_NET_ADMIN in both network namespaces");
  return error;
}

/// The first name that `name` with its "%d" stands for and that is free.
std::string expand(const std::string& name, const std::vector<Link>& links,
                   const std::vector<Device>& planned) {
  const size_t at = name.find("%d");
  if (at == std::string::npos) return name;
  for (unsigned number = 0;; ++number) {
    std::string candidate = name;
    candidate.replace(at, 2, fmt::format("{}", number));
    const bool taken = std::any_of(planned.begin(), planned.end(), [&](const Device& device) {
      return device.container_name == candidate;
    });
    if (!taken && find_link(links, candidate) == nullptr) return candidate;
  }
}

Result<Device> look_at(const spec::NetDevice& wanted, Socket& here, const std::vector<Link>& ours,
                       const std::vector<Link>& theirs, const std::vector<Device>& planned) {
  const Link* link = find_link(ours, wanted.host_name);
  if (link == nullptr) return Error::from_code(ENODEV, "find it on the host");
  if ((link->flags & IFF_LOOPBACK) != 0)
    return Error::invalid("the loopback device cannot leave its network namespace");
  Device device;
  device.host_name = wanted.host_name;
  device.container_name = expand(wanted.container_name, theirs, planned);
  if (device.container_name.size() >= IFNAMSIZ)
    return Error::invalid("no name like {} is free in the container", wanted.container_name);
  if (find_link(theirs, device.container_name) != nullptr)
    return explain_move(Error::received(EEXIST, ""), device);
  device.up = (link->flags & IFF_UP) != 0;
  device.addresses = TRY(list_addresses(here, link->index));
  return device;
}

/// Moves `index`, wherever `there` is, to this network namespace, as it was.
Result<void> return_link(Socket& there, int32_t index, const Device& device,
                         const std::string& name) {
  const Fd own = TRY(sys::open("/proc/self/ns/net", O_RDONLY));
  TRY(move(there, index, own, name));
  Socket here = TRY(Socket::open());
  return configure(here, name, device.addresses, device.up);
}

Result<void> move_inside(const Device& device, const Fd& inside) {
  Socket here = TRY(Socket::open());
  Socket there = TRY(Socket::open_in(inside));
  const std::vector<Link> links = TRY(list_links(here));
  const Link* link = find_link(links, device.host_name);
  if (link == nullptr) return Error::from_code(ENODEV, "find it on the host");
  if (auto moved = move(here, link->index, inside, device.container_name); !moved) {
    const std::vector<Link> theirs = TRY(list_links(there));
    const Link* stranded = find_link(theirs, device.host_name);
    if (stranded != nullptr) (void)return_link(there, stranded->index, device, device.host_name);
    return explain_move(std::move(moved).error(), device);
  }
  auto configured = configure(there, device.container_name, device.addresses, true);
  if (!configured) (void)take_back(device, inside);
  return configured;
}

Result<void> move_back(const Device& device, const Fd& inside) {
  Socket here = TRY(Socket::open());
  Socket there = TRY(Socket::open_in(inside));
  const std::vector<Link> links = TRY(list_links(there));
  const Link* link = find_link(links, device.container_name);
  if (link == nullptr) return {};
  const std::vector<Link> ours = TRY(list_links(here));
  std::string name = device.host_name;
  if (find_link(ours, name) != nullptr) {
    // The kernel's own pattern, with which a device returns whose namespace ended.
    name = expand("dev%d", ours, {});
    log::warn(
        "linux.netDevices.{}: the name is taken on the host by now, it is called {}, ignoring",
        device.host_name, name);
  }
  return return_link(there, link->index, device, name);
}

}  // namespace

Result<std::vector<Device>> find(const std::vector<spec::NetDevice>& wanted, const Fd& inside) {
  Socket here = TRY(Socket::open().context("linux.netDevices"));
  Socket there = TRY(Socket::open_in(inside).context("linux.netDevices"));
  const std::vector<Link> ours = TRY(list_links(here).context("linux.netDevices"));
  const std::vector<Link> theirs = TRY(list_links(there).context("linux.netDevices"));
  std::vector<Device> devices;
  devices.reserve(wanted.size());
  for (const spec::NetDevice& device : wanted)
    devices.push_back(TRY(look_at(device, here, ours, theirs, devices)
                              .context("linux.netDevices.{}", device.host_name)));
  return devices;
}

Result<void> give(const Device& device, const Fd& inside) {
  return move_inside(device, inside).context("linux.netDevices.{}", device.host_name);
}

Result<void> take_back(const Device& device, const Fd& inside) {
  return move_back(device, inside).context("linux.netDevices.{}", device.host_name);
}

}  // namespace skiff::net_devices
