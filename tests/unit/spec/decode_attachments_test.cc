#include <catch2/catch.hpp>

#include "tests/unit/spec/config_text.h"

using namespace skiff;
using namespace skiff::spec;

namespace {

const std::string kNetwork =
    R"("namespaces": [{"type": "mount"}, {"type": "network"}], "netDevices": )";

}  // namespace

TEST_CASE("network devices keep their name or get one", "[spec]") {
  const auto devices =
      decoded(with_linux(kNetwork + R"({"eth0": {}, "eth1": {"name": "wan"}, "eth2": null,
                                       "a": {"name": "p%d"}, "b": {"name": "p%d"}})"))
          .linux.net_devices;
  REQUIRE(devices.size() == 5);
  CHECK(devices[0].container_name == "eth0");
  CHECK(devices[1].host_name == "eth1");
  CHECK(devices[1].container_name == "wan");
  CHECK(devices[2].container_name == "eth2");
  CHECK(devices[4].container_name == "p%d");
}

TEST_CASE("what cannot be a network device is refused", "[spec]") {
  const std::pair<const char*, const char*> table[] = {
      {"[]", "linux.netDevices: expected object, found array"},
      {R"({"eth0": 1})", "linux.netDevices.eth0: expected object, found unsigned integer"},
      {R"({"eth0": {"name": 1}})",
       "linux.netDevices.eth0.name: expected string, found unsigned integer"},
      {R"({"eth0": {"name": "a/b"}})",
       "linux.netDevices.eth0.name: \"a/b\" is not the name of a network device"},
      {R"({"eth0": {"name": "a b"}})",
       "linux.netDevices.eth0.name: \"a b\" is not the name of a network device"},
      {R"({"eth0": {"name": "%s"}})",
       "linux.netDevices.eth0.name: \"%s\" is not the name of a network device"},
      {R"({"eth0": {"name": "%d%d"}})",
       "linux.netDevices.eth0.name: \"%d%d\" is not the name of a network device"},
      {R"({"eth0": {"name": ".."}})",
       "linux.netDevices.eth0.name: \"..\" is not the name of a network device"},
      {R"({"p%d": {}})", "linux.netDevices.p%d: not the name of a network device"},
      {R"({"sixteen-letters-": {}})",
       "linux.netDevices.sixteen-letters-: not the name of a network device"},
      {R"({"a": {"name": "x"}, "b": {"name": "x"}})",
       "linux.netDevices.b: a is to be called x, too"},
  };
  for (const auto& [json, error] : table) {
    INFO(json);
    CHECK(refusal(with_linux(kNetwork + json)) == error);
  }
  CHECK(refusal(with_linux(R"("netDevices": {"eth0": {}})")) ==
        "linux.netDevices: needs a \"network\" entry in linux.namespaces");
}

TEST_CASE("intelRdt is read in the forms of all versions", "[spec]") {
  const auto rdt = decoded(with_linux(R"("intelRdt": {"closID": "gold",
      "schemata": ["L3:0=f", "MB:0=20"], "l3CacheSchema": "L3:0=f\nL2:1=3",
      "memBwSchema": "MB:1=7", "enableMonitoring": true})"))
                       .linux.intel_rdt;
  REQUIRE(rdt);
  CHECK(rdt->closid == "gold");
  CHECK(rdt->schemata == std::vector<std::string>{"L3:0=f", "MB:0=20"});
  CHECK(rdt->l3_cache_schema == "L3:0=f\nL2:1=3");
  CHECK(rdt->mem_bw_schema == "MB:1=7");
  CHECK(rdt->monitoring);
  CHECK(decoded(with_linux(R"("intelRdt": {"enableCMT": true})")).linux.intel_rdt->monitoring);
  CHECK(decoded(with_linux(R"("intelRdt": {"enableMBM": true})")).linux.intel_rdt->monitoring);
  CHECK(decoded(with_linux(R"("intelRdt": {"closID": "/"})")).linux.intel_rdt->closid == "/");
  CHECK_FALSE(decoded(with_linux(R"("intelRdt": {})")).linux.intel_rdt->closid);
  CHECK_FALSE(decoded(with_linux(R"("sysctl": {})")).linux.intel_rdt);
}

TEST_CASE("a wrong intelRdt is refused by name", "[spec]") {
  const std::pair<const char*, const char*> table[] = {
      {"[]", "intelRdt: expected object, found array"},
      {R"({"closID": 1})", "intelRdt.closID: expected string, found unsigned integer"},
      {R"({"closID": "a/b"})", R"(intelRdt.closID: "a/b" is not the name of a group)"},
      {R"({"closID": ".."})", R"(intelRdt.closID: ".." is not the name of a group)"},
      {R"({"closID": "info"})", R"(intelRdt.closID: "info" is not the name of a group)"},
      {R"({"schemata": "L3:0=f"})", "intelRdt.schemata: expected array, found string"},
      {R"({"schemata": ["L3:0=f\nMB:0=1"]})",
       R"(intelRdt.schemata[0]: "L3:0=f\nMB:0=1" is not one line)"},
      {R"({"schemata": [""]})", R"(intelRdt.schemata[0]: "" is not one line)"},
      {R"({"l3CacheSchema": 1})",
       "intelRdt.l3CacheSchema: expected string, found unsigned integer"},
      {R"({"memBwSchema": "L3:0=f"})", R"(intelRdt.memBwSchema: "L3:0=f" does not begin with MB:)"},
      {R"({"memBwSchema": "MB:0=1\nMB:1=1"})", "intelRdt.memBwSchema: more than one line"},
      {R"({"enableMonitoring": 1})",
       "intelRdt.enableMonitoring: expected boolean, found unsigned integer"},
  };
  for (const auto& [json, error] : table) {
    INFO(json);
    CHECK(refusal(with_linux("\"intelRdt\": " + std::string(json))) ==
          "linux." + std::string(error));
  }
}
