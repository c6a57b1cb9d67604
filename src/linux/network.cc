#include "src/linux/network.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "src/base/fd.h"
#include "src/base/text.h"

namespace skiff::network {

Result<void> bring_up_loopback() {
  // Any socket will do for netdevice(7), and this family is there whatever the kernel was built
  // with.
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return Error::from_errno("socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;  // the others that a new "lo" has cannot be changed from here
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0)
    return Error::from_errno("bring up the interface lo");
  return {};
}

Result<std::vector<Interface>> parse_interfaces(std::string_view text) {
  constexpr size_t kHeadlines = 2;
  constexpr size_t kFields = 16;
  const std::vector<std::string_view> lines = text::split(text, '\n');
  std::vector<Interface> interfaces;
  for (size_t i = kHeadlines; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    if (line.empty()) continue;
    const size_t colon = line.rfind(':');  // aliases have one in their name
    std::vector<uint64_t> numbers;
    if (colon != std::string_view::npos)
      for (const std::string_view word : text::split(line.substr(colon + 1), ' '))
        if (const auto number = text::parse_unsigned(word)) numbers.push_back(*number);
    if (numbers.size() != kFields)
      return Error::invalid("net/dev: malformed line {}", text::quote(line));
    interfaces.push_back({std::string(text::trim(line.substr(0, colon))),
                          {numbers[0], numbers[1], numbers[2], numbers[3]},
                          {numbers[8], numbers[9], numbers[10], numbers[11]}});
  }
  return interfaces;
}

}  // namespace skiff::network
