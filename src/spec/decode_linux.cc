#include <array>

#include "src/base/text.h"
#include "src/spec/decode_parts.h"

namespace skiff::spec {
namespace {

Result<Namespace> decode_namespace(const json::View& json) {
  const std::string word = TRY(json.required<std::string>("type"));
  const std::optional<NamespaceType> type = namespace_type(word);
  if (!type) return unknown_word(json, "type", word);
  std::string path = TRY(text_of(json, "path"));
  if (!path.empty()) path = TRY(json.tolerate(absolute_path(json, "path")));
  return Namespace{*type, std::move(path)};
}

Result<std::vector<Namespace>> decode_namespaces(const json::View& json) {
  std::vector<Namespace> entries = TRY(part_list(json, "namespaces", decode_namespace));
  std::array<bool, kNamespaceTypes> seen{};
  for (size_t i = 0; i < entries.size(); ++i) {
    bool& known = seen[static_cast<size_t>(entries[i].type)];
    if (known)
      return Error::invalid("{}[{}]: duplicate \"{}\"", json.path_of("namespaces"), i,
                            name(entries[i].type));
    known = true;
  }
  return entries;
}

Result<IdMapping> decode_mapping(const json::View& json) {
  IdMapping mapping;
  mapping.container_id = TRY(json.required<uint32_t>("containerID"));
  mapping.host_id = TRY(json.required<uint32_t>("hostID"));
  mapping.size = TRY(json.required<uint32_t>("size"));
  if (mapping.size == 0) return Error::invalid("{}: 0 maps nothing", json.path_of("size"));
  // The id 4294967295 means "none": user_namespaces(7).
  constexpr uint64_t kIds = 0xffffffff;
  if (uint64_t{mapping.container_id} + mapping.size > kIds ||
      uint64_t{mapping.host_id} + mapping.size > kIds)
    return Error::invalid("{}: ids beyond {}", json.path(), kIds - 1);
  return mapping;
}

bool overlap(uint32_t first, uint32_t first_size, uint32_t second, uint32_t second_size) {
  return first < uint64_t{second} + second_size && second < uint64_t{first} + first_size;
}

}  // namespace

Result<std::vector<IdMapping>> decode_mappings(const json::View& json, std::string_view name) {
  std::vector<IdMapping> mappings = TRY(part_list(json, name, decode_mapping));
  // The kernel takes 340 lines: user_namespaces(7).
  constexpr size_t kMostMappings = 340;
  if (mappings.size() > kMostMappings)
    return Error::invalid("{}: {} entries, the kernel takes {}", json.path_of(name),
                          mappings.size(), kMostMappings);
  for (size_t i = 0; i < mappings.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const IdMapping& a = mappings[i];
      const IdMapping& b = mappings[j];
      if (overlap(a.container_id, a.size, b.container_id, b.size))
        TRY(json.complain(Error::invalid("{0}[{1}]: containerID range overlaps {0}[{2}]",
                                         json.path_of(name), i, j)));
      if (overlap(a.host_id, a.size, b.host_id, b.size))
        TRY(json.complain(
            Error::invalid("{0}[{1}]: hostID range overlaps {0}[{2}]", json.path_of(name), i, j)));
    }
  }
  return mappings;
}

namespace {

Result<std::string> decode_propagation(const json::View& json) {
  constexpr std::string_view kWords[] = {"",      "private", "rprivate",   "shared",     "rshared",
                                         "slave", "rslave",  "unbindable", "runbindable"};
  std::string word = TRY(text_of(json, "rootfsPropagation"));
  if (std::find(std::begin(kWords), std::end(kWords), word) == std::end(kWords))
    return unknown_word(json, "rootfsPropagation", word);
  return word;
}

Result<std::vector<std::string>> decode_paths(const json::View& json, std::string_view name) {
  std::vector<std::string> paths = TRY(json.list<std::string>(name));
  for (size_t i = 0; i < paths.size(); ++i)
    if (!paths[i].starts_with('/'))
      TRY(json.complain(Error::invalid("{}[{}]: {} is not an absolute path", json.path_of(name), i,
                                       text::quote(paths[i]))));
  return paths;
}

}  // namespace

Result<Linux> decode_linux(const json::View& json) {
  Linux config;
  config.namespaces = TRY(json.tolerate(decode_namespaces(json)));
  config.uid_mappings = TRY(json.tolerate(decode_mappings(json, "uidMappings")));
  config.gid_mappings = TRY(json.tolerate(decode_mappings(json, "gidMappings")));
  config.cgroups_path = TRY(text_of(json, "cgroupsPath"));
  config.resources = TRY(optional_part(json, "resources", decode_resources));
  config.devices = TRY(part_list<Device>(json, "devices", decode_device));
  config.rootfs_propagation = TRY(json.tolerate(decode_propagation(json)));
  config.sysctl = TRY(json.string_map("sysctl"));
  config.masked_paths = TRY(json.tolerate(decode_paths(json, "maskedPaths")));
  config.readonly_paths = TRY(json.tolerate(decode_paths(json, "readonlyPaths")));
  config.seccomp = TRY(optional_part(json, "seccomp", decode_seccomp));
  config.time_offsets = TRY(json.tolerate(decode_time_offsets(json)));
  config.net_devices = TRY(json.tolerate(decode_net_devices(json)));
  config.personality = TRY(optional_part(json, "personality", decode_personality));
  config.memory_policy = TRY(optional_part(json, "memoryPolicy", decode_memory_policy));
  config.intel_rdt = TRY(optional_part(json, "intelRdt", decode_intel_rdt));
  config.mount_label = TRY(text_of(json, "mountLabel"));
  return config;
}

}  // namespace skiff::spec
