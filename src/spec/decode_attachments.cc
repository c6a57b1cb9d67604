// What of the host is given to a container beside its cgroup: network devices, a resctrl group.
#include "src/base/text.h"
#include "src/spec/decode_parts.h"

namespace skiff::spec {
namespace {

/// dev_valid_name() of the kernel's net/core/dev.c.
bool is_device_name(std::string_view name) {
  constexpr size_t kLongest = 15;  // IFNAMSIZ - 1
  return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return c <= ' ' || c >= 0x7f || c == '/' || c == ':'; });
}

/// A name, or one with a single "%d" (config-linux.md#network-devices).
bool is_device_template(std::string_view name) {
  const size_t percent = name.find('%');
  return is_device_name(name) && (percent == std::string_view::npos ||
                                  (name.substr(percent, 2) == "%d" &&
                                   name.find('%', percent + 1) == std::string_view::npos));
}

/// The name of a group: one component of a path, and none that resctrl has a meaning for. "/" is
/// the root group (config-linux.md#intelrdt).
bool is_group_name(std::string_view name) {
  return name == "/" ||
         (!name.empty() && name != "." && name != ".." && name != "info" && name != "mon_data" &&
          name != "mon_groups" && name.find_first_of("/\n") == std::string_view::npos);
}

Result<std::string> decode_line(const json::View& json, std::string_view name,
                                std::string_view beginning) {
  std::string line = TRY(text_of(json, name));
  if (!line.empty() && !line.starts_with(beginning))
    return Error::invalid("{}: {} does not begin with {}", json.path_of(name), text::quote(line),
                          beginning);
  if (line.find('\n') != std::string::npos)
    return Error::invalid("{}: more than one line", json.path_of(name));
  return line;
}

}  // namespace

Result<std::vector<NetDevice>> decode_net_devices(const json::View& json) {
  std::vector<NetDevice> devices;
  const std::optional<json::View> entries = TRY(json.optional<json::View>("netDevices"));
  if (!entries) return devices;
  auto decoded = entries->each_member([&](std::string_view host_name) -> Result<void> {
    NetDevice device;
    device.host_name = host_name;
    if (!is_device_name(host_name) || host_name.find('%') != std::string_view::npos)
      return Error::invalid("{}: not the name of a network device", entries->path_of(host_name));
    const std::optional<json::View> entry = TRY(entries->optional<json::View>(host_name));
    if (entry) device.container_name = TRY(text_of(*entry, "name"));
    if (device.container_name.empty()) device.container_name = device.host_name;
    if (!is_device_template(device.container_name))
      return Error::invalid("{}: {} is not the name of a network device", entry->path_of("name"),
                            text::quote(device.container_name));
    for (const NetDevice& other : devices)
      if (other.container_name == device.container_name &&
          device.container_name.find('%') == std::string::npos)
        return Error::invalid("{}: {} is to be called {}, too", entries->path_of(host_name),
                              other.host_name, device.container_name);
    devices.push_back(std::move(device));
    return {};
  });
  TRY(std::move(decoded));
  return devices;
}

Result<IntelRdt> decode_intel_rdt(const json::View& json) {
  IntelRdt rdt;
  rdt.closid = TRY(json.optional<std::string>("closID"));
  if (rdt.closid && rdt.closid->empty()) rdt.closid.reset();
  if (rdt.closid && !is_group_name(*rdt.closid))
    TRY(json.complain(Error::invalid("{}: {} is not the name of a group", json.path_of("closID"),
                                     text::quote(*rdt.closid))));
  rdt.schemata = TRY(json.list<std::string>("schemata"));
  for (size_t i = 0; i < rdt.schemata.size(); ++i)
    if (rdt.schemata[i].empty() || rdt.schemata[i].find('\n') != std::string::npos)
      TRY(json.complain(Error::invalid("{}[{}]: {} is not one line", json.path_of("schemata"), i,
                                       text::quote(rdt.schemata[i]))));
  // Several lines are none that SHOULD be; one of them may begin with "MB:", and then yields.
  rdt.l3_cache_schema = TRY(text_of(json, "l3CacheSchema"));
  rdt.mem_bw_schema = TRY(decode_line(json, "memBwSchema", "MB:"));
  rdt.monitoring = TRY(flag_of(json, "enableMonitoring"));
  // Until version 1.2 of the specification; both counters are those of one monitoring group.
  const bool cache = TRY(flag_of(json, "enableCMT"));
  const bool bandwidth = TRY(flag_of(json, "enableMBM"));
  rdt.monitoring = rdt.monitoring || cache || bandwidth;
  return rdt;
}

}  // namespace skiff::spec
