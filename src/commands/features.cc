#include "src/base/json.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/linux/capabilities.h"
#include "src/linux/seccomp.h"
#include "src/spec/memory_policy.h"
#include "src/spec/mount_options.h"
#include "src/spec/spec.h"

namespace skiff::commands {
namespace {

constexpr const char* kHooks[] = {"prestart",       "createRuntime", "createContainer",
                                  "startContainer", "poststart",     "poststop"};
constexpr const char* kNamespaces[] = {"cgroup", "ipc",  "mount", "network",
                                       "pid",    "time", "user",  "uts"};

constexpr const char* kUnsafeAnnotations[] = {"org.systemd.property.", "run.oci."};

/// features-linux.md's objects that say no more than whether something is there.
void write_enabled(json::Writer& json, std::string_view name, bool enabled) {
  json.key(name);
  json.begin_object();
  json.field("enabled", enabled);
  json.end_object();
}

void write_cgroup(json::Writer& json) {
  json.key("cgroup");
  json.begin_object();
  json.field("v1", true);
  json.field("v2", true);
  json.field("systemd", true);
  json.field("systemdUser", true);
  json.field("rdma", true);
  json.end_object();
}

void write_seccomp(json::Writer& json) {
  json.key("seccomp");
  json.begin_object();
  json.field("enabled", true);
  json.array("actions", seccomp::supported_actions());
  json.array("operators", seccomp::supported_operators());
  json.array("archs", seccomp::supported_architectures());
  json.array("knownFlags", seccomp::known_flags());
  json.array("supportedFlags", seccomp::supported_flags());
  json.end_object();
}

void write_intel_rdt(json::Writer& json) {
  json.key("intelRdt");
  json.begin_object();
  json.field("enabled", true);
  json.field("schemata", true);
  json.field("monitoring", true);
  json.end_object();
}

void write_memory_policy(json::Writer& json) {
  json.key("memoryPolicy");
  json.begin_object();
  json.array("modes", spec::memory_policy_modes());
  json.array("flags", spec::memory_policy_flags());
  json.end_object();
}

void write_linux(json::Writer& json) {
  json.key("linux");
  json.begin_object();
  json.array("namespaces", kNamespaces);
  json.array("capabilities", capabilities::all_names());
  write_cgroup(json);
  write_seccomp(json);
  write_enabled(json, "apparmor", true);
  write_enabled(json, "selinux", true);
  write_intel_rdt(json);
  write_memory_policy(json);
  json.key("mountExtensions");
  json.begin_object();
  write_enabled(json, "idmap", true);
  json.end_object();
  write_enabled(json, "netDevices", true);
  json.end_object();
}

Result<int> features(const Invocation&) {
  json::Writer json(json::Style::Indented);
  json.begin_object();
  json.field("ociVersionMin", spec::kOciVersionMin);
  json.field("ociVersionMax", spec::kOciVersion);
  json.array("hooks", kHooks);
  json.array("mountOptions", spec::known_mount_options());
  write_linux(json);
  json.key("annotations");
  json.begin_object();
  json.field("org.skiff.version", SKIFF_VERSION);
  json.field("io.github.seccomp.libseccomp.version", seccomp::library_version());
  json.end_object();
  // features.md: a final dot makes a prefix of it.
  json.array("potentiallyUnsafeConfigAnnotations", kUnsafeAnnotations);
  json.end_object();
  TRY(print(json.take() + '\n'));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kFeatures = {
    .name = "features",
    .synopsis = "",
    .summary = "print what this build supports, as JSON",
    .details = "The document is the one of the runtime specification's features.md.",
    .run = features,
};

}  // namespace skiff::commands
