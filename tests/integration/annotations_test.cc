// Annotations that change what skiff does.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"
#include "tests/integration/support/terminal.h"

namespace tests {
namespace {

const Words kKinds = {"prestart",       "createRuntime", "createContainer",
                      "startContainer", "poststart",     "poststop"};

/// Hooks of all kinds that say their kind on stdout and, with "err" behind it, on stderr.
void install_hooks(Bundle& bundle) {
  const char* script = "#!/bin/sh\necho $1\necho $1-err >&2\n";
  write_file(bundle.file("hook"), script, 0755);
  write_file(bundle.rootfs() + "/hook", script, 0755);
  for (const std::string& kind : kKinds) {
    const std::string path = kind == "startContainer" ? "/hook" : bundle.file("hook");
    bundle.set(("/hooks/" + kind).c_str(),
               "[{\"path\": " + quote(path) + ", \"args\": [\"hook\", " + quote(kind) + "]}]");
  }
}

TEST_CASE("what hooks write goes to the files that annotations name", "[annotations][hooks]") {
  DIFFERS(Runc, "does not know crun's annotations");
  DIFFERS(Crun, "writes nothing of startContainer hooks");
  Bundle bundle;
  install_hooks(bundle);
  bundle.set("/annotations/run.oci.hooks.stdout", quote(bundle.file("out")));
  bundle.set("/annotations/run.oci.hooks.stderr", "\"err\"");  // in the bundle
  write_file(bundle.file("out"), "before\n");
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  REQUIRE(container.remove({"--force"}).ok());
  std::string out = "before\n";
  std::string err;
  for (const std::string& kind : kKinds) {
    out += kind + "\n";
    err += kind + "-err\n";
  }
  CHECK(read_file(bundle.file("out")) == out);
  CHECK(read_file(bundle.file("err")) == err);
}

TEST_CASE("one file takes both streams of hooks, in a foreground run, too",
          "[annotations][hooks]") {
  DIFFERS(Runc, "does not know crun's annotations");
  DIFFERS(Crun, "writes nothing of startContainer hooks");
  Bundle bundle;
  install_hooks(bundle);
  bundle.set("/annotations/run.oci.hooks.stdout", quote(bundle.file("all")));
  bundle.set("/annotations/run.oci.hooks.stderr", quote(bundle.file("all")));
  REQUIRE(Container(bundle).run().ok());
  std::string all;
  for (const std::string& kind : kKinds) all += kind + "\n" + kind + "-err\n";
  CHECK(read_file(bundle.file("all")) == all);
}

TEST_CASE("a failing hook's last words are told though they went to a file",
          "[annotations][hooks]") {
  SKIFF_ONLY("tells them");
  for (const char* kind : {"createRuntime", "createContainer"}) {
    INFO(kind);
    Bundle bundle;
    write_file(bundle.file("hook"), "#!/bin/sh\necho to-out; echo to-err >&2; exit 7\n", 0755);
    write_file(bundle.file("out"), "not of this hook\n");
    bundle.set((std::string("/hooks/") + kind).c_str(),
               "[{\"path\": " + quote(bundle.file("hook")) + "}]");
    bundle.set("/annotations/run.oci.hooks.stdout", quote(bundle.file("out")));
    const std::string begin =
        std::string(kind) + " hook 1 (" + quote(bundle.file("hook")) + "): exit status 7: ";
    CHECK_THAT(Container(bundle).create().err, Catch::Contains(begin + R"("to-out\nto-err")"));
    bundle.set("/annotations/run.oci.hooks.stderr", quote(bundle.file("out")));
    CHECK_THAT(Container(bundle).create().err, Catch::Contains(begin + R"("to-out\nto-err")"));
  }
}

TEST_CASE("a file for hooks that cannot be opened fails create", "[annotations][hooks]") {
  SKIFF_ONLY("names the annotation");
  Bundle bundle;
  install_hooks(bundle);
  bundle.set("/annotations/run.oci.hooks.stderr", "\"/no/such/directory/file\"");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err,
             Catch::Contains("annotations.run.oci.hooks.stderr: open /no/such/directory/file: No "
                             "such file or directory"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a hook's file does not reach the container's process", "[annotations][hooks]") {
  DIFFERS(Runc, "does not know crun's annotations");
  Bundle bundle;
  install_hooks(bundle);
  bundle.set("/annotations/run.oci.hooks.stdout", quote(bundle.file("out")));
  bundle.sh("ls /proc/self/fd | wc -l");
  CHECK(Container(bundle).run().out == "4\n");  // with that of the directory listed
}

TEST_CASE("run.oci.pidfd_receiver is sent a pidfd of init", "[annotations]") {
  DIFFERS(Runc, "does not know crun's annotation");
  Bundle bundle;
  bundle.sh("sleep 100");
  bundle.set("/annotations/run.oci.pidfd_receiver", quote(bundle.file("pidfd")));
  ConsoleSocket socket(bundle.file("pidfd"));
  Container container(bundle);
  REQUIRE(container.create().ok());
  const skiff::Fd pidfd = socket.receive();
  CHECK(field(read_file("/proc/self/fdinfo/" + std::to_string(pidfd.get())), "Pid") ==
        std::to_string(container.pid()));
}

TEST_CASE("nobody at run.oci.pidfd_receiver is an error, and nothing is left", "[annotations]") {
  SKIFF_ONLY("names the annotation");
  Bundle bundle;
  bundle.set("/annotations/run.oci.pidfd_receiver", "\"nobody\"");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("annotations.run.oci.pidfd_receiver: connect to"));
  CHECK(leftovers.found() == "");
}

/// What the kernel says of a process's v2 cgroup, from outside.
std::string v2_cgroup_of(pid_t pid) {
  for (const std::string& line : lines(read_file("/proc/" + std::to_string(pid) + "/cgroup")))
    if (line.starts_with("0::")) return line.substr(3);
  return "";
}

unsigned owner_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_uid : 0xffffffff;
}

TEST_CASE("a delegated cgroup holds the processes and is the container's own to manage",
          "[annotations][cgroup]") {
  DIFFERS(Runc, "does not know crun's annotations");
  NEEDS(environment().layout == CgroupLayout::V2, "cgroups of v1: delegation is not safe there");
  Bundle bundle;
  bundle.set("/annotations/run.oci.delegate-cgroup", "\"payload\"");
  bundle.ns("cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev");
  const bool user_namespace = GENERATE(false, true);
  if (user_namespace) bundle.user_namespace();
  bundle.sh("cat /proc/self/cgroup; mkdir /sys/fs/cgroup/payload/mine && echo made; sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  container.launch();
  const pid_t pid = container.pid();
  const std::string own = v2_cgroup_of(pid);
  CHECK(own.ends_with("/payload"));
  const std::string directory = container.v2_cgroup();
  CHECK(owner_of(directory) == (user_namespace ? 100000 : 0));
  CHECK(owner_of(directory + "/cgroup.procs") == (user_namespace ? 100000 : 0));
  CHECK(wait_until([&] { return exists(directory + "/mine"); }));
  // The container's own cgroup, which has the limits, is the root of what is seen inside.
  const Output inside = container.sh("cat /proc/self/cgroup");
  CHECK_THAT(inside.out, Catch::Contains("0::/payload\n"));
  CHECK(container.call("pause").ok());
  CHECK(container.status() == "paused");
  CHECK(container.call("resume").ok());
  CHECK(container.remove({"--force"}).ok());
  CHECK(leftovers.found() == "");
}

TEST_CASE("a create that fails takes its delegated cgroup along", "[annotations][cgroup]") {
  SKIFF_ONLY("takes everything back");
  NEEDS(environment().layout == CgroupLayout::V2, "cgroups of v1: delegation is not safe there");
  Bundle bundle;
  bundle.set("/annotations/run.oci.delegate-cgroup", "\"payload\"");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  CHECK(container.create({"--pid-file", bundle.file("no/such/pid")}).status == 1);
  CHECK(leftovers.found() == "");
}

TEST_CASE("a cgroup that cannot be delegated is refused", "[annotations][cgroup]") {
  SKIFF_ONLY("refuses what it does not do");
  Bundle bundle;
  bundle.set("/annotations/run.oci.delegate-cgroup", "\"a/b\"");
  CHECK_THAT(refusal(bundle), Catch::Contains("annotations.run.oci.delegate-cgroup: \"a/b\" is not "
                                              "the name of a directory"));
  if (environment().layout == CgroupLayout::V2) return;
  bundle.set("/annotations/run.oci.delegate-cgroup", "\"payload\"");
  CHECK_THAT(refusal(bundle), Catch::Contains("annotations.run.oci.delegate-cgroup: ") &&
                                  Catch::Contains("delegation is not safe"));
}

/// The v1 hierarchy of systemd, mounted for the time of a test where it is not.
class SystemdHierarchy {
 public:
  explicit SystemdHierarchy(const Bundle& bundle) {
    if (cgroup_directory("name=systemd", "")) return;
    path_ = bundle.file("systemd");
    make_directories(path_);
    mounted_ = ::mount("cgroup", path_.c_str(), "cgroup", 0, "none,name=systemd,xattr") == 0;
    // As it is where it was made without.
    if (!mounted_)
      mounted_ = ::mount("cgroup", path_.c_str(), "cgroup", 0, "none,name=systemd") == 0;
    REQUIRE(mounted_);
  }
  ~SystemdHierarchy() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SystemdHierarchy(const SystemdHierarchy&) = delete;
  SystemdHierarchy& operator=(const SystemdHierarchy&) = delete;

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST_CASE("an old systemd is shown the hierarchy of v1 that it knows, and no other",
          "[annotations][cgroup]") {
  DIFFERS(Runc, "does not know crun's annotations");
  DIFFERS(Crun, "shows the whole hierarchy where there is no cgroup namespace");
  Bundle bundle;
  const SystemdHierarchy hierarchy(bundle);
  bundle.set("/annotations/run.oci.systemd.force_cgroup_v1", "\"/sys/fs/cgroup\"");
  bundle.ns("cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev");
  const bool user_namespace = GENERATE(false, true);
  if (user_namespace && environment().layout != CgroupLayout::V2) return;
  if (user_namespace) bundle.user_namespace();
  bundle.sh(
      "cd /sys/fs/cgroup/systemd && mkdir init.scope && echo 1 >init.scope/cgroup.procs; "
      "exec sleep 100");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  container.launch();
  CHECK(wait_until([&] {
    return contains(read_file("/proc/" + std::to_string(container.pid()) + "/cgroup"),
                    "/init.scope\n");
  }));
  const Output inside = container.sh(
      "ls /sys/fs/cgroup; cat /sys/fs/cgroup/systemd/init.scope/cgroup.procs; "
      "grep -c ' /sys/fs/cgroup' /proc/self/mountinfo");
  CHECK(inside.out == "systemd\n1\n2\n");
  CHECK(container.remove({"--force"}).ok());
  CHECK(leftovers.found() == "");
}

TEST_CASE("a hierarchy for an old systemd that cannot be shown is refused",
          "[annotations][cgroup]") {
  SKIFF_ONLY("refuses what it does not do");
  Bundle bundle;
  const auto refuse = [&](const char* path) {
    bundle.set("/annotations/run.oci.systemd.force_cgroup_v1", quote(path));
    return refusal(bundle);
  };
  const std::string field = "annotations.run.oci.systemd.force_cgroup_v1: ";
  CHECK_THAT(refuse("sys"), Catch::Contains(field + "\"sys\" is not an absolute path"));
  CHECK_THAT(refuse("/nowhere"),
             Catch::Contains(field + "nothing in mounts has the destination \"/nowhere\""));
  if (cgroup_directory("name=systemd", "")) return;  // mounted
  CHECK_THAT(refuse("/proc"), Catch::Contains("none,name=systemd,xattr"));
}

}  // namespace
}  // namespace tests
