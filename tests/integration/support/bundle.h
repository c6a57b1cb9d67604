// A bundle made for one test: a small root file system of busybox and a config.json whose every
// field the test can change.
#pragma once

#include <rapidjson/document.h>

#include <string>
#include <string_view>
#include <vector>

namespace tests {

using Json = rapidjson::Document;

/// Parses `text`; a null document if it is no JSON.
Json parse_json(std::string_view text);
/// The string at a JSON pointer, or "".
std::string string_at(const Json& json, const char* pointer);
/// The value at a JSON pointer as compact JSON text, or "".
std::string json_at(const Json& json, const char* pointer);
/// `text` as a JSON string, with its quotes.
std::string quote(std::string_view text);
std::string json_list(const std::vector<std::string>& strings);

class Bundle {
 public:
  /// Runs /bin/true with every namespace but user, cgroup and time, the usual mounts, the
  /// capabilities engines give, and no cgroup limits but the deny-all device rule.
  Bundle();
  ~Bundle();
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  /// The value at a JSON pointer becomes `json` ("-" as last part appends to a list).
  Bundle& set(const char* pointer, std::string_view json);
  Bundle& remove(const char* pointer);
  Bundle& args(const std::vector<std::string>& args);
  /// The process becomes `/bin/sh -c script`.
  Bundle& sh(std::string_view script);
  /// Appends a mount; `options` is separated by commas.
  Bundle& mount(std::string_view destination, std::string_view type, std::string_view source,
                std::string_view options = "");
  /// Replaces the namespace of `type`: "" for a new one, "-" for none, else joined by path.
  Bundle& ns(std::string_view type, std::string_view path = "");
  /// Maps container 0 and up to host `base` and up and gives the rootfs to them.
  Bundle& user_namespace(unsigned base = 100000, unsigned size = 65536);
  /// Writes this text as config.json instead of the document.
  Bundle& raw(std::string text);

  /// Leaves linux.cgroupsPath out; otherwise it is "/ID" unless the test sets it.
  Bundle& without_cgroups_path();

  /// The bundle directory, config.json written for a container of this id.
  const std::string& path(std::string_view id);
  const std::string& directory() const { return directory_; }
  std::string rootfs() const { return directory_ + "/rootfs"; }
  /// The runtime's --root for this bundle's containers.
  std::string state_root() const { return directory_ + "/state"; }
  std::string file(std::string_view name) const { return directory_ + "/" + std::string(name); }
  std::string text() const;

 private:
  std::string directory_;
  Json config_;
  std::string raw_;
  bool own_cgroups_path_ = true;
};

}  // namespace tests
