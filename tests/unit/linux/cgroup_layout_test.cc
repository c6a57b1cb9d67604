#include <catch2/catch.hpp>

#include "src/linux/cgroup/layout.h"

using namespace skiff;
using namespace skiff::cgroup;

namespace {

const char* const kV1Mounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n";
const char* const kV2Mount = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

using Directories = std::vector<std::pair<std::string, std::string>>;

Layout v2_layout(const std::string& own_path) {
  Hierarchy hierarchy;
  hierarchy.mount_point = "/sys/fs/cgroup";
  hierarchy.v2 = true;
  hierarchy.own_path = own_path;
  Layout layout;
  layout.kind = LayoutKind::V2;
  layout.hierarchies.push_back(hierarchy);
  return layout;
}

}  // namespace

TEST_CASE("the hierarchies of a v1 host are found, co-mounted and named ones too", "[linux]") {
  const Layout layout = layout_from(
      "4:memory:/process/x\n3:name=systemd:/init\n2:cpu,cpuacct:/\n1:pids:/\n0::/\n", kV1Mounts);
  CHECK(layout.kind == LayoutKind::V1);
  REQUIRE(layout.hierarchies.size() == 3);  // pids and v2 are mounted nowhere
  CHECK(layout.hierarchies[0].mount_point == "/sys/fs/cgroup/memory");
  CHECK(layout.hierarchies[0].own_path == "/process/x");
  CHECK(layout.hierarchies[1].controllers == std::vector<std::string>{"name=systemd"});
  CHECK(layout.hierarchies[2].controllers == std::vector<std::string>{"cpu", "cpuacct"});
  CHECK_FALSE(layout.hierarchies[2].v2);
}

TEST_CASE("on a hybrid host the v2 hierarchy comes last", "[linux]") {
  const Layout layout = layout_from("0::/\n4:memory:/\n", std::string(kV2Mount) + kV1Mounts);
  CHECK(layout.kind == LayoutKind::Hybrid);
  REQUIRE(layout.hierarchies.size() == 2);
  CHECK(layout.hierarchies[1].v2);
  CHECK(layout.hierarchies[1].mount_point == "/sys/fs/cgroup/unified");
}

TEST_CASE("a host without cgroup mounts has no layout", "[linux]") {
  CHECK(layout_from("4:memory:/\n0::/\n", "31 23 0:28 / /proc rw - proc proc rw\n").kind ==
        LayoutKind::None);
  CHECK(layout_from("", "").kind == LayoutKind::None);
  CHECK(layout_from("nonsense\n:\n", "31 23 - cgroup\n").kind == LayoutKind::None);
}

TEST_CASE("of several mounts of one hierarchy the usual and most complete one counts", "[linux]") {
  const Layout usual = layout_from("0::/a\n",
                                   "1 0 0:38 / /mnt/cgroup rw - cgroup2 none rw\n"
                                   "2 0 0:38 /web /sys/fs/cgroup rw - cgroup2 none rw\n");
  REQUIRE(usual.hierarchies.size() == 1);
  CHECK(usual.hierarchies[0].mount_point == "/sys/fs/cgroup");
  const Layout whole = layout_from("0::/a\n",
                                   "1 0 0:38 /web /var/web/cgroup rw - cgroup2 none rw\n"
                                   "2 0 0:38 / /mnt/my\\040groups rw - cgroup2 none rw\n");
  CHECK(whole.hierarchies[0].mount_point == "/mnt/my groups");
}

TEST_CASE("inside a container paths are those below the mount's root", "[linux]") {
  const auto own_path = [](const char* own, const char* root) {
    const std::string mount =
        std::string("1 0 0:38 ") + root + " /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
    return layout_from(std::string("4:memory:") + own + "\n", mount).hierarchies.at(0).own_path;
  };
  CHECK(own_path("/docker/abc", "/docker/abc") == "/");
  CHECK(own_path("/docker/abc/inner", "/docker/abc") == "/inner");
  CHECK(own_path("/docker/abcd", "/docker/abc").empty());  // a sibling: not in sight
  CHECK(own_path("/../other", "/").empty());
  CHECK(own_path("/", "/..").empty());
}

TEST_CASE("this process's v2 cgroup is read from its line", "[linux]") {
  CHECK(own_v2_cgroup("4:memory:/x\n0::/user.slice/a:b\n") == "/user.slice/a:b");
  CHECK(own_v2_cgroup("4:memory:/x\n").empty());
}

TEST_CASE("cgroupsPath is absolute, relative to the caller's cgroup, or the id", "[linux]") {
  const Layout layout = v2_layout("/user.slice");
  CHECK(resolve(layout, "/a//b/", "web")->path == "/a/b");
  CHECK(resolve(layout, "a/b", "web")->path == "/user.slice/a/b");
  CHECK(resolve(layout, "", "web")->path == "/web");
  CHECK(resolve(layout, "", "web")->directories == Directories{{"", "/sys/fs/cgroup/web"}});
}

TEST_CASE("a cgroupsPath cannot climb", "[linux]") {
  const Layout layout = v2_layout("/user.slice");
  CHECK(resolve(layout, "/../../etc", "web")->directories[0].second == "/sys/fs/cgroup/etc");
  CHECK(resolve(layout, "../../etc", "web")->path == "/user.slice/etc");
  CHECK(resolve(layout, "a/../../b", "web")->path == "/user.slice/b");
  for (const char* path : {"/", ".", "..", "/..", "a/.."})
    CHECK(resolve(layout, path, "web").error().text() ==
          fmt::format("linux.cgroupsPath: \"{}\" leaves no name for the container's cgroup", path));
}

TEST_CASE("the systemd form of cgroupsPath is refused with a hint", "[linux]") {
  CHECK(resolve(v2_layout("/"), "system.slice:docker:abc", "web").error().text() ==
        "linux.cgroupsPath: \"system.slice:docker:abc\" has the systemd form slice:prefix:name, "
        "not a path (hint: that is for --systemd-cgroup; give a path such as "
        "\"/web\")");
  CHECK(resolve(v2_layout("/"), "/kube/a:b:c", "web")->path == "/kube/a:b:c");
  CHECK(resolve(v2_layout("/"), "a:b", "web")->path == "/a:b");
}

TEST_CASE("every controller of a hybrid host has its directory, v2 last", "[linux]") {
  const Layout layout =
      layout_from("5:memory:/own\n2:cpu,cpuacct:/\n0::/v2own\n", std::string(kV1Mounts) + kV2Mount);
  const auto absolute = resolve(layout, "/web", "id");
  REQUIRE(absolute);
  CHECK(absolute->directories == Directories{{"memory", "/sys/fs/cgroup/memory/web"},
                                             {"cpu", "/sys/fs/cgroup/cpu,cpuacct/web"},
                                             {"cpuacct", "/sys/fs/cgroup/cpu,cpuacct/web"},
                                             {"", "/sys/fs/cgroup/unified/web"}});
  const auto relative = resolve(layout, "web", "id");
  CHECK(relative->path == "/v2own/web");
  CHECK(relative->directories[0].second == "/sys/fs/cgroup/memory/own/web");
}

TEST_CASE("a cgroup below the container's is v2's alone", "[linux]") {
  Paths paths;
  paths.path = "/web";
  paths.directories = {{"memory", "/sys/fs/cgroup/memory/web"}, {"", "/sys/fs/cgroup/unified/web"}};
  const Paths below = v2_below(paths, "a/b");
  CHECK(below.path == "/web/a/b");
  CHECK(below.directories == Directories{{"", "/sys/fs/cgroup/unified/web/a/b"}});
  const Paths with = with_v2_below(paths, "own");
  CHECK(with.path == "/web/own");
  CHECK(with.directories == Directories{{"memory", "/sys/fs/cgroup/memory/web"},
                                        {"", "/sys/fs/cgroup/unified/web/own"}});

  paths.directories.pop_back();
  CHECK(v2_below(paths, "own").directories.empty());
  CHECK(with_v2_below(paths, "own").path == "/web");
  CHECK(with_v2_below(paths, "own").directories == paths.directories);
}

TEST_CASE("a relative cgroupsPath needs the caller's cgroup in sight", "[linux]") {
  CHECK(resolve(v2_layout(""), "web", "id").error().text() ==
        "linux.cgroupsPath: \"web\" is relative to the caller's cgroup, which lies outside "
        "/sys/fs/cgroup");
  CHECK(resolve(v2_layout(""), "", "id")->path == "/id");
}

TEST_CASE("without cgroups only a cgroupsPath asks for one", "[linux]") {
  CHECK(resolve(Layout(), "", "web")->directories.empty());
  CHECK(resolve(Layout(), "/web", "web").error().text() ==
        "linux.cgroupsPath: no cgroup hierarchy is mounted on this host");
}

TEST_CASE("without a cgroup limits and freezing are refused, the rest is nothing", "[linux]") {
  const auto none = open(Paths());
  spec::Resources resources;
  resources.devices.resize(1);
  CHECK(none->create(resources));
  CHECK(none->apply_limits(resources));
  CHECK_FALSE(*none->v2_directory());
  CHECK(none->processes()->empty());
  CHECK(none->remove());
  CHECK(none->freeze(true).error().text() ==
        "the container cannot be frozen or thawed, as cgroups are disabled");
  resources.pids_limit = 5;
  CHECK(none->apply_limits(resources).error().text() ==
        "linux.resources: no limit can be set, as cgroups are disabled");
}
