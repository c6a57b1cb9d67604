#include "src/launch/cgroup_owner.h"

#include <catch2/catch.hpp>

using namespace skiff;
using launch::cgroup_owner;

namespace {

spec::Spec delegating(uint32_t uid) {
  spec::Spec spec;
  spec.process.emplace();
  spec.process->user.uid = uid;
  spec.linux.namespaces = {{spec::NamespaceType::Cgroup, ""}};
  spec.mounts = {{"/sys/fs/cgroup", "cgroup", "cgroup", {"rw", "nosuid"}}};
  return spec;
}

}  // namespace

TEST_CASE("the cgroup belongs to the user who may write to it inside", "[launch]") {
  CHECK(cgroup_owner(delegating(1000)) == 1000u);
  CHECK_FALSE(cgroup_owner(delegating(0)));
  spec::Spec mapped = delegating(5);
  mapped.linux.namespaces.push_back({spec::NamespaceType::User, ""});
  mapped.linux.uid_mappings = {{0, 100000, 10}};
  CHECK(cgroup_owner(mapped) == 100005u);
  mapped.process->user.uid = 0;
  CHECK(cgroup_owner(mapped) == 100000u);
  mapped.process->user.uid = 11;
  CHECK_FALSE(cgroup_owner(mapped));
  mapped.process.reset();
  CHECK(cgroup_owner(mapped) == 100000u);
}

TEST_CASE("a cgroup is not given away that is shared, hidden or read-only inside", "[launch]") {
  spec::Spec spec = delegating(1000);
  spec.mounts[0].options.push_back("ro");
  CHECK_FALSE(cgroup_owner(spec));
  spec = delegating(1000);
  spec.mounts.clear();
  CHECK_FALSE(cgroup_owner(spec));
  spec = delegating(1000);
  spec.linux.namespaces[0].path = "/proc/1/ns/cgroup";
  CHECK_FALSE(cgroup_owner(spec));
  spec = delegating(1000);
  spec.linux.namespaces.clear();
  CHECK_FALSE(cgroup_owner(spec));
}

TEST_CASE("a container's root is its user namespace's, else the host's", "[launch]") {
  spec::Spec spec = delegating(1000);
  CHECK(launch::container_root(spec) == 0);
  spec.linux.uid_mappings = {{1, 5, 1}, {0, 100000, 10}};
  CHECK(launch::container_root(spec) == 100000);
}
