// Annotations that change what skiff does.
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

}  // namespace
}  // namespace tests
