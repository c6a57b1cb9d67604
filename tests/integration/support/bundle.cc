#include "tests/integration/support/bundle.h"

#include <rapidjson/pointer.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "tests/integration/support/environment.h"
#include "tests/integration/support/files.h"

namespace tests {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfig = R"({
  "ociVersion": "1.0.2",
  "process": {
    "terminal": false,
    "user": {"uid": 0, "gid": 0},
    "args": ["/bin/true"],
    "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
    "cwd": "/",
    "capabilities": {"bounding": CAPS, "effective": CAPS, "permitted": CAPS}
  },
  "root": {"path": "rootfs", "readonly": false},
  "hostname": "inside",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
     "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]}
  ],
  "linux": {
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                   {"type": "mount"}],
    "resources": {"devices": [{"allow": false, "access": "rwm"}]}
  }
})";

constexpr std::string_view kCapabilities =
    R"(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
        "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
        "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"])";

constexpr const char* kApplets[] = {
    "[",       "awk",   "basename", "cat",    "chgrp", "chmod",    "chown",  "chroot",
    "cp",      "cut",   "date",     "dd",     "df",    "dmesg",    "echo",   "env",
    "expr",    "false", "find",     "grep",   "head",  "hostname", "id",     "ifconfig",
    "ionice",  "ip",    "ipcs",     "kill",   "ln",    "ls",       "md5sum", "mkdir",
    "mknod",   "mount", "mv",       "nice",   "nproc", "nsenter",  "od",     "printenv",
    "ps",      "pwd",   "readlink", "rm",     "rmdir", "sed",      "seq",    "setsid",
    "sh",      "sleep", "sort",     "stat",   "stty",  "sync",     "sysctl", "tail",
    "taskset", "test",  "touch",    "tr",     "true",  "tty",      "ulimit", "umount",
    "uname",   "uniq",  "unshare",  "usleep", "wc",    "which",    "whoami", "xargs",
    "yes"};

std::string base_config() {
  std::string text(kConfig);
  for (size_t at; (at = text.find("CAPS")) != std::string::npos;)
    text.replace(at, 4, kCapabilities);
  return text;
}

std::string busybox() {
  for (const char* path : {"/bin/busybox", "/usr/bin/busybox"})
    if (::access(path, X_OK) == 0) return path;
  throw std::runtime_error("busybox-static is not installed");
}

// One copy for the whole run; every rootfs has a hard link to it.
const std::string& shared_busybox() {
  static const std::string path = [] {
    const std::string copy = environment().scratch + "/busybox";
    fs::copy_file(busybox(), copy);
    ::chmod(copy.c_str(), 0755);
    return copy;
  }();
  return path;
}

void make_rootfs(const std::string& rootfs) {
  for (const char* name : {"bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "var"})
    fs::create_directories(rootfs + "/" + name);
  fs::create_hard_link(shared_busybox(), rootfs + "/bin/busybox");
  for (const char* applet : kApplets) fs::create_symlink("busybox", rootfs + "/bin/" + applet);
  ::chmod((rootfs + "/tmp").c_str(), 01777);
  write_file(rootfs + "/etc/passwd",
             "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n");
  write_file(rootfs + "/etc/group", "root:x:0:\nuser:x:1000:\n");
}

// Wherever the tests themselves were started. systemd joins the words behind its slice by a hyphen,
// as the id is joined that begins with environment().prefix.
std::string cgroups_path(std::string_view id) {
  if (!environment().systemd_cgroup) return "/" + std::string(id);
  const size_t hyphen = id.find('-');
  if (hyphen == std::string_view::npos) return "system.slice::" + std::string(id);
  return "system.slice:" + std::string(id.substr(0, hyphen)) + ":" +
         std::string(id.substr(hyphen + 1));
}

template <class Writer>
std::string write_json(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  value.Accept(writer);
  return buffer.GetString();
}

}  // namespace

Json parse_json(std::string_view text) {
  Json json;
  json.Parse(text.data(), text.size());
  if (json.HasParseError()) json.SetNull();
  return json;
}

std::string string_at(const Json& json, const char* pointer) {
  const rapidjson::Value* value = rapidjson::Pointer(pointer).Get(json);
  return value != nullptr && value->IsString() ? value->GetString() : "";
}

std::string json_at(const Json& json, const char* pointer) {
  const rapidjson::Value* value = rapidjson::Pointer(pointer).Get(json);
  return value == nullptr ? "" : write_json<rapidjson::Writer<rapidjson::StringBuffer>>(*value);
}

std::string quote(std::string_view text) {
  const rapidjson::Value value(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return write_json<rapidjson::Writer<rapidjson::StringBuffer>>(value);
}

std::string json_list(const std::vector<std::string>& strings) {
  std::string list = "[";
  for (const std::string& text : strings) list += (list.size() > 1 ? "," : "") + quote(text);
  return list + "]";
}

Bundle::Bundle() : config_(parse_json(base_config())) {
  static int number = 0;
  directory_ = environment().scratch + "/b" + std::to_string(++number);
  make_rootfs(rootfs());
  // For a device filter crun 1.8 raises RLIMIT_MEMLOCK.
  constexpr unsigned kSysResource = 24;
  if (testing(Program::Crun) && !has_capability(kSysResource)) remove("/linux/resources");
}

Bundle::~Bundle() {
  for (const MountLine& mount : parse_mountinfo(read_file("/proc/self/mountinfo")))
    if (mount.target.rfind(directory_ + "/", 0) == 0) ::umount2(mount.target.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Bundle& Bundle::set(const char* pointer, std::string_view json) {
  Json value(&config_.GetAllocator());
  value.Parse(json.data(), json.size());
  if (value.HasParseError())
    throw std::runtime_error("the test's JSON is wrong: " + std::string(json));
  rapidjson::Pointer(pointer).Set(config_, value);
  return *this;
}

Bundle& Bundle::remove(const char* pointer) {
  rapidjson::Pointer(pointer).Erase(config_);
  return *this;
}

Bundle& Bundle::args(const std::vector<std::string>& args) {
  return set("/process/args", json_list(args));
}

Bundle& Bundle::sh(std::string_view script) { return args({"/bin/sh", "-c", std::string(script)}); }

Bundle& Bundle::mount(std::string_view destination, std::string_view type, std::string_view source,
                      std::string_view options) {
  std::string json = "{\"destination\":" + quote(destination) + ",\"source\":" + quote(source);
  if (!type.empty()) json += ",\"type\":" + quote(type);
  if (!options.empty()) json += ",\"options\":" + json_list(split(options, ','));
  return set("/mounts/-", json + "}");
}

Bundle& Bundle::ns(std::string_view type, std::string_view path) {
  rapidjson::Value& list = *rapidjson::Pointer("/linux/namespaces").Get(config_);
  for (auto entry = list.Begin(); entry != list.End();) {
    if ((*entry)["type"].GetString() == type)
      entry = list.Erase(entry);
    else
      ++entry;
  }
  if (path == "-") return *this;
  std::string json = "{\"type\":" + quote(type);
  if (!path.empty()) json += ",\"path\":" + quote(path);
  return set("/linux/namespaces/-", json + "}");
}

Bundle& Bundle::user_namespace(unsigned base, unsigned size) {
  const std::string map = "[{\"containerID\":0,\"hostID\":" + std::to_string(base) +
                          ",\"size\":" + std::to_string(size) + "}]";
  ns("user").set("/linux/uidMappings", map).set("/linux/gidMappings", map);
  for (const auto& entry : fs::recursive_directory_iterator(rootfs()))
    // The hard link to the shared busybox stays root's.
    if (entry.hard_link_count() < 2 || entry.is_directory())
      (void)!::lchown(entry.path().c_str(), base, base);
  (void)!::lchown(rootfs().c_str(), base, base);
  return *this;
}

Bundle& Bundle::raw(std::string text) {
  raw_ = std::move(text);
  return *this;
}

std::string Bundle::text() const {
  return write_json<rapidjson::PrettyWriter<rapidjson::StringBuffer>>(config_);
}

Bundle& Bundle::without_cgroups_path() {
  own_cgroups_path_ = false;
  return *this;
}

const std::string& Bundle::path(std::string_view id) {
  const rapidjson::Pointer pointer("/linux/cgroupsPath");
  const bool add = own_cgroups_path_ && config_.HasMember("linux") && config_["linux"].IsObject() &&
                   pointer.Get(config_) == nullptr;
  if (add) pointer.Set(config_, cgroups_path(id).c_str());
  write_file(file("config.json"), raw_.empty() ? text() : raw_);
  if (add) pointer.Erase(config_);
  return directory_;
}

}  // namespace tests
