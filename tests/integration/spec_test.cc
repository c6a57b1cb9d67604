// spec and features: what the runtime says about bundles and itself, held against the
// specification's own JSON schemas.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

bool can_validate() {
  return source_file("data/oci-schema/config-schema.json") != "" &&
         run_command({"/usr/bin/python3", "-c", "import jsonschema"}).ok();
}

/// The validator's complaints about `json`; "" if it is valid.
std::string complaints(const std::string& schema, const std::string& json) {
  const std::string file = environment().scratch + "/document.json";
  write_file(file, json);
  const Output output =
      run_command({"/usr/bin/python3", source_file("integration/support/validate_schema.py"),
                   source_file("data/oci-schema/" + schema + "-schema.json"), file});
  return output.ok() ? "" : output.out + output.err;
}

std::string make_spec(const Bundle& bundle, const Words& flags = {}) {
  Words words{"spec"};
  words.insert(words.end(), flags.begin(), flags.end());
  CommandOptions options;
  options.cwd = bundle.directory();
  const Output output = runtime(words, options);
  INFO(output.err);
  REQUIRE(output.ok());
  return read_file(bundle.file("config.json"));
}

TEST_CASE("spec writes the default config.json", "[spec]") {
  Bundle bundle;
  const std::string text = make_spec(bundle);
  const Json config = parse_json(text);
  REQUIRE(config.IsObject());
  CHECK(json_at(config, "/process/args") == R"(["sh"])");
  CHECK(json_at(config, "/process/terminal") == "true");
  CHECK(json_at(config, "/process/noNewPrivileges") == "true");
  CHECK(string_at(config, "/process/cwd") == "/");
  CHECK_THAT(json_at(config, "/process/env"), Catch::Contains("TERM=xterm"));
  const Json rlimits = parse_json(json_at(config, "/process/rlimits"));
  CHECK(json_at(rlimits, "/0/type") == "\"RLIMIT_NOFILE\"");
  CHECK(json_at(rlimits, "/0/hard") == "1024");
  CHECK(json_at(rlimits, "/0/soft") == "1024");
  for (const char* set : {"bounding", "permitted", "effective"})
    CHECK(json_at(config, ("/process/capabilities/" + std::string(set)).c_str()) ==
          R"(["CAP_AUDIT_WRITE","CAP_KILL","CAP_NET_BIND_SERVICE"])");
  CHECK(string_at(config, "/root/path") == "rootfs");
  CHECK(json_at(config, "/root/readonly") == "true");
  Words destinations;
  for (const auto& mount : config["mounts"].GetArray())
    destinations.push_back(mount["destination"].GetString());
  CHECK(destinations ==
        Words{"/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"});
  CHECK_THAT(json_at(config, "/linux/namespaces"),
             Catch::Contains("pid") && Catch::Contains("network") && Catch::Contains("ipc") &&
                 Catch::Contains("uts") && Catch::Contains("mount"));
  CHECK(contains(json_at(config, "/linux/namespaces"), "cgroup") ==
        (environment().layout == CgroupLayout::V2));
  CHECK_THAT(json_at(config, "/linux/maskedPaths"), Catch::Contains("/proc/kcore"));
  CHECK_THAT(json_at(config, "/linux/readonlyPaths"), Catch::Contains("/proc/sysrq-trigger"));
  CHECK(json_at(config, "/linux/resources/devices/0/allow") == "false");
  if (testing(Program::Skiff)) CHECK(text.back() == '\n');
}

TEST_CASE("spec never overwrites a config.json", "[spec]") {
  Bundle bundle;
  write_file(bundle.file("config.json"), "mine");
  const Output output = runtime({"spec", "--bundle", bundle.directory()});
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("config.json") && Catch::Contains("exists"));
  CHECK(read_file(bundle.file("config.json")) == "mine");

  ::unlink(bundle.file("config.json").c_str());
  REQUIRE(::symlink("/nonexistent/dangling", bundle.file("config.json").c_str()) == 0);
  CHECK(runtime({"spec", "--bundle", bundle.directory()}).status == 1);
}

TEST_CASE("spec --bundle writes into that directory", "[spec]") {
  Bundle bundle;
  CHECK(runtime({"spec", "-b", bundle.directory()}).ok());
  CHECK(parse_json(read_file(bundle.file("config.json"))).IsObject());
  CHECK(runtime({"spec", "--bundle", "/nonexistent/dir"}).status == 1);
}

TEST_CASE("what spec writes runs", "[spec]") {
  DIFFERS(Crun, "cannot filter devices without CAP_SYS_RESOURCE");
  Bundle bundle;
  make_spec(bundle);
  Json config = parse_json(read_file(bundle.file("config.json")));
  config["process"]["terminal"].SetBool(false);
  bundle.raw(json_at(config, ""));
  Container container(bundle);
  CommandOptions options;
  options.input = "echo pid $$; hostname; touch /file; grep CapEff /proc/self/status\n";
  const Output output = container.run({}, options);
  INFO(output.err);
  CHECK_THAT(output.out, Catch::Contains("pid 1\n") && Catch::Contains("0000000020000420"));
  CHECK_THAT(output.err, Catch::Contains("Read-only file system"));
}

TEST_CASE("spec --rootless maps the caller to root and asks for nothing privileged", "[spec]") {
  DIFFERS(Crun, "leaves the mappings out");
  Bundle bundle;
  make_spec(bundle, {"--rootless"});
  const Json config = parse_json(read_file(bundle.file("config.json")));
  REQUIRE(config.IsObject());
  CHECK(json_at(config, "/linux/uidMappings") == R"([{"containerID":0,"hostID":0,"size":1}])");
  CHECK(json_at(config, "/linux/gidMappings") == R"([{"containerID":0,"hostID":0,"size":1}])");
  CHECK_THAT(json_at(config, "/linux/namespaces"),
             Catch::Contains("user") && !Catch::Contains("network"));
  CHECK(json_at(config, "/linux/resources") == "");
  for (const auto& mount : config["mounts"].GetArray()) {
    if (!mount.HasMember("options")) continue;
    for (const auto& option : mount["options"].GetArray())
      CHECK_THAT(option.GetString(), !Catch::StartsWith("gid="));
  }
}

TEST_CASE("spec --rootless of an ordinary user maps that user", "[spec]") {
  SKIFF_ONLY("is run as another user here");
  Bundle bundle;
  REQUIRE(::chown(bundle.directory().c_str(), 1000, 1000) == 0);
  CommandOptions user;
  user.cwd = bundle.directory();
  const Output spec = runtime_as_user({"spec", "--rootless"}, user);
  INFO(spec.err);
  REQUIRE(spec.ok());
  const Json config = parse_json(read_file(bundle.file("config.json")));
  REQUIRE(config.IsObject());
  CHECK(json_at(config, "/linux/uidMappings") == R"([{"containerID":0,"hostID":1000,"size":1}])");
}

TEST_CASE("what spec --rootless writes runs", "[spec]") {
  DIFFERS(Crun, "1.8.1 cannot bind the host's /sys here");
  Bundle bundle;
  make_spec(bundle, {"--rootless"});
  Json config = parse_json(read_file(bundle.file("config.json")));
  config["process"]["terminal"].SetBool(false);
  bundle.raw(json_at(config, ""));
  Container container(bundle);
  CommandOptions options;
  options.input = "id -u; cat /proc/self/uid_map; hostname\n";
  const Output output = container.run({}, options);
  INFO(output.err);
  CHECK(output.ok());
  CHECK_THAT(output.out, Catch::StartsWith("0\n"));
  CHECK(lines(output.out).size() == 3);
}

TEST_CASE("what spec writes is valid by the specification's schema", "[spec]") {
  NEEDS(can_validate(), "python3-jsonschema or the schemas are missing");
  for (const Words& flags : {Words{}, Words{"--rootless"}}) {
    Bundle bundle;
    CHECK(complaints("config", make_spec(bundle, flags)) == "");
  }
}

TEST_CASE("the tests' own base configuration is valid by the schema", "[spec]") {
  NEEDS(can_validate(), "python3-jsonschema or the schemas are missing");
  CHECK(complaints("config", Bundle().text()) == "");
}

/// Each is tried in mount_options_test.cc or idmap_test.cc.
const std::vector<std::string> kMountOptions = {
    "async",         "atime",        "bind",       "copy-symlink",  "defaults",
    "dest-nofollow", "dev",          "diratime",   "dirsync",       "exec",
    "idmap",         "iversion",     "lazytime",   "loud",          "mand",
    "noatime",       "nodev",        "nodiratime", "noexec",        "noiversion",
    "nolazytime",    "nomand",       "norelatime", "nostrictatime", "nosuid",
    "nosymfollow",   "private",      "rasync",     "ratime",        "rbind",
    "rdev",          "rdiratime",    "rdirsync",   "relatime",      "remount",
    "rexec",         "ridmap",       "rmand",      "rnoatime",      "rnodev",
    "rnodiratime",   "rnoexec",      "rnomand",    "rnorelatime",   "rnostrictatime",
    "rnosuid",       "rnosymfollow", "ro",         "rprivate",      "rrelatime",
    "rro",           "rrw",          "rshared",    "rslave",        "rstrictatime",
    "rsuid",         "rsymfollow",   "rsync",      "runbindable",   "rw",
    "shared",        "silent",       "slave",      "src-nofollow",  "strictatime",
    "suid",          "symfollow",    "sync",       "tmpcopyup",     "unbindable"};

TEST_CASE("features is valid by the schema and tells the truth", "[features]") {
  DIFFERS(Runc, "1.1.5 is older than the schema");
  DIFFERS(Crun, "1.8.1 is older than the schema");
  const Output output = runtime({"features"});
  REQUIRE(output.ok());
  if (can_validate()) CHECK(complaints("features", output.out) == "");
  const Json features = parse_json(output.out);
  REQUIRE(features.IsObject());
  CHECK(string_at(features, "/ociVersionMin") == "1.0.0");
  CHECK_THAT(string_at(features, "/ociVersionMax"), Catch::StartsWith("1."));
  CHECK(features["hooks"].Size() == 6);
  CHECK(json_at(features, "/linux/namespaces") ==
        R"(["cgroup","ipc","mount","network","pid","time","user","uts"])");
  CHECK(json_at(features, "/mountOptions") == json_list(kMountOptions));
  CHECK(json_at(features, "/linux/mountExtensions/idmap/enabled") == "true");
  CHECK_THAT(json_at(features, "/linux/capabilities"), Catch::Contains("CAP_SYS_ADMIN"));
  CHECK(json_at(features, "/linux/cgroup/v1") == "true");
  CHECK(json_at(features, "/linux/cgroup/v2") == "true");
  CHECK(json_at(features, "/linux/seccomp/enabled") == "true");
  CHECK_THAT(json_at(features, "/linux/seccomp/actions"),
             Catch::Contains("SCMP_ACT_ERRNO") && Catch::Contains("SCMP_ACT_LOG"));
  CHECK_THAT(json_at(features, "/linux/seccomp/archs"), Catch::Contains("SCMP_ARCH_X86_64"));
}

TEST_CASE("state is valid by the schema in every status", "[state]") {
  NEEDS(can_validate(), "python3-jsonschema or the schemas are missing");
  Bundle bundle;
  bundle.sh("sleep 100").set("/annotations", R"({"a": "b"})");
  Container container(bundle);
  REQUIRE(container.create().ok());
  CHECK(complaints("state", container.call("state").out) == "");
  REQUIRE(container.start().ok());
  CHECK(complaints("state", container.call("state").out) == "");
  REQUIRE(container.kill({"KILL"}).ok());
  REQUIRE(container.becomes("stopped"));
  CHECK(complaints("state", container.call("state").out) == "");
}

}  // namespace
}  // namespace tests
