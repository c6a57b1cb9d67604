// validate: everything that is wrong with a bundle, in the configuration and on this host.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

Output validate(Bundle& bundle, const Words& flags = {}) {
  Words words{"validate"};
  words.insert(words.end(), flags.begin(), flags.end());
  words.push_back(bundle.path("validated"));
  return runtime(words);
}

TEST_CASE("validate has no error to tell of a bundle that runs", "[validate]") {
  SKIFF_ONLY("the command is its own");
  Bundle bundle;
  const Output output = validate(bundle);
  INFO(output.out);
  CHECK(output.ok());
  CHECK_THAT(output.out, Catch::Contains("0 errors, "));
  CHECK_THAT(output.out, !Catch::Contains("error: "));
}

TEST_CASE("validate tells all errors at once, each by its path, and exits with 1", "[validate]") {
  SKIFF_ONLY("the command is its own");
  Bundle bundle;
  bundle.set("/process/cwd", "\"rel\"").set("/process/oomScoreAdj", "5000");
  bundle.set("/mounts/0/options", "\"ro\"").set("/linux/maskedPath", "[]");
  const Leftovers leftovers(bundle);
  const Output output = validate(bundle);
  CHECK(output.status == 1);
  CHECK(output.err == "");
  for (const char* line : {
           "error: process.cwd: \"rel\" is not an absolute path\n",
           "error: process.oomScoreAdj: 5000 is out of range, -1000 to 1000\n",
           "error: mounts[0].options: expected array, found string\n",
           "advice: linux.maskedPath: unknown, has no effect (hint: perhaps \"maskedPaths\") "
           "[unknown-field]\n",
       })
    CHECK_THAT(output.out, Catch::Contains(line));
  CHECK(leftovers.found() == "");
}

TEST_CASE("validate looks for the program and what it needs", "[validate]") {
  SKIFF_ONLY("the command is its own");
  Bundle bundle;
  bundle.args({"nowhere"});
  CHECK_THAT(validate(bundle).out, Catch::Contains("error: process.args[0]: \"nowhere\" is in no "
                                                   "directory of PATH\n"));
  bundle.args({"/no/where"});
  CHECK_THAT(validate(bundle).out, Catch::Contains("error: process.args[0]: \"/no/where\" is not "
                                                   "in the root file system\n"));
  write_file(bundle.rootfs() + "/script", "#!/no/interpreter -x\n", 0755);
  bundle.args({"/script"});
  CHECK_THAT(validate(bundle).out,
             Catch::Contains("error: process.args[0]: /script needs the interpreter "
                             "\"/no/interpreter\", which is not in the root file system\n"));
  write_file(bundle.rootfs() + "/script", "#!/bin/sh\n", 0644);
  CHECK_THAT(validate(bundle).out,
             Catch::Contains("error: process.args[0]: \"/script\" is not an executable file\n"));
  CHECK(validate(bundle, {"--no-host"}).ok());
  // What a mount will bring is not there yet.
  bundle.args({"/later/program"}).mount("/later", "tmpfs", "tmpfs");
  CHECK(validate(bundle).ok());
}

TEST_CASE("validate names the loader that a dynamic program lacks", "[validate]") {
  SKIFF_ONLY("the command is its own");
  NEEDS(run_command({"grep", "-q", "ld-linux", "/bin/ls"}).ok(), "a dynamic /bin/ls");
  Bundle bundle;
  REQUIRE(run_command({"cp", "/bin/ls", bundle.rootfs() + "/dynamic"}).ok());
  bundle.args({"/dynamic"});
  const Output output = validate(bundle);
  CHECK(output.status == 1);
  CHECK_THAT(output.out,
             Catch::Contains("error: process.args[0]: /dynamic needs the loader \"/lib"));
}

TEST_CASE("validate looks for sources, namespaces and hooks", "[validate]") {
  SKIFF_ONLY("the command is its own");
  Bundle bundle;
  bundle.mount("/x", "bind", "/no/source").ns("ipc", "/no/namespace");
  bundle.set("/hooks/poststop", R"([{"path": "/no/hook"}])");
  const Output output = validate(bundle);
  CHECK(output.status == 1);
  CHECK_THAT(output.out, Catch::Contains("].source: /no/source: No such file or directory\n"));
  CHECK_THAT(output.out, Catch::Contains("].path: open /no/namespace: No such file or directory"));
  CHECK_THAT(output.out,
             Catch::Contains("error: hooks.poststop[0].path: /no/hook: No such file or directory"));
}

TEST_CASE("validate prints JSON", "[validate]") {
  SKIFF_ONLY("the command is its own");
  Bundle bundle;
  bundle.set("/process/cwd", "\"rel\"").set("/process/noNewPrivileges", "false");
  const Json found = parse_json(validate(bundle, {"--format", "json"}).out);
  REQUIRE(found.IsObject());
  CHECK(json_at(found, "/valid") == "false");
  CHECK(string_at(found, "/errors/0/path") == "process.cwd");
  CHECK(string_at(found, "/errors/0/message") == "\"rel\" is not an absolute path");
  CHECK(string_at(found, "/advice/0/rule") == "no-new-privileges");
  CHECK(string_at(found, "/advice/0/path") == "process.noNewPrivileges");
}

TEST_CASE("validate tells when there is nothing to read", "[validate]") {
  SKIFF_ONLY("the command is its own");
  Bundle bundle;
  bundle.raw("{");
  const Output output = validate(bundle);
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::StartsWith("skiff: validate: config.json: line 1, column 2"));
  CHECK_THAT(runtime({"validate", "/no/where"}).err,
             Catch::Contains("/no/where/config.json: No such file or directory"));
}

}  // namespace
}  // namespace tests
