// Network devices on their way into a container's network namespace and back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::net_devices {

/// An address of a device, as RTM_NEWADDR takes it.
struct Address {
  uint8_t family = 0;         // AF_INET, AF_INET6
  uint8_t prefix_length = 0;  // bits
  uint32_t flags = 0;         // IFA_F_*
  std::string local;          // bytes in network order; "" where the family has none
  std::string address;        // of the peer, else the local one
  std::string broadcast;      // "" for none
};

/// A device as it was on the host: what is needed to have it there again.
struct Device {
  std::string host_name;
  std::string container_name;
  bool up = false;
  std::vector<Address> addresses;  // permanent, of global scope
};

/// Looks at the devices `wanted` in this network namespace and finds the names that they will have
/// in `inside`. Changes nothing. Fails if a device is not here or cannot leave, or its name is
/// taken there. Errors begin with "linux.netDevices.NAME".
Result<std::vector<Device>> find(const std::vector<spec::NetDevice>& wanted, const Fd& inside);

/// Moves `device` from this network namespace to `inside`: renamed, with its addresses, up
/// (config-linux.md#network-devices). After a failure it is where it was.
Result<void> give(const Device& device, const Fd& inside);

/// Moves `device` from `inside` to this network namespace: with its name, addresses and state of
/// before. Where its name is taken, it gets one of the kernel's ("dev%d") and a warning tells. A
/// device that is no longer there is no failure.
Result<void> take_back(const Device& device, const Fd& inside);

}  // namespace skiff::net_devices
