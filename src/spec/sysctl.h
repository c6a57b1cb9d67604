// The names of kernel parameters, and whose they are.
#pragma once

#include <string>
#include <string_view>

#include "src/base/result.h"

namespace skiff::spec {

/// The file below /proc/sys for `name`, by the rules of sysctl.d(5): if the first separator
/// is a slash, slashes separate and dots are left alone; else dots separate and slashes stand
/// for dots ("net.ipv4.conf.eth0/100.mtu" and "net/ipv4/conf/eth0.100/mtu" are one). Fails if
/// the file would lie elsewhere or the name has an empty part, a blank or a control character.
Result<std::string> sysctl_file(std::string_view name);

}  // namespace skiff::spec
