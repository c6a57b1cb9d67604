// User namespaces joined, with and without their mappings; supplementary groups.
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

std::string namespace_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/ns/" + file;
}

/// A container with all namespaces of its own, for others to join.
struct Donor {
  Donor() : container(bundle) {
    bundle.user_namespace(250000, 7000).ns("cgroup").sh("sleep 1000");
    container.launch();
  }
  Bundle bundle;
  Container container;
};

TEST_CASE("mappings that are those of the user namespace to join are accepted", "[userns]") {
  Donor donor;
  Bundle bundle;
  bundle.user_namespace(250000, 7000);
  bundle.ns("user", namespace_path(donor.container.pid(), "user"));
  // The same, cut otherwise.
  if (testing(Program::Skiff))
    bundle.set("/linux/uidMappings", R"([{"containerID": 1000, "hostID": 251000, "size": 6000},
                                         {"containerID": 0, "hostID": 250000, "size": 1000}])");
  const Output output = Container(bundle).run();
  INFO(output.err);
  CHECK(output.ok());
}

TEST_CASE("mappings other than those of the user namespace to join are refused", "[userns]") {
  SKIFF_ONLY("and newer runcs compare them");
  Donor donor;
  for (const char* field : {"uidMappings", "gidMappings"}) {
    Bundle bundle;
    bundle.user_namespace(250000, 7000);
    bundle.ns("user", namespace_path(donor.container.pid(), "user"));
    bundle.set((std::string("/linux/") + field).c_str(),
               R"([{"containerID": 0, "hostID": 250000, "size": 6999}])");
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    CHECK_THAT(output.err,
               Catch::Contains("linux." + std::string(field) +
                               ": the user namespace to join has other ones: \"0 250000 7000\""));
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("all namespaces of a container are joined, in whatever order they are listed",
          "[userns][namespaces]") {
  Donor donor;
  const char* const kinds[][2] = {{"user", "user"}, {"pid", "pid"}, {"network", "net"},
                                  {"ipc", "ipc"},   {"uts", "uts"}, {"cgroup", "cgroup"}};
  for (const bool user_first : {true, false}) {
    INFO("user first: " << user_first);
    Bundle bundle;
    bundle.user_namespace(250000, 7000).remove("/hostname").sh("sleep 100");
    bundle.set("/linux/namespaces", R"([{"type": "mount"}])");
    for (size_t i = 0; i < std::size(kinds); ++i) {
      const auto& kind = kinds[user_first ? i : std::size(kinds) - 1 - i];
      bundle.ns(kind[0], namespace_path(donor.container.pid(), kind[1]));
    }
    Container container(bundle);
    const Output created = container.create();
    INFO(created.err);
    REQUIRE(created.ok());
    REQUIRE(container.start().ok());
    for (const auto& kind : kinds) {
      INFO(kind[0]);
      CHECK(read_link(namespace_path(container.pid(), kind[1])) ==
            read_link(namespace_path(donor.container.pid(), kind[1])));
    }
  }
}

TEST_CASE("to join the user namespace that the runtime is in is nothing to do", "[userns]") {
  SKIFF_ONLY("sees that it is there already");
  Bundle bundle;
  bundle.ns("user", "/proc/self/ns/user");
  const Output output = Container(bundle.sh("readlink /proc/self/ns/user")).run();
  INFO(output.err);
  CHECK(trim(output.out) == read_link("/proc/self/ns/user"));
}

TEST_CASE("the caller's groups are kept where the annotation says so", "[annotations]") {
  DIFFERS(Runc, "does not know crun's annotation");
  const auto groups_with = [](Bundle& bundle, const Words& rest) {
    Container container(bundle);
    int status = -1;
    const std::string out = bundle.file("out");
    status = in_child([&] {
      const gid_t groups[] = {4242, 4243};
      if (::setgroups(2, groups) < 0) return 1;
      CommandOptions options;
      const Output output = run_command(container.words("run", rest), options);
      write_file(out, output.out);
      return output.ok() ? 0 : 2;
    });
    CHECK(status == 0);
    return field(read_file(out), "Groups");
  };
  Bundle bundle;
  bundle.args({"/bin/cat", "/proc/self/status"});
  CHECK(groups_with(bundle, {}) == "");
  bundle.set("/annotations", R"({"run.oci.keep_original_groups": "1"})");
  CHECK(groups_with(bundle, {}) == "4242 4243");
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000, "additionalGids": [7]})");
  CHECK(groups_with(bundle, {}) == "4242 4243");
  bundle.set("/annotations", R"({"run.oci.keep_original_groups": "0"})");
  CHECK(groups_with(bundle, {}) == "7");
  bundle.set("/annotations", R"({"run.oci.keep_original_groups": "1"})").user_namespace();
  CHECK(groups_with(bundle, {}) == "65534 65534");
}

TEST_CASE("an annotation that is neither yes nor no is refused", "[annotations]") {
  SKIFF_ONLY("looks at the value");
  Bundle bundle;
  bundle.set("/annotations", R"({"run.oci.keep_original_groups": "perhaps"})");
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("annotations.run.oci.keep_original_groups: \"perhaps\" is "
                                         "neither 0 nor 1"));
}

/// Whether newuidmap(1) would give user 1000 what the tests ask for.
bool has_subordinate_ids() {
  const passwd* user = ::getpwuid(1000);
  if (user == nullptr || !exists("/usr/bin/newuidmap")) return false;
  const std::string grant = std::string(user->pw_name) + ":100000:65536";
  return contains(read_file("/etc/subuid"), grant) && contains(read_file("/etc/subgid"), grant);
}

/// A container of user 1000, with no cgroup of its own.
Output run_as_user(Bundle& bundle, const std::string& ids, const std::string& process_user,
                   const std::string& script) {
  bundle.ns("user").remove("/linux/resources");
  bundle.set("/linux/uidMappings", ids).set("/linux/gidMappings", ids);
  bundle.without_cgroups_path().set("/process/user", process_user).sh(script);
  const std::string path = bundle.path("rootless");
  make_directories(bundle.file("user-state"));
  CHECK(::chown(bundle.file("user-state").c_str(), 1000, 1000) == 0);
  CommandOptions options;
  options.cwd = "/";
  return runtime_as_user({"--root", bundle.file("user-state"), "--cgroup-manager", "disabled",
                          "run", "--bundle", path, "rootless"},
                         options);
}

TEST_CASE("an ordinary user maps the own id without help", "[userns][rootless]") {
  SKIFF_ONLY("and crun need no root");
  Bundle bundle;
  const Output output =
      run_as_user(bundle, R"([{"containerID": 0, "hostID": 1000, "size": 1}])",
                  R"({"uid": 0, "gid": 0})", "id -u; cat /proc/self/uid_map /proc/self/setgroups");
  INFO(output.err);
  const Words found = lines(output.out);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == "0");
  CHECK_THAT(found[1], Catch::Matches(" *0 +1000 +1"));
  CHECK(found[2] == "deny");
}

TEST_CASE("an ordinary user's groups cannot be set where setgroups is denied",
          "[userns][rootless]") {
  SKIFF_ONLY("tells it at once");
  Bundle bundle;
  const Output output = run_as_user(bundle, R"([{"containerID": 0, "hostID": 1000, "size": 1}])",
                                    R"({"uid": 0, "gid": 0, "additionalGids": [0]})", "true");
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("process.user.additionalGids: setgroups is denied to an "
                                         "unprivileged user (hint:"));
}

TEST_CASE("an ordinary user maps more ids through newuidmap and newgidmap", "[userns][rootless]") {
  SKIFF_ONLY("and crun need no root");
  NEEDS(has_subordinate_ids(), "user 1000 has no subordinate ids, or newuidmap is not here");
  Bundle bundle;
  const Output output = run_as_user(bundle, R"([{"containerID": 0, "hostID": 1000, "size": 1},
                  {"containerID": 1, "hostID": 100000, "size": 65536}])",
                                    R"({"uid": 5, "gid": 6, "additionalGids": [7]})",
                                    "id -u; id -G; wc -l < /proc/self/uid_map");
  INFO(output.err);
  CHECK(output.out == "5\n6 7\n2\n");

  Bundle stranger;
  const Output refused = run_as_user(stranger, R"([{"containerID": 0, "hostID": 1000, "size": 1},
                               {"containerID": 1, "hostID": 900000, "size": 65536}])",
                                     R"({"uid": 0, "gid": 0})", "true");
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("linux.uidMappings: newuidmap failed:") &&
                              Catch::Contains("grant the ids in /etc/subuid"));
}

}  // namespace
}  // namespace tests
