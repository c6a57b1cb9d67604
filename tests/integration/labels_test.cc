// Labels of Linux security modules: process.apparmorProfile and selinuxLabel.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

bool has_apparmor() { return trim(read_file("/sys/module/apparmor/parameters/enabled")) == "Y"; }
bool has_selinux() { return exists("/sys/fs/selinux/enforce"); }

/// An AppArmor profile for one test, which allows all but writing below /tmp/denied.
class Profile {
 public:
  explicit Profile(const std::string& suffix = "")
      : name_("skiff-test-" + std::to_string(::getpid()) + suffix) {
    file_ = environment().scratch + "/" + name_;
    write_file(
        file_,
        "profile " + name_ +
            " flags=(attach_disconnected,mediate_deleted) {\n"
            "  file,\n  capability,\n  network,\n  mount,\n  umount,\n  signal,\n"
            "  ptrace,\n  unix,\n  pivot_root,\n  change_profile,\n  deny /tmp/denied w,\n}\n");
    loaded_ = run_command({"apparmor_parser", "--replace", "--skip-cache", file_}).ok();
  }
  ~Profile() {
    if (loaded_) run_command({"apparmor_parser", "--remove", file_});
  }
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  bool loaded() const { return loaded_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::string file_;
  bool loaded_ = false;
};

TEST_CASE("an AppArmor profile confines the process", "[labels][apparmor]") {
  NEEDS(has_apparmor(), "AppArmor is not enabled");
  const Profile profile;
  NEEDS(profile.loaded(), "apparmor_parser cannot load a profile");
  for (const char* privileges : {"true", "false"}) {
    INFO("noNewPrivileges " << privileges);
    Bundle bundle;
    bundle.set("/process/apparmorProfile", quote(profile.name()));
    bundle.set("/process/noNewPrivileges", privileges);
    bundle.sh("cat /proc/self/attr/current; touch /tmp/allowed && echo allowed; touch /tmp/denied");
    const Output output = Container(bundle).run();
    INFO(output.err);
    CHECK(output.out == profile.name() + " (enforce)\nallowed\n");
    CHECK_THAT(output.err, Catch::Contains("Permission denied"));
  }
}

TEST_CASE("an AppArmor profile holds for another user and in a user namespace",
          "[labels][apparmor][userns]") {
  NEEDS(has_apparmor(), "AppArmor is not enabled");
  const Profile profile;
  NEEDS(profile.loaded(), "apparmor_parser cannot load a profile");
  Bundle bundle;
  bundle.set("/process/apparmorProfile", quote(profile.name()));
  bundle.set("/process/user", R"({"uid": 1000, "gid": 1000})");
  CHECK(output_of(bundle, "cat /proc/self/attr/current") == profile.name() + " (enforce)\n");
  bundle.user_namespace();
  CHECK(output_of(bundle, "cat /proc/self/attr/current") == profile.name() + " (enforce)\n");
}

TEST_CASE("exec has the container's AppArmor profile, or one of its own",
          "[labels][apparmor][exec]") {
  NEEDS(has_apparmor(), "AppArmor is not enabled");
  const Profile profile;
  NEEDS(profile.loaded(), "apparmor_parser cannot load a profile");
  Bundle bundle;
  bundle.sh("sleep 100").set("/process/apparmorProfile", quote(profile.name()));
  Container container(bundle);
  container.launch();
  CHECK(container.sh("cat /proc/self/attr/current").out == profile.name() + " (enforce)\n");
  const Output other =
      container.exec({"--apparmor", "unconfined"}, {"/bin/cat", "/proc/self/attr/current"});
  CHECK(other.out == "unconfined\n");

  Bundle free_bundle;
  Container free(free_bundle.sh("sleep 100"));
  free.launch();
  const Output confined =
      free.exec({"--apparmor", profile.name()}, {"/bin/cat", "/proc/self/attr/current"});
  CHECK(confined.out == profile.name() + " (enforce)\n");
}

TEST_CASE("a runtime that is confined itself stacks the profile where it may gain nothing",
          "[labels][apparmor]") {
  SKIFF_ONLY("and newer cruns stack");
  NEEDS(has_apparmor(), "AppArmor is not enabled");
  const Profile outer("-outer");
  const Profile inner("-inner");
  NEEDS(outer.loaded() && inner.loaded(), "apparmor_parser cannot load a profile");
  NEEDS(exists("/usr/bin/aa-exec"), "aa-exec is not here");
  Bundle bundle;
  bundle.set("/process/apparmorProfile", quote(inner.name()));
  bundle.set("/process/noNewPrivileges", "true").args({"/bin/cat", "/proc/self/attr/current"});
  Container container(bundle);
  Words words{"aa-exec", "-p", outer.name(), "--"};
  for (const std::string& word : container.words("run", {})) words.push_back(word);
  const Output output = run_command(words);
  INFO(output.err);
  CHECK_THAT(output.out, Catch::Contains(outer.name()) && Catch::Contains(inner.name()));
}

TEST_CASE("an AppArmor profile that is not loaded fails create", "[labels][apparmor]") {
  NEEDS(has_apparmor(), "AppArmor is not enabled");
  Bundle bundle;
  bundle.set("/process/apparmorProfile", "\"no-such-profile\"");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  if (testing(Program::Skiff))
    CHECK_THAT(output.err, Catch::Contains("process.apparmorProfile: write "
                                           "`/proc/thread-self/attr/apparmor/exec`: ") &&
                               Catch::Contains("\"no-such-profile\" is not loaded"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("what the image has mounted on /proc does not take the label away",
          "[labels][apparmor][attack]") {
  NEEDS(has_apparmor(), "AppArmor is not enabled");
  SKIFF_ONLY("applies the label all the same; others refuse");
  const Profile profile;
  NEEDS(profile.loaded(), "apparmor_parser cannot load a profile");
  // CVE-2019-16884: a volume on /proc with files that look like those the label is written to.
  Bundle bundle;
  bundle.set("/process/apparmorProfile", quote(profile.name()));
  bundle.remove("/mounts/0");
  write_file(bundle.rootfs() + "/proc/self/attr/exec", "");
  write_file(bundle.rootfs() + "/proc/self/attr/apparmor/exec", "");
  write_file(bundle.rootfs() + "/proc/thread-self/attr/apparmor/exec", "");
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  CHECK(trim(read_file("/proc/" + std::to_string(container.pid()) + "/attr/current")) ==
        profile.name() + " (enforce)");
  CHECK(read_file(bundle.rootfs() + "/proc/thread-self/attr/apparmor/exec") == "");
}

TEST_CASE("what a container has mounted on its /proc does not take the label of exec away",
          "[labels][apparmor][attack][exec]") {
  NEEDS(has_apparmor(), "AppArmor is not enabled");
  SKIFF_ONLY("applies the label all the same; others refuse");
  const Profile profile;
  NEEDS(profile.loaded(), "apparmor_parser cannot load a profile");
  // CVE-2025-52881: the file that the label is written to replaced by another, or by a fake.
  const char* const scripts[] = {
      "mount -t tmpfs none /proc && mkdir -p /proc/self/attr/apparmor /proc/thread-self/attr && "
      "touch /proc/self/attr/exec /proc/thread-self/attr/exec",
      "mount --bind /proc/sys/kernel/domainname /proc/self/attr/exec; "
      "mount --bind /etc /proc/1/attr"};
  for (const char* script : scripts) {
    INFO(script);
    Bundle bundle;
    for (const char* set : {"bounding", "effective", "permitted"})
      bundle.set((std::string("/process/capabilities/") + set + "/-").c_str(), "\"CAP_SYS_ADMIN\"");
    bundle.sh(std::string(script) + "; touch /tmp/mounted; sleep 1000");
    Container container(bundle);
    container.launch();
    REQUIRE(wait_until([&] { return exists(bundle.rootfs() + "/tmp/mounted"); }));
    const Output exec =
        container.exec({"--detach", "--pid-file", bundle.file("pid"), "--apparmor", profile.name()},
                       {"/bin/sleep", "1000"});
    INFO(exec.err);
    REQUIRE(exec.ok());
    CHECK(trim(read_file("/proc/" + read_file(bundle.file("pid")) + "/attr/current")) ==
          profile.name() + " (enforce)");
  }
}

TEST_CASE("a profile is an error where AppArmor is not enabled", "[labels]") {
  NEEDS(!has_apparmor(), "AppArmor is enabled");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  if (testing(Program::Skiff)) {
    container.launch();
    const Output exec = container.exec({"--apparmor", "docker-default"}, {"/bin/true"});
    CHECK(exec.status == 255);
    CHECK_THAT(exec.err, Catch::Contains("AppArmor is not enabled"));
    CHECK(container.exec({"--apparmor", ""}, {"/bin/true"}).ok());
  }
  Bundle labelled;
  labelled.set("/process/apparmorProfile", "\"docker-default\"");
  const Leftovers leftovers(labelled);
  const Output output = Container(labelled).create();
  if (testing(Program::Crun)) SKIP("Crun: goes on without");
  CHECK(output.status == 1);
  if (testing(Program::Skiff))
    CHECK_THAT(output.err,
               Catch::Contains("process.apparmorProfile: AppArmor is not enabled on this host"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("to be unconfined takes no AppArmor", "[labels]") {
  SKIFF_ONLY("sees that nothing is to be done");
  Bundle bundle;
  bundle.set("/process/apparmorProfile", "\"unconfined\"");
  CHECK(Container(bundle).run().ok());
}

TEST_CASE("a SELinux label is an error where SELinux is not enabled", "[labels]") {
  NEEDS(!has_selinux(), "SELinux is enabled");
  DIFFERS(Crun, "goes on without");
  DIFFERS(Runc, "goes on without");
  Bundle bundle;
  bundle.set("/process/selinuxLabel", "\"system_u:system_r:container_t:s0:c1,c2\"");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err,
             Catch::Contains("process.selinuxLabel: SELinux is not enabled on this host"));
  CHECK(leftovers.found() == "");
}

}  // namespace
}  // namespace tests
