#include <catch2/catch.hpp>

#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

Linux linux_of(const std::string& members) { return decoded(with_linux(members)).linux; }

std::string refusal_of(const std::string& members) { return refusal(with_linux(members)); }

const std::string kUserNamespace = R"("namespaces": [{"type": "mount"}, {"type": "user"}], )";

}  // namespace

TEST_CASE("namespaces of all eight types decode, new or by path", "[spec]") {
  const Linux config = linux_of(R"("namespaces": [
    {"type": "mount"}, {"type": "pid"}, {"type": "network", "path": "/run/netns/a"},
    {"type": "ipc", "path": ""}, {"type": "uts"}, {"type": "user"}, {"type": "cgroup"}, {"type": "time"}],
    "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
    "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}])");
  using Type = NamespaceType;
  const Type types[] = {Type::Mount, Type::Pid,  Type::Network, Type::Ipc,
                        Type::Uts,   Type::User, Type::Cgroup,  Type::Time};
  REQUIRE(config.namespaces.size() == std::size(types));
  for (size_t i = 0; i < std::size(types); ++i) {
    CHECK(config.namespaces[i].type == types[i]);
    CHECK(config.namespaces[i].path == (types[i] == Type::Network ? "/run/netns/a" : ""));
  }
}

TEST_CASE("id mappings decode", "[spec]") {
  const Linux config = linux_of(kUserNamespace + R"(
    "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1},
                    {"containerID": 1, "hostID": 100000, "size": 65535}],
    "gidMappings": [{"containerID": 0, "hostID": 0, "size": 4294967295}])");
  REQUIRE(config.uid_mappings.size() == 2);
  CHECK(config.uid_mappings[1].container_id == 1);
  CHECK(config.uid_mappings[1].host_id == 100000);
  CHECK(config.uid_mappings[1].size == 65535);
  CHECK(config.gid_mappings.at(0).size == 4294967295);
}

TEST_CASE("the rest of linux decodes", "[spec]") {
  const Linux config = linux_of(R"(
    "namespaces": [{"type": "mount"}, {"type": "network"}],
    "cgroupsPath": "/pod/a", "rootfsPropagation": "rslave",
    "sysctl": {"net.core.somaxconn": "256"},
    "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys", "/proc/bus"])");
  CHECK(config.cgroups_path == "/pod/a");
  CHECK(config.rootfs_propagation == "rslave");
  CHECK(config.sysctl == StringMap{{"net.core.somaxconn", "256"}});
  CHECK(config.masked_paths == std::vector<std::string>{"/proc/kcore"});
  CHECK(config.readonly_paths.size() == 2);
  for (const std::string word : {"", "private", "rprivate", "shared", "rshared", "slave", "rslave",
                                 "unbindable", "runbindable"})
    CHECK(linux_of("\"rootfsPropagation\": \"" + word + "\"").rootfs_propagation == word);
}

TEST_CASE("every member of linux has its type and range", "[spec]") {
  const BadMembers table[] = {
      {R"("namespaces": {})", "namespaces: expected array, found object"},
      {R"("namespaces": ["pid"])", "namespaces[0]: expected object, found string"},
      {R"("namespaces": [{}])", "namespaces[0].type: missing"},
      {R"("namespaces": [{"type": 1}])",
       "namespaces[0].type: expected string, found unsigned integer"},
      {R"("namespaces": [{"type": "net"}])", "namespaces[0].type: unknown \"net\""},
      {R"("namespaces": [{"type": "pid", "path": 1}])",
       "namespaces[0].path: expected string, found unsigned integer"},
      {R"("namespaces": [{"type": "pid", "path": "proc/1/ns/pid"}])",
       "namespaces[0].path: \"proc/1/ns/pid\" is not an absolute path"},
      {R"("namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "ipc"}, {"type": "pid"}])",
       "namespaces[3]: duplicate \"pid\""},
      {R"("uidMappings": {})", "uidMappings: expected array, found object"},
      {R"("uidMappings": [1])", "uidMappings[0]: expected object, found unsigned integer"},
      {R"("uidMappings": [{"hostID": 0, "size": 1}])", "uidMappings[0].containerID: missing"},
      {R"("uidMappings": [{"containerID": 0, "size": 1}])", "uidMappings[0].hostID: missing"},
      {R"("gidMappings": [{"containerID": 0, "hostID": 0}])", "gidMappings[0].size: missing"},
      {R"("gidMappings": [{"containerID": "0", "hostID": 0, "size": 1}])",
       "gidMappings[0].containerID: expected unsigned integer, found string"},
      {R"("gidMappings": [{"containerID": 0, "hostID": -1, "size": 1}])",
       "gidMappings[0].hostID: expected unsigned integer, found negative integer"},
      {R"("gidMappings": [{"containerID": 0, "hostID": 0, "size": 4294967296}])",
       "gidMappings[0].size: 4294967296 is out of range, at most 4294967295"},
      {R"("gidMappings": [{"containerID": 0, "hostID": 0, "size": 0}])",
       "gidMappings[0].size: 0 maps nothing"},
      {R"("uidMappings": [{"containerID": 1, "hostID": 0, "size": 4294967295}])",
       "uidMappings[0]: ids beyond 4294967294"},
      {R"("uidMappings": [{"containerID": 0, "hostID": 4294967290, "size": 6}])",
       "uidMappings[0]: ids beyond 4294967294"},
      {R"("uidMappings": [{"containerID": 0, "hostID": 0, "size": 10},
                          {"containerID": 20, "hostID": 20, "size": 10},
                          {"containerID": 9, "hostID": 100, "size": 1}])",
       "uidMappings[2]: containerID range overlaps linux.uidMappings[0]"},
      {R"("gidMappings": [{"containerID": 0, "hostID": 100, "size": 10},
                          {"containerID": 10, "hostID": 95, "size": 6}])",
       "gidMappings[1]: hostID range overlaps linux.gidMappings[0]"},
      {R"("cgroupsPath": 1)", "cgroupsPath: expected string, found unsigned integer"},
      {R"("resources": [])", "resources: expected object, found array"},
      {R"("rootfsPropagation": true)", "rootfsPropagation: expected string, found boolean"},
      {R"("rootfsPropagation": "Shared")", "rootfsPropagation: unknown \"Shared\""},
      {R"("sysctl": [])", "sysctl: expected object, found array"},
      {R"("sysctl": {"net.x": 1})", "sysctl.net.x: expected string, found unsigned integer"},
      {R"("maskedPaths": "/proc")", "maskedPaths: expected array, found string"},
      {R"("maskedPaths": ["/a", "b"])", "maskedPaths[1]: \"b\" is not an absolute path"},
      {R"("readonlyPaths": [1])", "readonlyPaths[0]: expected string, found unsigned integer"},
      {R"("readonlyPaths": [""])", "readonlyPaths[0]: \"\" is not an absolute path"},
      {R"("seccomp": "default")", "seccomp: expected object, found string"},
  };
  for (const BadMembers& row : table) CHECK(refusal_of(row.members) == "linux." + row.error);
}

TEST_CASE("neighbouring id ranges do not overlap", "[spec]") {
  const Linux config = linux_of(kUserNamespace + R"(
    "uidMappings": [{"containerID": 10, "hostID": 0, "size": 10}, {"containerID": 0, "hostID": 10, "size": 10},
                    {"containerID": 20, "hostID": 20, "size": 1}],
    "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}])");
  CHECK(config.uid_mappings.size() == 3);
}

TEST_CASE("more mappings than the kernel takes are refused", "[spec]") {
  std::string entries;
  for (int i = 0; i < 341; ++i)
    entries +=
        fmt::format(R"({}{{"containerID": {}, "hostID": {}, "size": 1}})", i ? "," : "", i, i);
  CHECK(refusal_of("\"gidMappings\": [" + entries + "]") ==
        "linux.gidMappings: 341 entries, the kernel takes 340");
}
