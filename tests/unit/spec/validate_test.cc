#include "src/spec/validate.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

/// A configuration that breaks no rule, with a new namespace of each of `types`.
Spec spec_with(std::initializer_list<NamespaceType> types) {
  Spec spec;
  spec.linux.namespaces.push_back({NamespaceType::Mount, ""});
  for (const NamespaceType type : types) spec.linux.namespaces.push_back({type, ""});
  return spec;
}

std::string verdict(const Spec& spec) {
  const auto result = validate(spec);
  return result ? "" : result.error().text();
}

Spec spec_with_user_namespace() {
  Spec spec = spec_with({NamespaceType::User});
  spec.linux.uid_mappings = {{0, 1000, 1}, {1, 100000, 10}};
  spec.linux.gid_mappings = {{0, 1000, 5}};
  spec.process.emplace();
  spec.process->args = {"sh"};
  spec.process->cwd = "/";
  return spec;
}

}  // namespace

TEST_CASE("crun's annotations that are not honoured are refused, unknown ones are not", "[spec]") {
  Spec spec = spec_with({});
  spec.annotations = {{"run.oci.something", "x"}, {"com.example", "y"}};
  CHECK(verdict(spec) == "");
  for (const char* name : {"run.oci.handler", "run.oci.seccomp.plugins"}) {
    spec.annotations = {{name, "x"}};
    CHECK(verdict(spec) == std::string("annotations.") + name + ": not supported");
  }
}

TEST_CASE("an annotation that names a cgroup names a directory", "[spec]") {
  for (const char* name : {"run.oci.systemd.subgroup", "run.oci.delegate-cgroup"}) {
    Spec spec = spec_with({});
    for (const char* value : {"", "container", "..."}) {
      spec.annotations = {{name, value}};
      CHECK(verdict(spec) == "");
    }
    for (const char* value : {"a/b", "/", ".", ".."}) {
      spec.annotations = {{name, value}};
      CHECK(verdict(spec) ==
            fmt::format("annotations.{}: \"{}\" is not the name of a directory", name, value));
    }
  }
}

TEST_CASE("a cgroup is given to a root that the configuration tells", "[spec]") {
  Spec spec = spec_with({});
  spec.linux.namespaces.push_back({NamespaceType::User, "/proc/1/ns/user"});
  CHECK(verdict(spec) == "");
  spec.annotations = {{"run.oci.delegate-cgroup", ""}};
  CHECK(verdict(spec) == "");
  spec.annotations = {{"run.oci.delegate-cgroup", "own"}};
  CHECK(verdict(spec) ==
        "annotations.run.oci.delegate-cgroup: needs linux.uidMappings with a user namespace that "
        "is joined by path");
}

TEST_CASE("systemd's v1 hierarchy takes the place of a mount", "[spec]") {
  Spec spec = spec_with({});
  spec.mounts = {{"/sys/fs/cgroup", "cgroup", "cgroup", {}}, {"/", "tmpfs", "tmpfs", {}}};
  const auto said = [&spec](const char* value) {
    spec.annotations = {{"run.oci.systemd.force_cgroup_v1", value}};
    return verdict(spec);
  };
  CHECK(said("") == "");
  CHECK(said("/sys/fs/cgroup") == "");
  CHECK(said("/sys//fs/./cgroup/") == "");
  const std::string field = "annotations.run.oci.systemd.force_cgroup_v1: ";
  CHECK(said("sys/fs/cgroup") == field + "\"sys/fs/cgroup\" is not an absolute path");
  CHECK(said("/sys") == field + "nothing in mounts has the destination \"/sys\"");
  CHECK(said("/sys/..") == field + "\"/sys/..\" is the container's root");
}

TEST_CASE("a container needs a mount namespace", "[spec]") {
  CHECK(verdict(Spec()) == "linux.namespaces: no \"mount\" entry, a container needs one");
  CHECK(refusal(with_top(R"("linux": null)")) ==
        "linux.namespaces: no \"mount\" entry, a container needs one");
  CHECK(verdict(spec_with({})).empty());
}

TEST_CASE("host and domain name need a UTS namespace and fit it", "[spec]") {
  Spec spec = spec_with({});
  spec.hostname = "web";
  CHECK(verdict(spec) == "hostname: needs a \"uts\" entry in linux.namespaces");
  spec.hostname.clear();
  spec.domainname = "example.org";
  CHECK(verdict(spec) == "domainname: needs a \"uts\" entry in linux.namespaces");

  spec = spec_with({NamespaceType::Uts});
  spec.hostname = std::string(64, 'x');
  spec.domainname = std::string(64, 'y');
  CHECK(verdict(spec).empty());
  spec.domainname += 'y';
  CHECK(verdict(spec) == "domainname: 65 bytes, the kernel takes 64");
  spec.hostname += 'x';
  CHECK(verdict(spec) == "hostname: 65 bytes, the kernel takes 64");
}

TEST_CASE("mount options are sorted before anything is mounted", "[spec]") {
  Spec spec = spec_with({});
  spec.mounts.resize(3);
  spec.mounts[1].options = {"bind", "idmap=0"};
  CHECK(verdict(spec) ==
        "mounts[1].options: idmap: \"0\" is not \"uids=…\" or \"gids=…\", each once");
  spec.mounts[1].options = {"nosuidd", "mode=755"};
  CHECK(verdict(spec).empty());
  spec.mounts[1].options.push_back("rbind");
  CHECK(verdict(spec) == "mounts[1].options: \"nosuidd,mode=755\" means nothing to a bind mount");
}

TEST_CASE("id mappings need a user namespace, and a new one needs both", "[spec]") {
  Spec spec = spec_with({});
  spec.linux.gid_mappings = {{0, 0, 1}};
  CHECK(verdict(spec) == "linux.gidMappings: needs a \"user\" entry in linux.namespaces");
  spec.linux.uid_mappings = {{0, 0, 1}};
  CHECK(verdict(spec) == "linux.uidMappings: needs a \"user\" entry in linux.namespaces");

  spec = spec_with({NamespaceType::User});
  CHECK(verdict(spec) == "linux.uidMappings: user namespaces enabled, but no user mappings found");
  spec.linux.uid_mappings = {{1, 1000, 1}};  // root need not be mapped
  CHECK(verdict(spec) == "linux.gidMappings: user namespaces enabled, but no group mappings found");
  spec.linux.gid_mappings = {{1, 1000, 1}};
  CHECK(verdict(spec).empty());
}

TEST_CASE("a user namespace that is joined needs no mappings and may have them", "[spec]") {
  Spec spec = spec_with({});
  spec.linux.namespaces.push_back({NamespaceType::User, "/proc/7/ns/user"});
  CHECK(verdict(spec).empty());
  spec.linux.uid_mappings = {{0, 1000, 1}};
  CHECK(verdict(spec).empty());
}

TEST_CASE("the ids of the process are mapped in a new user namespace", "[spec]") {
  Spec spec = spec_with_user_namespace();
  CHECK(verdict(spec).empty());
  spec.process->user.uid = 10;
  CHECK(verdict(spec).empty());
  spec.process->user.uid = 11;
  CHECK(verdict(spec) == "process.user.uid: 11 is not mapped by linux.uidMappings");
  spec.process->user.uid = 0;
  spec.process->user.gid = 5;
  CHECK(verdict(spec) == "process.user.gid: 5 is not mapped by linux.gidMappings");
  spec.process->user.gid = 4;
  spec.process->user.additional_gids = {0, 1000};
  CHECK(verdict(spec) == "process.user.additionalGids[1]: 1000 is not mapped by linux.gidMappings");

  spec.linux.namespaces.back().path = "/proc/7/ns/user";
  CHECK(verdict(spec).empty());
}

TEST_CASE("kernel parameters are those of a namespace the container has", "[spec]") {
  struct Row {
    const char* name;
    NamespaceType owner;
  };
  const Row table[] = {
      {"kernel.msgmax", NamespaceType::Ipc},
      {"kernel.msgmnb", NamespaceType::Ipc},
      {"kernel.msgmni", NamespaceType::Ipc},
      {"kernel.msg_next_id", NamespaceType::Ipc},
      {"kernel.auto_msgmni", NamespaceType::Ipc},
      {"kernel.sem", NamespaceType::Ipc},
      {"kernel.sem_next_id", NamespaceType::Ipc},
      {"kernel.shmall", NamespaceType::Ipc},
      {"kernel.shmmax", NamespaceType::Ipc},
      {"kernel.shmmni", NamespaceType::Ipc},
      {"kernel.shm_rmid_forced", NamespaceType::Ipc},
      {"kernel.shm_next_id", NamespaceType::Ipc},
      {"fs.mqueue.msg_max", NamespaceType::Ipc},
      {"net.ipv4.ip_forward", NamespaceType::Network},
      {"net/ipv4/conf/eth0.100/forwarding", NamespaceType::Network},
      {"kernel.domainname", NamespaceType::Uts},
  };
  for (const Row& row : table) {
    CAPTURE(row.name);
    Spec spec = spec_with({row.owner});
    spec.linux.sysctl = {{row.name, "1"}};
    CHECK(verdict(spec).empty());
    spec.linux.namespaces.pop_back();
    CHECK(verdict(spec) ==
          fmt::format("linux.sysctl: \"{}\" needs a \"{}\" entry in linux.namespaces", row.name,
                      name(row.owner)));
  }
  Spec spec = spec_with_user_namespace();
  spec.linux.sysctl = {{"user.max_pid_namespaces", "5"}};
  CHECK(verdict(spec).empty());
  spec = spec_with({});
  spec.linux.sysctl = {{"user/max_pid_namespaces", "5"}};
  CHECK(verdict(spec) ==
        "linux.sysctl: \"user/max_pid_namespaces\" needs a \"user\" entry in linux.namespaces");
}

TEST_CASE("kernel parameters of the whole machine are refused", "[spec]") {
  Spec spec = spec_with({NamespaceType::Ipc, NamespaceType::Uts, NamespaceType::Network});
  for (const std::string name : {"vm.swappiness", "kernel.core_pattern", "kernel.semaphore",
                                 "kernel.shmmaximum", "fs.mqueue", "net", "networking.x"}) {
    spec.linux.sysctl = {{"net.core.somaxconn", "1"}, {name, "1"}};
    CHECK(verdict(spec) ==
          "linux.sysctl: \"" + name + "\" belongs to the whole machine, not to a namespace");
  }
  spec.linux.sysctl = {{"net/../kernel/core_pattern", "|/evil"}};
  CHECK(verdict(spec) ==
        "linux.sysctl: \"net/../kernel/core_pattern\" is not the name of a kernel parameter");
  spec.linux.sysctl = {{"kernel.hostname", "x"}};
  CHECK(verdict(spec) ==
        "linux.sysctl: \"kernel.hostname\" is not set this way (hint: use hostname)");
}

TEST_CASE("the rules for a process hold without a configuration", "[spec]") {
  Process process;
  CHECK(validate(process).error().text() == "process.args: empty");
  process.args = {""};
  CHECK(validate(process).error().text() == "process.args[0]: empty");
  process.args = {"sh", ""};
  CHECK(validate(process).error().text() == "process.cwd: \"\" is not an absolute path");
  process.cwd = "/";
  process.env = {"A=", "B"};
  CHECK(validate(process).error().text() == "process.env[1]: \"B\" is not NAME=VALUE");
  process.env = {"A=", "B=C=D"};
  CHECK(validate(process));

  Spec spec = spec_with({});
  spec.process = process;
  spec.process->cwd = "x";
  CHECK(verdict(spec) == "process.cwd: \"x\" is not an absolute path");
}
