#include <catch2/catch.hpp>

#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

std::string device(const std::string& members) {
  return with_linux("\"devices\": [{" + members + "}]");
}

Device device_of(const std::string& members) {
  return decoded(device(members)).linux.devices.at(0);
}

std::string mount(const std::string& members) {
  return with_top(R"("mounts": [{"destination": "/data", )" + members + "}]");
}

const std::string kMapping = R"([{"containerID": 0, "hostID": 1000, "size": 10}])";

}  // namespace

TEST_CASE("devices of all types decode", "[spec]") {
  const Device fuse = device_of(R"("path": "/dev/fuse", "type": "c", "major": 10, "minor": 229,
                                   "fileMode": 438, "uid": 7, "gid": 8)");
  CHECK(fuse.path == "/dev/fuse");
  CHECK(fuse.type == 'c');
  CHECK(fuse.major == 10);
  CHECK(fuse.minor == 229);
  CHECK(fuse.file_mode == 0666u);
  CHECK(fuse.uid == 7u);
  CHECK(fuse.gid == 8u);

  CHECK(device_of(R"("path": "/dev/a", "type": "u", "major": 1, "minor": 3)").type == 'c');
  CHECK(device_of(R"("path": "/dev/a", "type": "b", "major": 4095, "minor": 1048575)").type == 'b');
  const Device pipe = device_of(R"("path": "/pipe", "type": "p")");
  CHECK(pipe.type == 'p');
  CHECK_FALSE(pipe.file_mode);
  CHECK_FALSE(pipe.uid);
  CHECK_FALSE(pipe.gid);
}

TEST_CASE("the file type within a device's mode is left out", "[spec]") {
  CHECK(device_of(R"("path": "/a", "type": "c", "major": 1, "minor": 3, "fileMode": 8630)")
            .file_mode == 0666u);
  CHECK(refusal(device(R"("path": "/a", "type": "b", "major": 1, "minor": 3, "fileMode": 8630)")) ==
        "linux.devices[0].fileMode: 8630 is no mode of such a device");
}

TEST_CASE("a device that says too little or something wrong is refused", "[spec]") {
  const BadMembers table[] = {
      {R"("type": "c", "major": 1, "minor": 3)", "path: missing"},
      {R"("path": "dev/x", "type": "c", "major": 1, "minor": 3)",
       "path: \"dev/x\" is not an absolute path"},
      {R"("path": "/x", "major": 1, "minor": 3)", "type: missing"},
      {R"("path": "/x", "type": "a", "major": 1, "minor": 3)",
       "type: unknown \"a\" (hint: c, b, u or p)"},
      {R"("path": "/x", "type": "c", "minor": 3)", "major: missing"},
      {R"("path": "/x", "type": "b", "major": 1)", "minor: missing"},
      {R"("path": "/x", "type": "c", "major": 4096, "minor": 3)",
       "major: 4096 is not between 0 and 4095"},
      {R"("path": "/x", "type": "c", "major": 1, "minor": -1)",
       "minor: -1 is not between 0 and 1048575"},
      {R"("path": "/x", "type": "p", "fileMode": 65536)",
       "fileMode: 65536 is no mode of such a device"},
      {R"("path": "/x", "type": "p", "fileMode": "0666")",
       "fileMode: expected unsigned integer, found string"},
      {R"("path": "/x", "type": "p", "uid": -1)",
       "uid: expected unsigned integer, found negative integer"},
  };
  for (const BadMembers& row : table) {
    CAPTURE(row.members);
    CHECK(refusal(device(row.members)) == "linux.devices[0]." + row.error);
  }
}

TEST_CASE("one path cannot be two devices", "[spec]") {
  const std::string first = R"({"path": "/dev/x", "type": "c", "major": 1, "minor": 3})";
  const std::string second = R"({"path": "/dev/x", "type": "c", "major": 1, "minor": 5})";
  CHECK(refusal(with_linux("\"devices\": [" + first + "," + second + "]")) ==
        "linux.devices[1].path: \"/dev/x\" is another device in linux.devices[0]");
  CHECK(decoded(with_linux("\"devices\": [" + first + "," + first + "]")).linux.devices.size() ==
        2);
}

TEST_CASE("a mount's id mappings decode, both or none", "[spec]") {
  const Spec spec =
      decoded(mount("\"uidMappings\": " + kMapping + ", \"gidMappings\": " + kMapping));
  CHECK(spec.mounts.at(0).uid_mappings.at(0).host_id == 1000);
  CHECK(spec.mounts.at(0).gid_mappings.at(0).size == 10);
  CHECK(refusal(mount("\"uidMappings\": " + kMapping)) ==
        "mounts[0].gidMappings: missing, uidMappings are given");
  CHECK(refusal(mount("\"gidMappings\": " + kMapping)) ==
        "mounts[0].uidMappings: missing, gidMappings are given");
  CHECK(refusal(mount(R"("uidMappings": [{"containerID": 0, "hostID": 0, "size": 0}])")) ==
        "mounts[0].uidMappings[0].size: 0 maps nothing");
}

TEST_CASE("an id mapping that comes from nowhere or twice is refused", "[spec]") {
  CHECK(refusal(mount(R"("options": ["bind", "idmap"])")) ==
        "mounts[0].options: idmap needs uidMappings and gidMappings or a user namespace");
  CHECK(refusal(mount(R"("options": ["bind", "ridmap=uids=0-1-1"])")) ==
        "mounts[0].options: ridmap needs uidMappings and gidMappings or a user namespace");
  CHECK(refusal(mount(R"("options": ["bind", "idmap=uids=@0-1-1;gids=0-1-1"])")) ==
        "mounts[0].options: idmap needs uidMappings and gidMappings or a user namespace");
  CHECK(refusal(mount(R"("options": ["bind", "idmap=uids=0-1-1"], "uidMappings": )" + kMapping +
                      ", \"gidMappings\": " + kMapping)) ==
        "mounts[0].options: an id mapping here, and another in uidMappings");
  CHECK(refusal(mount(R"("type": "cgroup", "options": ["idmap=uids=0-1-1;gids=0-1-1"])")) ==
        "mounts[0].options: type cgroup cannot be id-mapped");
  CHECK(refusal(mount(R"("options": ["remount", "idmap=uids=0-1-1;gids=0-1-1"])")) ==
        "mounts[0].options: a mount that exists cannot be id-mapped");
  decoded(mount(R"("type": "bind", "options": ["idmap=uids=0-1-1;gids=0-1-1"])"));
}

TEST_CASE("options that mean nothing to their mount are refused", "[spec]") {
  const BadMembers table[] = {
      {R"("options": ["bind", "size=1k"])", "\"size=1k\" means nothing to a bind mount"},
      {R"("type": "cgroup", "options": ["nsdelegate", "ro"])",
       "\"nsdelegate\" means nothing to type cgroup"},
      {R"("type": "bind", "options": ["tmpcopyup"])",
       "\"tmpcopyup\" means nothing without type tmpfs"},
      {R"("type": "ramfs", "options": ["tmpcopyup"])",
       "\"tmpcopyup\" means nothing without type tmpfs"},
      {R"("type": "tmpfs", "options": ["copy-symlink"])",
       "\"copy-symlink\" means nothing without a bind mount"},
      {R"("type": "tmpfs", "options": ["src-nofollow"])",
       "\"src-nofollow\" means nothing without a bind mount"},
      {R"("type": "tmpfs", "options": ["dest-nofollow"])",
       "\"dest-nofollow\" means nothing without a bind mount"},
  };
  for (const BadMembers& row : table) {
    CAPTURE(row.members);
    CHECK(refusal(mount(row.members)) == "mounts[0].options: " + row.error);
  }
}

TEST_CASE("mountLabel and its kind are words", "[spec]") {
  const std::string label = R"("mountLabel": "system_u:object_r:container_file_t:s0:c1,c2")";
  CHECK(decoded(with_linux(label)).linux.mount_label ==
        "system_u:object_r:container_file_t:s0:c1,c2");
  CHECK(refusal(with_linux(R"("mountLabel": "a\",mode=0")")) ==
        "linux.mountLabel: \"a\\\",mode=0\" is not a SELinux context");
  CHECK(refusal(with_top(R"("annotations": {"run.oci.mount_context_type": "other"})")) ==
        "annotations.run.oci.mount_context_type: unknown \"other\" "
        "(hint: context, fscontext, defcontext or rootcontext)");
  decoded(with_top(R"("annotations": {"run.oci.mount_context_type": "rootcontext"})"));
}
