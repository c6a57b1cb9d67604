// Compiled filters kept below the root directory, and what they must not become.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

void refuse_mkdir(Bundle& bundle, int code) {
  bundle.set("/linux/seccomp",
             R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"],
                 "action": "SCMP_ACT_ERRNO", "errnoRet": )" +
                 std::to_string(code) + "}]}");
}

std::string cache_of(const Bundle& bundle) { return bundle.state_root() + "/.seccomp:cache"; }

std::string error_of_mkdir(Bundle& bundle) {
  return Container(bundle.args({"/bin/mkdir", "/tmp/x"})).run().err;
}

TEST_CASE("profiles that differ in one number have their own filters", "[seccomp]") {
  SKIFF_ONLY("has this cache");
  Bundle bundle;
  for (int round = 0; round < 2; ++round) {
    refuse_mkdir(bundle, ENOSPC);
    CHECK_THAT(error_of_mkdir(bundle), Catch::Contains("No space left on device"));
    refuse_mkdir(bundle, EXDEV);
    CHECK_THAT(error_of_mkdir(bundle), Catch::Contains("Invalid cross-device link"));
  }
  CHECK(list_directory(cache_of(bundle)).size() == 2);
  CHECK(runtime(bundle, {"list", "-q"}).out.empty());
}

TEST_CASE("exec has the filter of create, whatever became of cache and bundle", "[seccomp]") {
  SKIFF_ONLY("has this cache");
  Bundle bundle;
  refuse_mkdir(bundle, ENOSPC);
  Container first(bundle.sh("sleep 1000"));
  Container second(bundle);
  first.launch();   // compiles
  second.launch();  // finds
  refuse_mkdir(bundle, EXDEV);
  for (Container* container : {&first, &second})
    CHECK_THAT(container->sh("mkdir /tmp/x").err, Catch::Contains("No space left on device"));
  for (const std::string& file : list_directory(cache_of(bundle)))
    ::unlink((cache_of(bundle) + "/" + file).c_str());
  CHECK_THAT(second.sh("mkdir /tmp/x").err, Catch::Contains("No space left on device"));
}

TEST_CASE("a cache that was tampered with is not believed", "[seccomp]") {
  SKIFF_ONLY("has this cache");
  Bundle bundle;
  refuse_mkdir(bundle, ENOSPC);
  CHECK_THAT(error_of_mkdir(bundle), Catch::Contains("No space left on device"));
  const auto files = list_directory(cache_of(bundle));
  REQUIRE(files.size() == 1);
  const std::string file = cache_of(bundle) + "/" + files.front();
  const std::string genuine = read_file(file);

  SECTION("a program that allows everything") {
    std::string forged = genuine;
    // The last instruction of the program that gives an errno.
    const size_t at = forged.rfind(std::string("\x06\0\0\0\x1c\0\x05\0", 8));
    REQUIRE(at != std::string::npos);
    forged.replace(at, 8, std::string("\x06\0\0\0\0\0\xff\x7f", 8));
    write_file(file, forged);
  }
  SECTION("nothing") { write_file(file, ""); }
  SECTION("half of it") { write_file(file, genuine.substr(0, genuine.size() / 2)); }
  SECTION("another owner") { REQUIRE(::chown(file.c_str(), 1000, 1000) == 0); }
  SECTION("another mode") { REQUIRE(::chmod(file.c_str(), 0666) == 0); }
  SECTION("a directory of others") { REQUIRE(::chmod(cache_of(bundle).c_str(), 0777) == 0); }
  SECTION("no directory") {
    ::unlink(file.c_str());
    ::rmdir(cache_of(bundle).c_str());
    write_file(cache_of(bundle), "");
  }
  for (int round = 0; round < 2; ++round)
    CHECK_THAT(error_of_mkdir(bundle), Catch::Contains("No space left on device"));
}

TEST_CASE("wrong profiles are refused beside a cache, too", "[seccomp]") {
  SKIFF_ONLY("has this cache");
  Bundle bundle;
  refuse_mkdir(bundle, ENOSPC);
  CHECK_THAT(error_of_mkdir(bundle), Catch::Contains("No space left on device"));
  refuse_mkdir(bundle, 5000);
  CHECK_THAT(Container(bundle).create().err,
             Catch::Contains("linux.seccomp.syscalls[0].errnoRet: 5000 is out of range"));
}

TEST_CASE("unknown calls are refused where an annotation says so", "[seccomp]") {
  DIFFERS(Runc, "has no such annotation");
  Bundle bundle;
  bundle.set("/linux/seccomp", R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
      {"names": ["mkdir", "no_such_call_yet"], "action": "SCMP_ACT_LOG"}]})");
  CHECK(Container(bundle).run().ok());
  bundle.set("/annotations", R"({"run.oci.seccomp_fail_unknown_syscall": "1"})");
  const Output output = Container(bundle).create();
  CHECK_FALSE(output.ok());
  CHECK_THAT(output.err, Catch::Contains("no_such_call_yet"));
}

TEST_CASE("a program can come in an annotation", "[seccomp]") {
  SKIFF_ONLY("compiles programs by themselves");
  Bundle bundle;
  refuse_mkdir(bundle, ENOSPC);
  const std::string config = bundle.path("it-unused") + "/config.json";
  const std::string program = bundle.file("program");
  REQUIRE(runtime({"seccomp", "compile", "-o", program, config}).ok());
  const Output encoded = Command({"/usr/bin/base64", "-w0", program}).wait();
  bundle.remove("/linux/seccomp");
  bundle.set("/annotations", R"({"run.oci.seccomp_bpf_data": )" + quote(encoded.out) + "}");
  CHECK_THAT(error_of_mkdir(bundle), Catch::Contains("No space left on device"));
  bundle.set("/annotations", R"({"run.oci.seccomp_bpf_data": "AAAA"})");
  CHECK_THAT(error_of_mkdir(bundle),
             Catch::Contains("annotations.run.oci.seccomp_bpf_data: malformed program"));
  bundle.set("/annotations", R"({"run.oci.seccomp_bpf_data": "%"})");
  CHECK_THAT(error_of_mkdir(bundle), Catch::Contains("seccomp_bpf_data: not base64"));
}

}  // namespace
}  // namespace tests
