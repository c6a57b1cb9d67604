// features: what is listed there can be asked for, and what can be asked for is listed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

Json features() {
  const Output output = runtime({"features"});
  REQUIRE(output.ok());
  return parse_json(output.out);
}

Words strings(const Json& json, const char* pointer) {
  Words found;
  const Json list = parse_json(json_at(json, pointer));
  REQUIRE(list.IsArray());
  for (const auto& each : list.GetArray()) found.emplace_back(each.GetString());
  return found;
}

/// The errors and the names that `validate` does not know; "" for a configuration without any.
std::string objections(Bundle& bundle) {
  const Output output = runtime({"validate", "--no-host", bundle.path("listed")});
  std::string found = output.err;
  for (const std::string& line : lines(output.out))
    if (line.starts_with("error: ") || contains(line, "unknown")) found += line + "\n";
  return found;
}

/// A bundle in which everything can be asked for that needs a user namespace or a time namespace.
void give_namespaces(Bundle& bundle) { bundle.user_namespace().ns("cgroup").ns("time"); }

void check_mount_option(const std::string& option) {
  Bundle bundle;
  give_namespaces(bundle);
  // On a bind mount there are no options of the file system that a name could be taken for.
  const bool is_for_tmpfs = option == "tmpcopyup";
  const bool needs_mount = option == "remount";
  bundle.mount("/mnt", is_for_tmpfs ? "tmpfs" : "bind", is_for_tmpfs ? "tmpfs" : "/",
               needs_mount    ? "bind,ro"
               : is_for_tmpfs ? option
                              : "rbind," + option);
  if (needs_mount) bundle.mount("/mnt", "bind", "", "remount,bind,ro");
  CHECK(objections(bundle) == "");
}

void check_seccomp(const std::string& list, const std::string& profile) {
  Bundle bundle;
  bundle.set("/linux/seccomp", profile);
  INFO(list << ": " << profile);
  CHECK(objections(bundle) == "");
}

TEST_CASE("what features lists is accepted in a configuration", "[features]") {
  SKIFF_ONLY("has validate");
  const Json json = features();

  SECTION("versions") {
    for (const char* bound : {"/ociVersionMin", "/ociVersionMax"}) {
      Bundle bundle;
      bundle.set("/ociVersion", json_at(json, bound));
      CHECK(objections(bundle) == "");
    }
    CHECK(string_at(json, "/ociVersionMin") <= string_at(json, "/ociVersionMax"));
  }
  SECTION("hooks") {
    CHECK(strings(json, "/hooks") == Words{"prestart", "createRuntime", "createContainer",
                                           "startContainer", "poststart", "poststop"});
    Bundle bundle;
    for (const std::string& hook : strings(json, "/hooks"))
      bundle.set(("/hooks/" + hook).c_str(), R"([{"path": "/bin/true"}])");
    CHECK(objections(bundle) == "");
  }
  SECTION("mount options") {
    for (const std::string& option : strings(json, "/mountOptions")) {
      INFO(option);
      check_mount_option(option);
    }
  }
  SECTION("namespaces") {
    Bundle bundle;
    give_namespaces(bundle);
    for (const std::string& type : strings(json, "/linux/namespaces")) bundle.ns(type);
    CHECK(strings(json, "/linux/namespaces").size() == 8);
    CHECK(objections(bundle) == "");
  }
  SECTION("capabilities") {
    Bundle bundle;
    const std::string all = json_at(json, "/linux/capabilities");
    for (const char* set : {"bounding", "effective", "permitted", "inheritable", "ambient"})
      bundle.set((std::string("/process/capabilities/") + set).c_str(), all);
    CHECK(objections(bundle) == "");
  }
  SECTION("memory policies") {
    for (const std::string& mode : strings(json, "/linux/memoryPolicy/modes")) {
      const bool has_nodes = mode != "MPOL_DEFAULT" && mode != "MPOL_LOCAL";
      Bundle bundle;
      bundle.set("/linux/memoryPolicy",
                 "{\"mode\": " + quote(mode) + (has_nodes ? ", \"nodes\": \"0\"}" : "}"));
      INFO(mode);
      CHECK(objections(bundle) == "");
    }
    for (const std::string& flag : strings(json, "/linux/memoryPolicy/flags")) {
      Bundle bundle;
      bundle.set("/linux/memoryPolicy",
                 R"({"mode": "MPOL_BIND", "nodes": "0", "flags": [)" + quote(flag) + "]}");
      INFO(flag);
      CHECK(objections(bundle) == "");
    }
  }
}

TEST_CASE("what features lists of seccomp is accepted in a configuration", "[features][seccomp]") {
  SKIFF_ONLY("has validate");
  const Json json = features();
  const Words actions = strings(json, "/linux/seccomp/actions");
  const bool notifies =
      std::find(actions.begin(), actions.end(), "SCMP_ACT_NOTIFY") != actions.end();
  const std::string action = quote(notifies ? "SCMP_ACT_NOTIFY" : "SCMP_ACT_ERRNO");
  const std::string rule = std::string(R"({"defaultAction": "SCMP_ACT_ALLOW", )") +
                           (notifies ? R"("listenerPath": "/run/agent", )" : "") +
                           R"("syscalls": [{"names": ["kill"], "action": )";
  for (const std::string& each : actions) check_seccomp("action", rule + quote(each) + "}]}");
  for (const std::string& op : strings(json, "/linux/seccomp/operators"))
    check_seccomp("operator", rule + action + R"(, "args": [{"index": 1, "value": 8, "op": )" +
                                  quote(op) + "}]}]}");
  for (const std::string& arch : strings(json, "/linux/seccomp/archs"))
    check_seccomp("architecture",
                  R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": [)" + quote(arch) + "]}");
  for (const char* list : {"/linux/seccomp/knownFlags", "/linux/seccomp/supportedFlags"})
    for (const std::string& flag : strings(json, list))
      check_seccomp("flag", rule + action + R"(}], "flags": [)" + quote(flag) + "]}");
}

void collect_keys(const rapidjson::Value& json, const std::string& path,
                  std::set<std::string>& keys) {
  for (const auto& member : json.GetObject()) {
    const std::string below = path + member.name.GetString();
    keys.insert(below);
    if (member.value.IsObject() && below != "annotations")
      collect_keys(member.value, below + ".", keys);
  }
}

TEST_CASE("features has the properties of the specification and no others", "[features]") {
  SKIFF_ONLY("follows version 1.3");
  const Json json = features();
  std::set<std::string> keys;
  collect_keys(json, "", keys);
  CHECK(keys == std::set<std::string>{"ociVersionMin",
                                      "ociVersionMax",
                                      "hooks",
                                      "mountOptions",
                                      "annotations",
                                      "potentiallyUnsafeConfigAnnotations",
                                      "linux",
                                      "linux.namespaces",
                                      "linux.capabilities",
                                      "linux.cgroup",
                                      "linux.cgroup.v1",
                                      "linux.cgroup.v2",
                                      "linux.cgroup.systemd",
                                      "linux.cgroup.systemdUser",
                                      "linux.cgroup.rdma",
                                      "linux.seccomp",
                                      "linux.seccomp.enabled",
                                      "linux.seccomp.actions",
                                      "linux.seccomp.operators",
                                      "linux.seccomp.archs",
                                      "linux.seccomp.knownFlags",
                                      "linux.seccomp.supportedFlags",
                                      "linux.apparmor",
                                      "linux.apparmor.enabled",
                                      "linux.selinux",
                                      "linux.selinux.enabled",
                                      "linux.intelRdt",
                                      "linux.intelRdt.enabled",
                                      "linux.intelRdt.schemata",
                                      "linux.intelRdt.monitoring",
                                      "linux.memoryPolicy",
                                      "linux.memoryPolicy.modes",
                                      "linux.memoryPolicy.flags",
                                      "linux.mountExtensions",
                                      "linux.mountExtensions.idmap",
                                      "linux.mountExtensions.idmap.enabled",
                                      "linux.netDevices",
                                      "linux.netDevices.enabled"});
  for (const char* flag :
       {"/linux/cgroup/v1", "/linux/cgroup/v2", "/linux/cgroup/rdma", "/linux/seccomp/enabled",
        "/linux/apparmor/enabled", "/linux/selinux/enabled", "/linux/intelRdt/enabled",
        "/linux/intelRdt/schemata", "/linux/intelRdt/monitoring", "/linux/netDevices/enabled",
        "/linux/mountExtensions/idmap/enabled"}) {
    INFO(flag);
    CHECK(json_at(json, flag) == "true");
  }
  for (const auto& annotation : json["annotations"].GetObject()) {
    CHECK(annotation.name.GetStringLength() > 0);
    CHECK(annotation.value.IsString());
  }
}

TEST_CASE("features names the annotations that change what skiff does", "[features]") {
  SKIFF_ONLY("follows version 1.3");
  // A final dot makes a prefix of it.
  CHECK(json_at(features(), "/potentiallyUnsafeConfigAnnotations") ==
        R"(["org.systemd.property.","run.oci."])");
}

}  // namespace
}  // namespace tests
