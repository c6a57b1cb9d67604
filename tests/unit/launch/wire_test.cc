#include "src/launch/wire.h"

#include <catch2/catch.hpp>

using namespace skiff;
using launch::LaunchPlan;

namespace {

/// A plan in which no field has its default value.
LaunchPlan full_plan() {
  LaunchPlan plan;
  plan.id = "web";
  plan.namespaces.at_clone = 1;
  plan.namespaces.at_bootstrap = 2;
  plan.namespaces.bootstrap = true;
  plan.namespaces.new_cgroup = true;
  plan.namespaces.joins = {{spec::NamespaceType::Network, "/run/netns/x"}};
  plan.namespaces.join_by_pidfd = 3;
  plan.namespaces.time_offsets = {{1, -2, 3}};
  plan.namespaces.network_apart = true;
  launch::RootfsPlan rootfs;
  rootfs.path = "/bundle/rootfs";
  rootfs.readonly = rootfs.no_pivot = rootfs.shares_host_mounts = rootfs.root_sent = true;
  rootfs.host_propagation = 4;
  rootfs.final_propagation = 5;
  rootfs.make_devices = false;
  rootfs.bind_devices = true;
  launch::MountPlan mount;
  mount.kind = launch::MountKind::Bind;
  mount.index = 7;
  mount.destination = "/data";
  mount.type = "bind";
  mount.source = "/src";
  mount.flags = 8;
  mount.cleared = 9;
  mount.propagation = 10;
  mount.data = "size=1k";
  mount.tree_flags = 11;
  mount.tree_cleared = 12;
  mount.label = "a:b:c";
  mount.plain_directory = mount.must_be_proc = mount.read_only_later = true;
  mount.over_root = mount.detached = mount.copy_up = mount.copy_symlink = true;
  mount.source_nofollow = mount.target_nofollow = mount.source_sent = true;
  mount.idmap = launch::IdMapPlan{true, true, {{0, 1, 2}}, {{3, 4, 5}}};
  rootfs.mounts = {mount, mount};
  rootfs.devices = {{0, "/dev/null", 'b', 1, 3, 0600, 7, 8}};
  rootfs.masked_paths = {"/proc/kcore"};
  rootfs.readonly_paths = {"/proc/sys"};
  plan.rootfs = rootfs;
  plan.hostname = "host";
  plan.domainname = "domain";
  plan.bring_up_loopback = true;
  plan.sysctl = {{"net.ipv4.ip_forward", "1"}};
  plan.runtime_hooks = true;
  plan.create_container = {{"/hook", {"hook", "a"}, {"A=b"}, 5}};
  plan.hook_stdout = plan.hook_stderr = true;
  plan.start_container = {{"/other", {}, {}, std::nullopt}};
  launch::ProcessPlan& process = plan.process;
  process.terminal = process.console_device = true;
  process.console_size = spec::ConsoleSize{24, 80};
  process.uid = 11;
  process.gid = 12;
  process.groups = {13, 14};
  process.set_groups = false;
  process.keep_groups = true;
  process.personality = 8;
  process.memory_policy = spec::MemoryPolicy{2, {1, 2}};
  process.umask = 077;
  process.cwd = "/tmp";
  process.args = {"sh", "-c", ""};
  process.env = {"PATH=/bin"};
  process.capabilities = {1, 2, 3, 4, 5};
  process.no_new_privileges = true;
  process.rlimits = {{7, 1024, 2048}};
  process.oom_score_adj = -5;
  process.scheduler = spec::Scheduler{1, 2, 3, 4, 5, 6, 7};
  process.io_priority = spec::IoPriority{1, 2};
  process.apparmor_profile = "profile";
  process.selinux_label = "label";
  process.keyring = "_ses.web";
  process.preserve_fds = 2;
  process.seccomp = seccomp::Program{{{0x06, 0, 0, 0x7fff0000}}, 4};
  process.keep_sys_admin = true;
  plan.start_socket = true;
  plan.log_level = 3;
  plan.log_json = true;
  return plan;
}

}  // namespace

TEST_CASE("a plan survives the wire with every field", "[launch]") {
  const std::string bytes = launch::encode(full_plan());
  auto decoded = launch::decode(bytes);
  REQUIRE(decoded);
  // Encoding names every field once for both directions: equal bytes are equal plans.
  CHECK(launch::encode(*decoded) == bytes);
  CHECK(decoded->id == "web");
  CHECK(decoded->namespaces.joins.at(0).path == "/run/netns/x");
  CHECK(decoded->rootfs->mounts.at(1).data == "size=1k");
  CHECK(decoded->rootfs->mounts.at(1).kind == launch::MountKind::Bind);
  CHECK(decoded->rootfs->mounts.at(1).idmap->gids.at(0).size == 5);
  CHECK(decoded->rootfs->devices.at(0).gid == 8u);
  CHECK(decoded->create_container.at(0).timeout == 5);
  CHECK_FALSE(decoded->start_container.at(0).timeout.has_value());
  CHECK(decoded->process.console_size->width == 80);
  CHECK(decoded->process.oom_score_adj == -5);
  CHECK(decoded->process.seccomp->instructions.at(0).k == 0x7fff0000);
  CHECK(decoded->log_json);
}

TEST_CASE("a plan cut short anywhere is refused", "[launch]") {
  const std::string bytes = launch::encode(full_plan());
  for (size_t size = 0; size < bytes.size(); ++size) {
    INFO("cut at " << size);
    CHECK_FALSE(launch::decode(std::string_view(bytes).substr(0, size)));
  }
}

TEST_CASE("bytes behind a plan are refused", "[launch]") {
  const std::string bytes = launch::encode(full_plan()) + '\0';
  CHECK(launch::decode(bytes).error().text() ==
        fmt::format("protocol: malformed plan of {} bytes", bytes.size()));
}

TEST_CASE("a changed byte never makes the decoder read beyond the end", "[launch]") {
  const std::string bytes = launch::encode(full_plan());
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0xff);
    const auto decoded = launch::decode(changed);  // the sanitizers watch
    if (decoded) CHECK(launch::encode(*decoded).size() == bytes.size());
  }
}
