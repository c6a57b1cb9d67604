#include "src/launch/mount_plan.h"

#include <sys/mount.h>

#include <catch2/catch.hpp>

using namespace skiff;
using launch::MountKind;
using launch::MountPlan;
using spec::NamespaceType;

namespace {

spec::Spec container_spec() {
  spec::Spec spec;
  spec.root.path = "rootfs";
  spec.linux.namespaces.push_back({NamespaceType::Mount, ""});
  return spec;
}

void add_user_namespace(spec::Spec& spec) {
  spec.linux.namespaces.push_back({NamespaceType::User, ""});
  spec.linux.uid_mappings = {{0, 0, 1}, {1, 2, 1000}};
  spec.linux.gid_mappings = {{0, 5000, 1000}};
}

Result<launch::RootfsPlan> plan(const spec::Spec& spec, const cgroup::Paths& cgroup = {}) {
  launch::PlanOptions options;
  options.id = "web";
  options.bundle = "/bundle";
  launch::NamespacePlan namespaces;
  if (const spec::Namespace* user = spec.find_namespace(NamespaceType::User)) {
    if (user->path.empty())
      namespaces.at_bootstrap = spec::clone_flag(NamespaceType::User);
    else
      namespaces.joins.push_back(*user);
  }
  Host host;
  host.selinux = !spec.linux.mount_label.starts_with("without:");
  auto planned = launch::plan_rootfs(spec, host, cgroup, namespaces, options);
  if (!planned) return std::move(planned).error();
  return *std::move(*planned);
}

MountPlan plan_one(spec::Spec spec, const spec::Mount& mount) {
  spec.mounts = {mount};
  auto planned = plan(spec);
  if (!planned) FAIL(planned.error().text());
  return planned->mounts.at(0);
}

MountPlan plan_one(const spec::Mount& mount) { return plan_one(container_spec(), mount); }

}  // namespace

TEST_CASE("what is for the tree of a new file system is for the mount", "[launch]") {
  const MountPlan made = plan_one({"/data", "ramfs", "", {"rro", "rnosuid", "rnoatime", "suid"}});
  CHECK(made.flags == (MS_RDONLY | MS_NOATIME));
  CHECK((made.cleared & MS_NOSUID) != 0);
  CHECK(made.tree_flags == 0);
  CHECK(made.tree_cleared == 0);
  const MountPlan bind = plan_one({"/data", "bind", "/x", {"rbind", "rro", "noexec"}});
  CHECK(bind.tree_flags == MS_RDONLY);
  CHECK(bind.flags == (MS_BIND | MS_REC | MS_NOEXEC));
}

TEST_CASE("rro closes a tmpfs as late as ro does", "[launch]") {
  CHECK(plan_one({"/data", "tmpfs", "", {"rro"}}).read_only_later);
  CHECK_FALSE(plan_one({"/data", "tmpfs", "", {"rro", "rw"}}).read_only_later);
}

TEST_CASE("no type and a source is a bind mount", "[launch]") {
  const MountPlan made = plan_one({"/data", "", "files", {"ro"}});
  CHECK(made.kind == MountKind::Bind);
  CHECK(made.source == "/bundle/files");
}

TEST_CASE("a mount over / and a filled one are made before they are attached", "[launch]") {
  CHECK(plan_one({"/", "overlay", "", {}}).over_root);
  CHECK(plan_one({"/", "overlay", "", {}}).detached);
  CHECK(plan_one({"/..//.", "bind", "/x", {}}).over_root);
  CHECK(plan_one({"/data", "tmpfs", "", {"tmpcopyup"}}).detached);
  CHECK(plan_one({"/data", "tmpfs", "", {"tmpcopyup"}}).copy_up);
  CHECK_FALSE(plan_one({"/data", "tmpfs", "", {}}).detached);
}

TEST_CASE("a remount needs neither type nor source", "[launch]") {
  const MountPlan made = plan_one({"/dev/shm", "", "", {"remount", "ro", "noexec"}});
  CHECK(made.kind == MountKind::Remount);
  CHECK(made.flags == (MS_REMOUNT | MS_NOEXEC));
  CHECK(made.read_only_later);
}

TEST_CASE("the mount's own mappings come before the container's", "[launch]") {
  spec::Spec spec = container_spec();
  add_user_namespace(spec);
  spec::Mount mount{"/data", "bind", "/x", {"ridmap"}};
  MountPlan made = plan_one(spec, mount);
  REQUIRE(made.idmap);
  CHECK(made.idmap->recursive);
  CHECK(made.idmap->uids.at(1).host_id == 2);
  CHECK(made.idmap->gids.at(0).host_id == 5000);
  CHECK(made.source_sent);

  mount.uid_mappings = {{7, 8, 9}};
  mount.gid_mappings = {{1, 2, 3}};
  made = plan_one(spec, mount);
  CHECK(made.idmap->uids.at(0).host_id == 8);
  CHECK(made.idmap->gids.at(0).host_id == 2);

  // Older configurations have no option at all.
  mount.options.clear();
  made = plan_one(spec, mount);
  REQUIRE(made.idmap);
  CHECK_FALSE(made.idmap->recursive);
}

TEST_CASE("a file system that is id-mapped is made by the runtime", "[launch]") {
  spec::Mount mount{"/data", "tmpfs", "", {"idmap"}};
  mount.uid_mappings = {{7, 8, 9}};
  mount.gid_mappings = {{1, 2, 3}};
  const MountPlan made = plan_one(mount);
  CHECK(made.kind == MountKind::FileSystem);
  CHECK(made.source_sent);
  CHECK_FALSE(plan_one({"/data", "tmpfs", "", {}}).source_sent);
}

TEST_CASE("relative ranges are taken to the host", "[launch]") {
  spec::Spec spec = container_spec();
  add_user_namespace(spec);
  // The example of crun(1).
  const MountPlan made = plan_one(spec, {"/data", "bind", "/x", {"idmap=uids=@1-3-10#50-60-1"}});
  REQUIRE(made.idmap->uids.size() == 2);
  CHECK(made.idmap->uids[0].container_id == 1);
  CHECK(made.idmap->uids[0].host_id == 4);
  CHECK(made.idmap->uids[0].size == 10);
  CHECK(made.idmap->uids[1].host_id == 60);
  CHECK(made.idmap->gids.at(0).host_id == 5000);  // the container's own

  spec.mounts = {{"/data", "bind", "/x", {"idmap=uids=@0-0-2"}}};
  CHECK(plan(spec).error().text() ==
        "mounts[0]: options: @0-0-2 is not within one range of the container's mappings");
}

TEST_CASE("the namespace that is joined maps, whatever its mappings are", "[launch]") {
  spec::Spec spec = container_spec();
  spec.linux.namespaces.push_back({NamespaceType::User, "/proc/7/ns/user"});
  const MountPlan made = plan_one(spec, {"/data", "bind", "/x", {"idmap"}});
  CHECK(made.idmap->joined);
  spec.mounts = {{"/data", "bind", "/x", {"idmap=uids=0-1-1"}}};
  CHECK(plan(spec).error().text() ==
        "mounts[0]: options: idmap needs gidMappings of the container or its own");
}

TEST_CASE("in a user namespace every bind source is sent, and nothing else", "[launch]") {
  spec::Spec spec = container_spec();
  add_user_namespace(spec);
  spec.mounts = {{"/a", "bind", "/x", {}}, {"/b", "tmpfs", "", {}}, {"/c", "", "/x", {"rbind"}}};
  const auto made = plan(spec);
  CHECK(made->root_sent);
  CHECK(made->mounts[0].source_sent);
  CHECK_FALSE(made->mounts[1].source_sent);
  CHECK(made->mounts[2].source_sent);
}

TEST_CASE("a mount label becomes an option of what has one", "[launch]") {
  spec::Spec spec = container_spec();
  spec.linux.mount_label = "u:r:t:s0:c1,c2";
  CHECK(plan_one(spec, {"/a", "tmpfs", "", {"mode=700"}}).data ==
        "mode=700,context=\"u:r:t:s0:c1,c2\"");
  CHECK(plan_one(spec, {"/a", "devpts", "", {}}).data == "context=\"u:r:t:s0:c1,c2\"");
  CHECK(plan_one(spec, {"/proc", "proc", "", {}}).data.empty());
  CHECK(plan_one(spec, {"/a", "sysfs", "", {}}).data.empty());
  CHECK(plan_one(spec, {"/a", "bind", "/x", {}}).data.empty());
  const MountPlan queues = plan_one(spec, {"/a", "mqueue", "", {}});
  CHECK(queues.data.empty());
  CHECK(queues.label == "u:r:t:s0:c1,c2");
  spec.annotations = {{"run.oci.mount_context_type", "rootcontext"}};
  CHECK(plan_one(spec, {"/a", "tmpfs", "", {}}).data == "rootcontext=\"u:r:t:s0:c1,c2\"");
  spec.linux.mount_label = "without:";
  CHECK(plan(spec).error().text() == "linux.mountLabel: SELinux is not enabled on this host");
}

TEST_CASE("devices that are listed come before the default ones they replace", "[launch]") {
  spec::Spec spec = container_spec();
  spec::Device device;
  device.path = "/dev//tty";
  device.major = 5;
  device.gid = 5;
  spec.linux.devices = {device};
  const auto made = plan(spec);
  REQUIRE(made->devices.size() == 6);
  CHECK(made->devices[0].index == 0);
  CHECK(made->devices[0].path == "/dev/tty");
  CHECK(made->devices[0].gid == 5u);
  CHECK(made->devices[1].index == -1);
  CHECK(made->devices[1].path == "/dev/null");

  spec.mounts = {{"/dev", "bind", "/dev", {"rbind"}}};
  CHECK(plan(spec)->devices.size() == 1);
}

TEST_CASE("systemd's v1 hierarchy is the container's own part of it, below a tmpfs", "[launch]") {
  spec::Spec spec = container_spec();
  spec.annotations = {{"run.oci.systemd.force_cgroup_v1", "/sys/fs//cgroup/"}};
  spec.mounts = {{"/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid", "rslave"}},
                 {"/sys", "bind", "/sys", {"rbind"}}};
  cgroup::Paths cgroup;
  CHECK(plan(spec, cgroup).error().text() ==
        "annotations.run.oci.systemd.force_cgroup_v1: the container has no cgroup in name=systemd");

  cgroup.directories = {{"memory", "/sys/fs/cgroup/memory/web"},
                        {"name=systemd", "/sys/fs/cgroup/systemd/web"}};
  auto planned = plan(spec, cgroup);
  REQUIRE(planned);
  REQUIRE(planned->mounts.size() == 3);
  const MountPlan& around = planned->mounts[0];
  CHECK(around.kind == MountKind::FileSystem);
  CHECK(around.type == "tmpfs");
  CHECK(around.data == "mode=755");
  CHECK(around.destination == "/sys/fs/cgroup");
  CHECK(around.read_only_later);
  const MountPlan& shown = planned->mounts[1];
  CHECK(shown.kind == MountKind::CgroupDirectory);
  CHECK(shown.source == "/sys/fs/cgroup/systemd/web");
  CHECK(shown.destination == "/sys/fs/cgroup/systemd");
  CHECK(shown.flags == (MS_RDONLY | MS_NOSUID));
  for (const MountPlan* made : {&around, &shown}) {
    CHECK(made->index == 0);
    CHECK(made->propagation == (MS_SLAVE | MS_REC));
  }
  CHECK(planned->mounts[2].kind == MountKind::Bind);
}
