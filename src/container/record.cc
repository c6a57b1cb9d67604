// Record ⇄ state.json. Names shared with runc's file keep its spelling, so that tools
// which look for a container's pid and cgroups there find them.
#include <charconv>

#include "src/base/json.h"
#include "src/container/store.h"

namespace skiff::container {
namespace {

void write_map(json::Writer& out, const char* name, const spec::StringMap& map) {
  out.key(name);
  out.begin_object();
  for (const auto& [key, value] : map) out.field(key, value);
  out.end_object();
}

std::string hex(const std::string& bytes) {
  std::string digits;
  for (const char byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return digits;
}

Result<std::string> read_bytes(const json::View& json, std::string_view name) {
  const std::string digits = TRY(json.required<std::string>(name));
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    unsigned value = 0;
    const char* first = digits.data() + i;
    const auto [end, error] =
        std::from_chars(first, std::min(first + 2, digits.data() + digits.size()), value, 16);
    if (error != std::errc() || end != first + 2)
      return Error::invalid("{}: not hexadecimal", json.path_of(name));
    bytes += static_cast<char>(value);
  }
  return bytes;
}

void write_address(json::Writer& out, const net_devices::Address& address) {
  out.begin_object();
  out.field("family", static_cast<unsigned>(address.family));
  out.field("prefix", static_cast<unsigned>(address.prefix_length));
  out.field("flags", address.flags);
  out.field("local", hex(address.local));
  out.field("address", hex(address.address));
  out.field("broadcast", hex(address.broadcast));
  out.end_object();
}

Result<net_devices::Address> read_address(const json::View& json) {
  net_devices::Address address;
  address.family = static_cast<uint8_t>(TRY(json.required<uint16_t>("family")));
  address.prefix_length = static_cast<uint8_t>(TRY(json.required<uint16_t>("prefix")));
  address.flags = TRY(json.required<uint32_t>("flags"));
  address.local = TRY(read_bytes(json, "local"));
  address.address = TRY(read_bytes(json, "address"));
  address.broadcast = TRY(read_bytes(json, "broadcast"));
  return address;
}

void write_net_devices(json::Writer& out, const std::vector<net_devices::Device>& devices) {
  if (devices.empty()) return;
  out.key("net_devices");
  out.begin_array();
  for (const net_devices::Device& device : devices) {
    out.begin_object();
    out.field("host", device.host_name);
    out.field("container", device.container_name);
    out.field("up", device.up);
    out.key("addresses");
    out.begin_array();
    for (const net_devices::Address& address : device.addresses) write_address(out, address);
    out.end_array();
    out.end_object();
  }
  out.end_array();
}

Result<std::vector<net_devices::Device>> read_net_devices(const json::View& root) {
  std::vector<net_devices::Device> devices;
  const std::vector<json::View> entries = TRY(root.list<json::View>("net_devices"));
  for (const json::View& entry : entries) {
    net_devices::Device device;
    device.host_name = TRY(entry.required<std::string>("host"));
    device.container_name = TRY(entry.required<std::string>("container"));
    device.up = TRY(entry.required<bool>("up"));
    const std::vector<json::View> addresses = TRY(entry.list<json::View>("addresses"));
    for (const json::View& address : addresses)
      device.addresses.push_back(TRY(read_address(address)));
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<std::vector<spec::Namespace>> read_namespaces(const json::View& root) {
  std::vector<spec::Namespace> namespaces;
  const spec::StringMap entries = TRY(root.string_map("namespaces"));
  for (const auto& [name, path] : entries) {
    const auto type = spec::namespace_type(name);
    if (!type) return Error::invalid("namespaces.{}: unknown", name);
    namespaces.push_back({*type, path});
  }
  return namespaces;
}

/// The members that every reader of a record wants.
Result<void> read_head(const json::View& root, Record& record) {
  record.id = TRY(root.required<std::string>("id"));
  record.oci_version = TRY(root.required<std::string>("ociVersion"));
  record.bundle = TRY(root.required<std::string>("bundle"));
  record.rootfs = TRY(root.required<std::string>("rootfs"));
  record.created = TRY(root.required<std::string>("created"));
  record.owner = TRY(root.required<uint32_t>("owner"));
  record.pid = TRY(root.required<int32_t>("init_process_pid"));
  record.start_time = TRY(root.required<uint64_t>("init_process_start"));
  record.ready = TRY(root.required<bool>("ready"));
  record.annotations = TRY(root.string_map("annotations"));
  return {};
}

}  // namespace

std::string to_json(const Record& record) {
  json::Writer out(json::Style::Compact);
  out.begin_object();
  out.field("id", record.id);
  out.field("ociVersion", record.oci_version);
  out.field("bundle", record.bundle);
  out.field("rootfs", record.rootfs);
  out.field("created", record.created);
  out.field("owner", record.owner);
  out.field("init_process_pid", static_cast<int64_t>(record.pid));
  out.field("init_process_start", record.start_time);
  out.field("ready", record.ready);
  out.field("cgroup", record.cgroup.path);
  write_map(out, "cgroup_paths", record.cgroup.directories);
  if (!record.cgroup.kept.empty()) out.array("cgroup_kept", record.cgroup.kept);
  if (!record.cgroup.unit.empty()) out.field("systemd_unit", record.cgroup.unit);
  write_map(out, "annotations", record.annotations);
  out.key("namespaces");
  out.begin_object();
  for (const spec::Namespace& entry : record.namespaces)
    out.field(spec::name(entry.type), entry.path);
  out.end_object();
  out.field("no_new_keyring", record.no_new_keyring);
  out.field("process", record.has_process);
  out.field("seccomp", record.has_seccomp);
  out.field("seccomp_listener", record.listener_path);
  out.field("seccomp_listener_metadata", record.listener_metadata);
  out.field("poststart", record.has_poststart);
  out.field("poststop", record.has_poststop);
  write_net_devices(out, record.net_devices);
  // As runc calls them.
  if (!record.resctrl.directory.empty()) {
    out.field("intel_rdt_path", record.resctrl.directory);
    out.field("intel_rdt_mon_path", record.resctrl.monitoring);
    out.field("intel_rdt_made", record.resctrl.made);
  }
  out.end_object();
  return out.take();
}

Result<Record> record_from_json(std::string json) {
  const json::Document document = TRY(json::Document::parse(std::move(json)));
  const json::View root = document.root();
  Record record;
  TRY(read_head(root, record));
  record.cgroup.path = TRY(root.required<std::string>("cgroup"));
  record.cgroup.directories = TRY(root.string_map("cgroup_paths"));
  record.cgroup.kept = TRY(root.list<std::string>("cgroup_kept"));
  record.cgroup.unit = TRY(root.optional<std::string>("systemd_unit")).value_or("");
  record.namespaces = TRY(read_namespaces(root));
  record.no_new_keyring = TRY(root.required<bool>("no_new_keyring"));
  record.has_process = TRY(root.required<bool>("process"));
  record.has_seccomp = TRY(root.required<bool>("seccomp"));
  record.listener_path = TRY(root.required<std::string>("seccomp_listener"));
  record.listener_metadata = TRY(root.required<std::string>("seccomp_listener_metadata"));
  record.has_poststart = TRY(root.required<bool>("poststart"));
  record.has_poststop = TRY(root.required<bool>("poststop"));
  record.net_devices = TRY(read_net_devices(root));
  record.resctrl.directory = TRY(root.optional<std::string>("intel_rdt_path")).value_or("");
  record.resctrl.monitoring = TRY(root.optional<std::string>("intel_rdt_mon_path")).value_or("");
  record.resctrl.made = TRY(root.optional<bool>("intel_rdt_made")).value_or(false);
  return record;
}

Result<Record> listed_record_from_json(std::string json) {
  const json::Document document = TRY(json::Document::parse(std::move(json)));
  const json::View root = document.root();
  Record record;
  TRY(read_head(root, record));
  const json::View directories = TRY(root.required<json::View>("cgroup_paths"));
  for (const char* controller : {"freezer", ""}) {
    auto path = TRY(directories.optional<std::string>(controller));
    if (!path) continue;
    record.cgroup.directories.emplace_back(controller, *std::move(path));
    break;
  }
  return record;
}

}  // namespace skiff::container
