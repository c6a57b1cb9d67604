#include <catch2/catch.hpp>

#include "src/container/state.h"
#include "src/container/store.h"

using namespace skiff;
using container::Record;

namespace {

Record full_record() {
  Record record;
  record.id = "web";
  record.oci_version = "1.2.0";
  record.bundle = "/bundle";
  record.rootfs = "/bundle/rootfs";
  record.created = "2026-01-02T03:04:05.000000006Z";
  record.owner = 1000;
  record.pid = 42;
  record.start_time = 123456789;
  record.ready = true;
  record.cgroup.path = "/web";
  record.cgroup.directories = {{"memory", "/sys/fs/cgroup/memory/web"}, {"", "/sys/fs/cgroup/web"}};
  record.cgroup.kept = {"/sys/fs/cgroup/web"};
  record.annotations = {{"a.b", "c\"\n"}};
  record.namespaces = {{spec::NamespaceType::Pid, ""}, {spec::NamespaceType::Network, "/run/n"}};
  record.has_process = false;
  record.listener_path = "/run/agent.sock";
  record.listener_metadata = "a=\"b\"";
  record.no_new_keyring = record.has_seccomp = record.has_poststart = record.has_poststop = true;
  net_devices::Address address{2, 24, 128, std::string("\x0a\x00\xff\x01", 4), "peer", ""};
  record.net_devices = {{"eth1", "eth0", true, {address, address}}, {"eth2", "eth2", false, {}}};
  record.resctrl = {"/sys/fs/resctrl/web", "/sys/fs/resctrl/web/mon_groups/web", true};
  return record;
}

}  // namespace

TEST_CASE("a record survives its file with every field", "[container]") {
  const std::string json = container::to_json(full_record());
  const auto read = container::record_from_json(json);
  REQUIRE(read);
  CHECK(container::to_json(*read) == json);
  CHECK(read->start_time == 123456789);
  CHECK(read->cgroup.directories == full_record().cgroup.directories);
  CHECK(read->cgroup.kept == full_record().cgroup.kept);
  CHECK(read->namespaces.at(1).path == "/run/n");
}

TEST_CASE("list reads of a record what it shows, and where the freezer is", "[container]") {
  Record full = full_record();
  full.cgroup.directories.insert(full.cgroup.directories.begin(),
                                 {"freezer", "/sys/fs/cgroup/freezer/web"});
  const auto listed = container::listed_record_from_json(container::to_json(full));
  REQUIRE(listed);
  for (const bool compact : {true, false})
    CHECK(container::state_json(*listed, container::Status::Running, compact) ==
          container::state_json(full, container::Status::Running, compact));
  CHECK(listed->start_time == full.start_time);
  CHECK(listed->ready);
  REQUIRE(listed->cgroup.directories.size() == 1);
  CHECK(listed->cgroup.directories[0].first == "freezer");
  const auto on_v2 = container::listed_record_from_json(container::to_json(full_record()));
  REQUIRE(on_v2);
  REQUIRE(on_v2->cgroup.directories.size() == 1);
  CHECK(on_v2->cgroup.directories[0].second == "/sys/fs/cgroup/web");
  CHECK_FALSE(container::listed_record_from_json("{}"));
}

TEST_CASE("a record that is damaged is an error, not a guess", "[container]") {
  CHECK_FALSE(container::record_from_json("{}"));
  CHECK(container::record_from_json(R"({"id": 1})").error().text() ==
        "id: expected string, found unsigned integer");
  CHECK_FALSE(container::record_from_json(container::to_json(full_record()).substr(0, 40)));
}

TEST_CASE("ids are 1 to 1024 of a small alphabet", "[container]") {
  for (const char* id : {"a", "web-1", "A_b+c.d", "..a"}) CHECK(container::check_id(id));
  for (const char* id : {"", ".", "..", "a/b", "../x", "a b", "a\n", "ä"})
    CHECK_FALSE(container::check_id(id));
  CHECK(container::check_id(std::string(1024, 'x')));
  CHECK_FALSE(container::check_id(std::string(1025, 'x')));
  CHECK(container::check_id("a/b").error().text() ==
        "invalid container id \"a/b\": 1 to 1024 of letters, digits and _ + . -");
}

TEST_CASE("hooks read the state of the specification and nothing else", "[container]") {
  CHECK(container::hook_state(full_record(), container::Status::Creating) ==
        R"({"ociVersion":"1.3.0","id":"web","pid":42,"status":"creating","bundle":"/bundle",)"
        R"("annotations":{"a.b":"c\"\n"}})");
}

TEST_CASE("an agent reads the state of the process and the container's in it", "[container]") {
  CHECK(container::process_state(full_record(), container::Status::Running, 43) ==
        R"({"ociVersion":"1.3.0","fds":["seccompFd"],"pid":43,"metadata":"a=\"b\"","state":)"
        R"({"ociVersion":"1.3.0","id":"web","pid":42,"status":"running","bundle":"/bundle",)"
        R"("annotations":{"a.b":"c\"\n"}}})");
  Record plain = full_record();
  plain.listener_metadata.clear();
  CHECK(container::process_state(plain, container::Status::Created, 42).find("metadata") ==
        std::string::npos);
}

TEST_CASE("a stopped container has no pid", "[container]") {
  CHECK(container::hook_state(full_record(), container::Status::Stopped).find(R"("pid":0)") !=
        std::string::npos);
}
