#include "src/spec/decode.h"

#include <catch2/catch.hpp>

#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

TEST_CASE("the smallest configuration decodes", "[spec]") {
  const Spec spec = decoded(with_top(""));
  CHECK(spec.oci_version == "1.0.0");
  CHECK(spec.root.path == "rootfs");
  CHECK_FALSE(spec.root.readonly);
  CHECK_FALSE(spec.process);
  CHECK(spec.mounts.empty());
  CHECK(spec.hostname.empty());
  CHECK(spec.linux.namespaces.size() == 1);
  CHECK_FALSE(spec.linux.resources);
  CHECK_FALSE(spec.linux.seccomp);
}

TEST_CASE("ociVersion is a version of the first major", "[spec]") {
  for (const std::string version : {"1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.2.1", "1.3.0+git.007",
                                    "1.10.0-x-y.1a.0+b", "1.99.0"}) {
    CAPTURE(version);
    CHECK(decoded(with_top("\"ociVersion\": \"" + version + "\"")).oci_version == version);
  }
  for (const std::string version :
       {"", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.00.0", "1.0.x", "1.0.0-", "1.0.0-01",
        "1.0.0-a..b", "1.0.0+", "1.0.0+a_b", " 1.0.0", "1..0"}) {
    CAPTURE(version);
    CHECK(refusal(with_top("\"ociVersion\": \"" + version + "\"")) ==
          "ociVersion: \"" + version + "\" is not a SemVer 2.0.0 version");
  }
  CHECK(refusal(with_top(R"("ociVersion": "2.0.0")")) ==
        "ociVersion: 2.0.0 is not supported, this is 1.3.0");
  CHECK(refusal(with_top(R"("ociVersion": "0.9.9")")) ==
        "ociVersion: 0.9.9 is not supported, this is 1.3.0");
}

TEST_CASE("required members are missed by their path", "[spec]") {
  CHECK(refusal("{}") == "ociVersion: missing");
  CHECK(refusal(R"({"ociVersion": "1.0.0"})") == "root: missing");
  CHECK(refusal(with_top(R"("root": {})")) == "root.path: missing");
  CHECK(refusal(with_top(R"("root": {"path": ""})")) == "root.path: empty");
  CHECK(refusal(with_top(R"("mounts": [{"destination": "/a"}, {}])")) ==
        "mounts[1].destination: missing");
  CHECK(refusal(with_top(R"("mounts": [{"destination": ""}])")) == "mounts[0].destination: empty");
  CHECK(refusal(with_top(R"("hooks": {"poststop": [{}]})")) == "hooks.poststop[0].path: missing");
}

TEST_CASE("every member of the top level has its type", "[spec]") {
  const BadMembers table[] = {
      {R"("ociVersion": 1)", "ociVersion: expected string, found unsigned integer"},
      {R"("root": "rootfs")", "root: expected object, found string"},
      {R"("root": {"path": []})", "root.path: expected string, found array"},
      {R"("root": {"path": "r", "readonly": 1})",
       "root.readonly: expected boolean, found unsigned integer"},
      {R"("mounts": {})", "mounts: expected array, found object"},
      {R"("mounts": ["/a"])", "mounts[0]: expected object, found string"},
      {R"("mounts": [{"destination": 1}])",
       "mounts[0].destination: expected string, found unsigned integer"},
      {R"("mounts": [{"destination": "/a", "type": true}])",
       "mounts[0].type: expected string, found boolean"},
      {R"("mounts": [{"destination": "/a", "source": {}}])",
       "mounts[0].source: expected string, found object"},
      {R"("mounts": [{"destination": "/a", "options": "ro"}])",
       "mounts[0].options: expected array, found string"},
      {R"("mounts": [{"destination": "/a", "options": ["ro", 7]}])",
       "mounts[0].options[1]: expected string, found unsigned integer"},
      {R"("process": [])", "process: expected object, found array"},
      {R"("hostname": 7)", "hostname: expected string, found unsigned integer"},
      {R"("domainname": [])", "domainname: expected string, found array"},
      {R"("annotations": [])", "annotations: expected object, found array"},
      {R"("annotations": {"a.b": 1})", "annotations.a.b: expected string, found unsigned integer"},
      {R"("linux": "yes")", "linux: expected object, found string"},
      {R"("hooks": [])", "hooks: expected object, found array"},
  };
  for (const BadMembers& row : table) CHECK(refusal(with_top(row.members)) == row.error);
}

TEST_CASE("what is known to the specification and not honoured is refused", "[spec]") {
  CHECK(refusal(with_top(R"("vm": {"kernel": {"path": "/k"}})")) ==
        "vm: this runtime starts no virtual machines");
  decoded(with_top(R"("vm": {}, "mounts": [{"destination": "/a", "uidMappings": []}])"));
}

TEST_CASE("other platforms' members and unknown ones are ignored", "[spec]") {
  decoded(with_top(R"("solaris": 1, "windows": {"x": 1}, "zos": [], "freebsd": {"jail": {}},
                      "org.example.later": {"depth": [1, {"a": null}]})"));
}

TEST_CASE("mounts keep their order and what was written", "[spec]") {
  // From a configuration that podman wrote.
  const Spec spec = decoded(with_top(R"("mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/etc/hosts", "type": "bind", "source": "bundle-files/hosts", "options": ["bind", "rprivate"]},
    {"destination": "relative/path"}
  ])"));
  REQUIRE(spec.mounts.size() == 4);
  CHECK(spec.mounts[0].type == "proc");
  CHECK(spec.mounts[1].options.back() == "gid=5");
  CHECK(spec.mounts[2].source == "bundle-files/hosts");
  CHECK(spec.mounts[3].destination == "/relative/path");  // config.md#mounts: relative to "/"
  CHECK(spec.mounts[3].type.empty());
}

TEST_CASE("hooks decode with arguments, environment and timeout", "[spec]") {
  const Spec spec = decoded(with_top(R"("hooks": {
    "prestart": [{"path": "/p", "args": ["p", "--x"], "env": ["A=1"], "timeout": 5}],
    "createRuntime": [{"path": "/cr"}], "createContainer": [{"path": "/cc"}],
    "startContainer": [{"path": "/sc"}], "poststart": [{"path": "/ps"}],
    "poststop": [{"path": "/po"}, {"path": "/po2"}]})"));
  REQUIRE(spec.hooks.prestart.size() == 1);
  CHECK(spec.hooks.prestart[0].args == std::vector<std::string>{"p", "--x"});
  CHECK(spec.hooks.prestart[0].env == std::vector<std::string>{"A=1"});
  CHECK(spec.hooks.prestart[0].timeout == 5);
  CHECK(spec.hooks.create_runtime.at(0).path == "/cr");
  CHECK_FALSE(spec.hooks.create_runtime.at(0).timeout);
  CHECK(spec.hooks.create_container.at(0).path == "/cc");
  CHECK(spec.hooks.start_container.at(0).path == "/sc");
  CHECK(spec.hooks.poststart.at(0).path == "/ps");
  CHECK(spec.hooks.poststop.at(1).path == "/po2");
}

TEST_CASE("a hook is refused with the path to what is wrong", "[spec]") {
  const BadMembers table[] = {
      {R"({"path": "bin/hook"})", ".path: \"bin/hook\" is not an absolute path"},
      {R"({"path": ""})", ".path: \"\" is not an absolute path"},
      {R"({"path": "/h", "timeout": 0})", ".timeout: 0 is out of range, at least 1"},
      {R"({"path": "/h", "timeout": -1})", ".timeout: -1 is out of range, at least 1"},
      {R"({"path": "/h", "timeout": "5"})", ".timeout: expected integer, found string"},
      {R"({"path": "/h", "args": "x"})", ".args: expected array, found string"},
      {R"({"path": "/h", "env": [1]})", ".env[0]: expected string, found unsigned integer"},
  };
  for (const std::string kind : {"prestart", "createRuntime", "createContainer", "startContainer",
                                 "poststart", "poststop"}) {
    for (const BadMembers& row : table)
      CHECK(refusal(with_top("\"hooks\": {\"" + kind + "\": [" + row.members + "]}")) ==
            "hooks." + kind + "[0]" + row.error);
  }
}

TEST_CASE("annotations keep their order; a key may not be empty", "[spec]") {
  const Spec spec = decoded(with_top(R"("annotations": {"z": "1", "a.b": ""})"));
  CHECK(spec.annotations == StringMap{{"z", "1"}, {"a.b", ""}});
  CHECK(refusal(with_top(R"("annotations": {"": "x"})")) == "annotations: a key is empty");
}

TEST_CASE("malformed text is located", "[spec]") {
  CHECK(refusal("{\n  \"ociVersion\": \"1.0.0\",\n}") ==
        "config.json: line 3, column 1: Missing a name for object member");
  CHECK(refusal("[]") == "config.json: expected object, found array");
  CHECK(refusal("") == "config.json: line 1, column 1: The document is empty");
}

TEST_CASE("a NUL byte is refused, raw or escaped", "[spec]") {
  std::string raw = with_top(R"("hostname": "x")");
  raw.insert(raw.rfind('x'), 1, '\0');
  CHECK(refusal(raw).ends_with(": NUL byte"));
  CHECK(refusal(with_top(R"("hostname": "a\u0000b")")) == "hostname: contains a NUL byte");
  CHECK(refusal(with_top(R"("annotations": {"a\u0000": "b"})")) ==
        "annotations: a name contains a NUL byte");
  CHECK(refusal(with_process(R"("args": ["sh", "a\u0000b"])")) ==
        "process.args[1]: contains a NUL byte");
}

TEST_CASE("deep nesting is no danger", "[spec]") {
  const size_t kDepth = 2000;
  decoded(with_top("\"unknown\": " + std::string(kDepth, '[') + std::string(kDepth, ']')));
  std::string objects;
  for (size_t i = 0; i < kDepth; ++i) objects += "{\"a\":";
  CHECK(refusal(objects) == "config.json: line 1, column 10001: Invalid value");
}

TEST_CASE("a text longer than 16 MiB is refused before it is parsed", "[spec]") {
  const size_t kMost = 16u << 20;
  std::string text = with_top("");
  text.append(kMost - text.size(), ' ');
  decoded(text);
  CHECK(refusal(text + ' ') == "config.json: 16777217 bytes, at most 16777216");
  CHECK(decode_process(std::string(kMost + 1, '{')).error().text() ==
        "process: 16777217 bytes, at most 16777216");
}

TEST_CASE("a message stays on one line whatever the text holds", "[spec]") {
  CHECK(refusal(with_top(R"("ociVersion": "1\n\"2")")) ==
        R"(ociVersion: "1\n\"2" is not a SemVer 2.0.0 version)");
  CHECK(refusal(with_top(R"("annotations": {"a\nb": 1})")) ==
        R"(annotations."a\nb": expected string, found unsigned integer)");
}
