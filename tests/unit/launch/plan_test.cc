#include "src/launch/plan.h"

#include <sched.h>
#include <sys/mount.h>

#include <catch2/catch.hpp>

using namespace skiff;
using launch::MountKind;
using spec::NamespaceType;

namespace {

Host v2_host() {
  Host host;
  host.cgroups.kind = cgroup::LayoutKind::V2;
  host.cgroups.hierarchies = {{"/sys/fs/cgroup", {"cpu", "memory"}, true, "/"}};
  return host;
}

Host hybrid_host() {
  Host host;
  host.cgroups.kind = cgroup::LayoutKind::Hybrid;
  host.cgroups.hierarchies = {
      {"/sys/fs/cgroup/cpu,cpuacct", {"cpu", "cpuacct"}, false, "/"},
      {"/sys/fs/cgroup/memory", {"memory"}, false, "/"},
      {"/sys/fs/cgroup/unified", {}, true, "/"},
  };
  return host;
}

spec::Spec container_spec() {
  spec::Spec spec;
  spec.root.path = "rootfs";
  spec.process = spec::Process();
  spec.process->args = {"sh"};
  spec.process->cwd = "/";
  for (const auto type : {NamespaceType::Mount, NamespaceType::Pid, NamespaceType::Network})
    spec.linux.namespaces.push_back({type, ""});
  return spec;
}

launch::PlanOptions options() {
  launch::PlanOptions options;
  options.id = "web";
  options.bundle = "/bundle";
  return options;
}

Result<launch::LaunchPlan> plan(const spec::Spec& spec, const Host& host = v2_host(),
                                const cgroup::Paths& cgroup = {},
                                std::optional<seccomp::Program> filter = std::nullopt) {
  return launch::plan_container(spec, host, cgroup, std::move(filter), options());
}

}  // namespace

TEST_CASE("new namespaces are made by the one clone", "[launch]") {
  const auto made = plan(container_spec());
  REQUIRE(made);
  CHECK(made->namespaces.at_clone == (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET));
  CHECK_FALSE(made->namespaces.bootstrap);
  CHECK(made->bring_up_loopback);
}

TEST_CASE("a cgroup namespace is made by init, once it is in its cgroup", "[launch]") {
  spec::Spec spec = container_spec();
  spec.linux.namespaces.push_back({NamespaceType::Cgroup, ""});
  const auto made = plan(spec);
  REQUIRE(made);
  CHECK(made->namespaces.new_cgroup);
  CHECK((made->namespaces.at_clone & CLONE_NEWCGROUP) == 0);
}

TEST_CASE("a user namespace takes the road of the bootstrap", "[launch]") {
  spec::Spec spec = container_spec();
  spec.linux.namespaces.push_back({NamespaceType::User, ""});
  const auto made = plan(spec);
  REQUIRE(made);
  CHECK(made->namespaces.bootstrap);
  CHECK(made->namespaces.at_clone == 0);
  CHECK(made->namespaces.at_bootstrap ==
        (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUSER));
  CHECK(made->rootfs->root_sent);
  CHECK(made->rootfs->bind_devices);
}

TEST_CASE("a joined network namespace needs no bootstrap and no loopback", "[launch]") {
  spec::Spec spec = container_spec();
  spec.linux.namespaces[2].path = "/run/netns/pod";
  const auto made = plan(spec);
  REQUIRE(made);
  CHECK_FALSE(made->namespaces.bootstrap);
  CHECK(made->namespaces.joins.size() == 1);
  CHECK(made->namespaces.at_clone == (CLONE_NEWNS | CLONE_NEWPID));
  CHECK_FALSE(made->bring_up_loopback);
}

TEST_CASE("a joined pid namespace takes the road of the bootstrap", "[launch]") {
  // Its processes must never see one of ours that is still dumpable.
  spec::Spec spec = container_spec();
  spec.linux.namespaces[1].path = "/proc/1/ns/pid";
  CHECK(plan(spec)->namespaces.bootstrap);
}

TEST_CASE("a relative bind source is below the bundle", "[launch]") {
  spec::Spec spec = container_spec();
  spec.mounts = {{"/data", "bind", "files/data", {"rbind", "ro", "noexec"}}};
  const auto made = plan(spec);
  REQUIRE(made);
  const launch::MountPlan& mount = made->rootfs->mounts.at(0);
  CHECK(mount.kind == MountKind::Bind);
  CHECK(mount.source == "/bundle/files/data");
  CHECK(mount.flags == (MS_BIND | MS_REC | MS_RDONLY | MS_NOEXEC));
}

TEST_CASE("a read-only tmpfs is closed only when everything in it is made", "[launch]") {
  spec::Spec spec = container_spec();
  spec.mounts = {{"/dev", "tmpfs", "tmpfs", {"ro", "mode=755"}}};
  const launch::LaunchPlan made = *plan(spec);
  CHECK(made.rootfs->mounts.at(0).read_only_later);
  CHECK((made.rootfs->mounts.at(0).flags & MS_RDONLY) == 0);
}

TEST_CASE("a /dev bound from elsewhere gets no devices", "[launch]") {
  spec::Spec spec = container_spec();
  spec.mounts = {{"/dev", "bind", "/dev", {"rbind"}}};
  const auto made = plan(spec);
  CHECK_FALSE(made->rootfs->make_devices);
  CHECK(made->rootfs->devices.empty());
}

TEST_CASE("type cgroup shows the container's own directory on v2", "[launch]") {
  spec::Spec spec = container_spec();
  spec.mounts = {{"/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid"}}};
  cgroup::Paths paths;
  paths.path = "/web";
  paths.directories = {{"", "/sys/fs/cgroup/web"}};
  const auto made = plan(spec, v2_host(), paths);
  REQUIRE(made);
  REQUIRE(made->rootfs->mounts.size() == 1);
  CHECK(made->rootfs->mounts[0].kind == MountKind::CgroupDirectory);
  CHECK(made->rootfs->mounts[0].source == "/sys/fs/cgroup/web");
}

TEST_CASE("type cgroup shows every hierarchy of a hybrid host", "[launch]") {
  spec::Spec spec = container_spec();
  spec.mounts = {{"/sys/fs/cgroup", "cgroup", "cgroup", {"ro"}}};
  cgroup::Paths paths;
  paths.path = "/web";
  paths.directories = {{"cpu", "/sys/fs/cgroup/cpu,cpuacct/web"},
                       {"cpuacct", "/sys/fs/cgroup/cpu,cpuacct/web"},
                       {"memory", "/sys/fs/cgroup/memory/web"},
                       {"", "/sys/fs/cgroup/unified/web"}};
  const auto made = plan(spec, hybrid_host(), paths);
  REQUIRE(made);
  const auto& mounts = made->rootfs->mounts;
  REQUIRE(mounts.size() == 6);
  CHECK(mounts[0].type == "tmpfs");
  CHECK(mounts[0].read_only_later);
  CHECK(mounts[1].destination == "/sys/fs/cgroup/cpu,cpuacct");
  CHECK(mounts[1].source == "/sys/fs/cgroup/cpu,cpuacct/web");
  CHECK(mounts[2].kind == MountKind::Symlink);
  CHECK(mounts[2].destination == "/sys/fs/cgroup/cpu");
  CHECK(mounts[3].destination == "/sys/fs/cgroup/cpuacct");
  CHECK(mounts[4].source == "/sys/fs/cgroup/memory/web");
  CHECK(mounts[5].destination == "/sys/fs/cgroup/unified");
}

TEST_CASE("mounts that could fake /proc are refused", "[launch]") {
  spec::Spec spec = container_spec();
  spec.mounts = {{"/proc", "tmpfs", "tmpfs", {}}};
  CHECK(plan(spec).error().text() ==
        "mounts[0].type: only proc may be mounted on /proc, not \"tmpfs\"");
  spec.mounts = {{"/proc/self/../sys", "tmpfs", "tmpfs", {}}};
  CHECK(plan(spec).error().text() ==
        "mounts[0].destination: \"/proc/sys\" cannot be mounted because it is inside /proc");
  spec.mounts = {{"/proc/cpuinfo", "bind", "/lxcfs/cpuinfo", {"bind"}}};
  CHECK(plan(spec));
}

TEST_CASE("mounts that say nothing usable are refused", "[launch]") {
  spec::Spec spec = container_spec();
  spec.mounts = {{"/data", "", "", {}}};
  CHECK(plan(spec).error().text() == "mounts[0].type: missing");
  spec.mounts = {{"/data", "bind", "", {"bind"}}};
  CHECK(plan(spec).error().text() == "mounts[0].source: missing");
  Host bare;
  spec.mounts = {{"/sys/fs/cgroup", "cgroup", "", {}}};
  CHECK(plan(spec, bare).error().text() ==
        "mounts[0].type: no cgroup file system is mounted on this host");
}

TEST_CASE("a shared root keeps the host's mounts shared until the root is its own", "[launch]") {
  spec::Spec spec = container_spec();
  CHECK(plan(spec)->rootfs->host_propagation == (MS_SLAVE | MS_REC));
  CHECK(plan(spec)->rootfs->final_propagation == 0);
  spec.linux.rootfs_propagation = "rshared";
  const auto shared = plan(spec);
  CHECK(shared->rootfs->shares_host_mounts);
  CHECK(shared->rootfs->host_propagation == 0);
  CHECK(shared->rootfs->final_propagation == (MS_SHARED | MS_REC));
  spec.linux.rootfs_propagation = "unbindable";
  CHECK(plan(spec)->rootfs->final_propagation == MS_UNBINDABLE);
}

TEST_CASE("a joined mount namespace is taken as it is", "[launch]") {
  spec::Spec spec = container_spec();
  spec.linux.namespaces[0].path = "/proc/1/ns/mnt";
  const auto made = plan(spec);
  REQUIRE(made);
  CHECK_FALSE(made->rootfs.has_value());
  spec.linux.masked_paths = {"/proc/kcore"};
  CHECK(plan(spec).error().text() ==
        "linux.maskedPaths: cannot be applied in a mount namespace that is joined by path");
}

TEST_CASE("of two values of a variable the last one wins", "[launch]") {
  spec::Spec spec = container_spec();
  spec.process->env = {"A=1", "B=2", "A=3", "AB=4", "B="};
  CHECK(plan(spec)->process.env == std::vector<std::string>{"A=3", "AB=4", "B="});
}

TEST_CASE("without no_new_privs CAP_SYS_ADMIN is kept for the filter alone", "[launch]") {
  spec::Spec spec = container_spec();
  const seccomp::Program filter{{{0x06, 0, 0, 0x7fff0000}}, 0};
  CHECK(plan(spec, v2_host(), {}, filter)->process.keep_sys_admin);
  CHECK_FALSE(plan(spec)->process.keep_sys_admin);
  spec.process->no_new_privileges = true;
  CHECK_FALSE(plan(spec, v2_host(), {}, filter)->process.keep_sys_admin);
}

TEST_CASE("exec joins every namespace the container was configured with", "[launch]") {
  const spec::Spec spec = container_spec();
  const auto made = launch::plan_exec(spec, *spec.process, v2_host(), std::nullopt, options());
  REQUIRE(made);
  CHECK(made->namespaces.join_by_pidfd == (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET));
  CHECK(made->namespaces.bootstrap);
  CHECK_FALSE(made->rootfs.has_value());
  CHECK(made->process.keyring == "_ses.web");
}

TEST_CASE("a label is refused where its security module is absent", "[launch]") {
  spec::Spec spec = container_spec();
  spec.process->apparmor_profile = "docker-default";
  CHECK(plan(spec).error().text() ==
        "process.apparmorProfile: AppArmor is not enabled on this host");
  Host host = v2_host();
  host.apparmor = true;
  CHECK(plan(spec, host)->process.apparmor_profile == "docker-default");

  spec.process->apparmor_profile = "unconfined";
  CHECK(plan(spec)->process.apparmor_profile == "");
  CHECK(plan(spec, host)->process.apparmor_profile == "unconfined");

  spec.process->selinux_label = "a:b:c:s0";
  CHECK(plan(spec).error().text() == "process.selinuxLabel: SELinux is not enabled on this host");
  host.selinux = true;
  CHECK(plan(spec, host)->process.selinux_label == "a:b:c:s0");
}

TEST_CASE("without a process the plan is one that holds, and keeps no privilege", "[launch]") {
  spec::Spec spec = container_spec();
  spec.process.reset();
  const auto made = plan(spec, v2_host(), {}, seccomp::Program());
  REQUIRE(made);
  CHECK(made->process.holds());
  CHECK_FALSE(made->process.keep_sys_admin);
  CHECK(made->process.cwd == "/");
  CHECK(made->process.capabilities.bounding == 0);
}
