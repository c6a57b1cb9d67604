#include "src/base/text.h"
#include "src/spec/decode_parts.h"

namespace skiff::spec {
namespace {

/// The permission bits of a fileMode. Engines pass what stat(2) told them of the host's
/// node, the file type included; one that contradicts `type` is a mistake.
Result<std::optional<uint32_t>> decode_file_mode(const json::View& json, char type) {
  const std::optional<uint32_t> mode = TRY(json.optional<uint32_t>("fileMode"));
  if (!mode) return std::optional<uint32_t>();
  constexpr uint32_t kFormat = 0170000;  // S_IFMT, and its values: inode(7)
  const uint32_t format = type == 'b' ? 0060000 : type == 'p' ? 0010000 : 0020000;
  const uint32_t given = *mode & kFormat;
  if ((*mode & ~(kFormat | 07777)) != 0 || (given != 0 && given != format))
    return Error::invalid("{}: {} is no mode of such a device", json.path_of("fileMode"), *mode);
  return std::optional<uint32_t>(*mode & 07777);
}

Result<uint32_t> decode_number(const json::View& json, std::string_view name, uint32_t most) {
  const int64_t number = TRY(json.required<int64_t>(name));
  if (number < 0 || number > most)
    return Error::invalid("{}: {} is not between 0 and {}", json.path_of(name), number, most);
  return static_cast<uint32_t>(number);
}

}  // namespace

Result<Mount> decode_mount(const json::View& json) {
  Mount mount;
  mount.destination = TRY(json.required<std::string>("destination"));
  if (mount.destination.empty())
    TRY(json.complain(Error::invalid("{}: empty", json.path_of("destination"))));
  // config.md#mounts: deprecated, and relative to "/".
  if (!mount.destination.starts_with('/')) mount.destination.insert(0, "/");
  mount.type = TRY(text_of(json, "type"));
  mount.source = TRY(text_of(json, "source"));
  mount.options = TRY(json.list<std::string>("options"));
  mount.uid_mappings = TRY(json.tolerate(decode_mappings(json, "uidMappings")));
  mount.gid_mappings = TRY(json.tolerate(decode_mappings(json, "gidMappings")));
  return mount;
}

Result<Device> decode_device(const json::View& json) {
  Device device;
  device.path = TRY(json.tolerate(absolute_path(json, "path")));
  const std::string type = TRY(json.required<std::string>("type"));
  if (type != "c" && type != "b" && type != "u" && type != "p")
    return unknown_word(json, "type", type).with_hint("c, b, u or p");
  device.type = type == "u" ? 'c' : type[0];
  if (device.type != 'p') {
    // As the kernel packs them: include/linux/kdev_t.h.
    constexpr uint32_t kMostMajor = (1U << 12) - 1;
    constexpr uint32_t kMostMinor = (1U << 20) - 1;
    device.major = TRY(json.tolerate(decode_number(json, "major", kMostMajor)));
    device.minor = TRY(json.tolerate(decode_number(json, "minor", kMostMinor)));
  }
  device.file_mode = TRY(json.tolerate(decode_file_mode(json, device.type)));
  device.uid = TRY(json.optional<uint32_t>("uid"));
  device.gid = TRY(json.optional<uint32_t>("gid"));
  return device;
}

}  // namespace skiff::spec
