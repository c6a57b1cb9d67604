// The six hooks: when they run, where, with what, and what their failure means.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

const Words kKinds = {"prestart",       "createRuntime", "createContainer",
                      "startContainer", "poststart",     "poststop"};

/// Writes down, below /tmp of the rootfs, that it ran, where and with what. The hook
/// startContainer runs in the container and finds both script and /tmp there.
std::string script(const std::string& tmp) {
  return "#!/bin/sh\nkind=$1\necho $kind >> " + tmp + "/order\ncat > " + tmp +
         "/state.$kind\npwd > " + tmp +
         "/cwd.$kind\nfor n in mnt pid net uts; do readlink "
         "/proc/self/ns/$n >> " +
         tmp + "/ns.$kind; done\nenv > " + tmp + "/env.$kind\n";
}

void install_hooks(Bundle& bundle) {
  write_file(bundle.file("hook"), script(bundle.rootfs() + "/tmp"), 0755);
  write_file(bundle.rootfs() + "/hook", script("/tmp"), 0755);
  for (const std::string& kind : kKinds) {
    const std::string path = kind == "startContainer" ? "/hook" : bundle.file("hook");
    bundle.set(("/hooks/" + kind).c_str(),
               "[{\"path\": " + quote(path) + ", \"args\": [\"hook\", " + quote(kind) +
                   "], \"env\": [\"PATH=/usr/bin:/bin\", \"KIND=" + kind + "\"]}]");
  }
}

std::string noted(const Bundle& bundle, const std::string& what) {
  return read_file(bundle.rootfs() + "/tmp/" + what);
}

TEST_CASE("hooks run in the specification's order and at its moments", "[hooks]") {
  DIFFERS(Crun, "runs startContainer late");
  DIFFERS(Runc, "1.1.5 runs poststart at create");
  Bundle bundle;
  install_hooks(bundle);
  bundle.sh("echo process >> /tmp/order; sleep 100");
  Container container(bundle);

  REQUIRE(container.create().ok());
  CHECK(lines(noted(bundle, "order")) == Words{"prestart", "createRuntime", "createContainer"});

  REQUIRE(container.start().ok());
  REQUIRE(wait_until([&] { return count(noted(bundle, "order"), "\n") == 6; }));
  const Words order = lines(noted(bundle, "order"));
  CHECK(order[3] == "startContainer");
  CHECK_THAT(order, Catch::VectorContains(std::string("poststart")) &&
                        Catch::VectorContains(std::string("process")));

  REQUIRE(container.remove({"--force"}).ok());
  CHECK(lines(noted(bundle, "order")).back() == "poststop");
}

TEST_CASE("hooks of a foreground run, too", "[hooks]") {
  DIFFERS(Crun, "runs startContainer late");
  DIFFERS(Runc, "1.1.5 runs poststart at create");
  Bundle bundle;
  install_hooks(bundle);
  CHECK(Container(bundle.sh("exit 3")).run().status == 3);
  CHECK(lines(noted(bundle, "order")) == kKinds);
}

TEST_CASE("each hook is given the container's state", "[hooks]") {
  DIFFERS(Crun, "gives a state of its own");
  DIFFERS(Runc, "1.1.5 runs poststart at create");
  Bundle bundle;
  install_hooks(bundle);
  bundle.set("/annotations", R"({"k": "v"})").sh("sleep 100");
  Container container(bundle);
  container.launch();
  const std::string pid = std::to_string(container.pid());
  REQUIRE(container.remove({"--force"}).ok());
  const std::pair<const char*, const char*> statuses[] = {
      {"prestart", "creating"},      {"createRuntime", "creating"}, {"createContainer", "creating"},
      {"startContainer", "created"}, {"poststart", "running"},      {"poststop", "stopped"}};
  for (const auto& [kind, status] : statuses) {
    INFO(kind << ": " << noted(bundle, std::string("state.") + kind));
    const Json state = parse_json(noted(bundle, std::string("state.") + kind));
    REQUIRE(state.IsObject());
    CHECK_FALSE(string_at(state, "/ociVersion").empty());
    CHECK(string_at(state, "/id") == container.id());
    CHECK(string_at(state, "/status") == status);
    CHECK(string_at(state, "/bundle") == bundle.directory());
    CHECK(string_at(state, "/annotations/k") == "v");
    if (std::string(kind) == "poststop") continue;
    if (!testing(Program::Skiff)) continue;
    // runtime.md#state: the pid as the runtime or the container sees it, by where the hook runs.
    const bool in_container =
        std::string(kind) == "startContainer" || std::string(kind) == "createContainer";
    CHECK(json_at(state, "/pid") == (in_container ? "1" : pid));
  }
}

TEST_CASE("hooks run in the namespaces the specification names", "[hooks]") {
  Bundle bundle;
  install_hooks(bundle);
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const std::string inside = "/proc/" + std::to_string(container.pid()) + "/ns/";
  std::string container_namespaces;
  std::string runtime_namespaces;
  for (const char* name : {"mnt", "pid", "net", "uts"}) {
    container_namespaces += read_link(inside + name) + "\n";
    runtime_namespaces += read_link(std::string("/proc/self/ns/") + name) + "\n";
  }
  REQUIRE(container.remove({"--force"}).ok());
  for (const char* kind : {"prestart", "createRuntime", "poststart", "poststop"}) {
    INFO(kind);
    CHECK(noted(bundle, std::string("ns.") + kind) == runtime_namespaces);
  }
  // createContainer runs before pivot_root: its /proc is the host's, its mount namespace is not.
  CHECK(noted(bundle, "ns.startContainer") == container_namespaces);
  if (testing(Program::Skiff))
    CHECK(lines(noted(bundle, "ns.createContainer"))[0] == lines(container_namespaces)[0]);
}

TEST_CASE("the working directory of hooks", "[hooks]") {
  DIFFERS(Crun, "keeps its own");
  Bundle bundle;
  install_hooks(bundle);
  REQUIRE(Container(bundle).run().ok());
  for (const char* kind : {"prestart", "createRuntime"}) {
    INFO(kind);
    CHECK(noted(bundle, std::string("cwd.") + kind) == bundle.directory() + "\n");
  }
  CHECK(noted(bundle, "cwd.createContainer") == bundle.rootfs() + "\n");
  CHECK(noted(bundle, "cwd.startContainer") == "/\n");
}

TEST_CASE("a hook's environment is its own", "[hooks]") {
  Bundle bundle;
  install_hooks(bundle);
  CommandOptions options;
  options.env = {{"FROM_OUTSIDE", "leak"}};
  REQUIRE(Container(bundle).run({}, options).ok());
  for (const std::string& kind : kKinds) {
    INFO(kind);
    const std::string env = noted(bundle, "env." + kind);
    CHECK_THAT(env, Catch::Contains("KIND=" + kind + "\n"));
    CHECK_THAT(env, !Catch::Contains("FROM_OUTSIDE"));
  }
}

TEST_CASE("a hook without env and args gets none and its path as name", "[hooks]") {
  SKIFF_ONLY("gives an empty environment");
  Bundle bundle;
  write_file(bundle.file("hook"),
             "#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/environ > " + bundle.file("env") +
                 "\necho $0 $# > " + bundle.file("args") + "\n",
             0755);
  bundle.set("/hooks/createRuntime", "[{\"path\": " + quote(bundle.file("hook")) + "}]");
  CommandOptions options;
  options.env = {{"FROM_OUTSIDE", "leak"}};
  const Output output = Container(bundle).run({}, options);
  INFO(output.err);
  REQUIRE(output.ok());
  CHECK(read_file(bundle.file("env")) == "");
  CHECK(read_file(bundle.file("args")) == bundle.file("hook") + " 0\n");
}

TEST_CASE("several hooks of a kind run one after another", "[hooks]") {
  Bundle bundle;
  const std::string log = bundle.file("log");
  std::string list = "[";
  for (int index = 0; index < 5; ++index) {
    const std::string path = bundle.file("hook" + std::to_string(index));
    write_file(path,
               "#!/bin/sh\nsleep 0.0" + std::to_string(5 - index) + "\necho " +
                   std::to_string(index) + " >> " + log + "\n",
               0755);
    list += (index > 0 ? "," : "") + ("{\"path\": " + quote(path) + "}");
  }
  bundle.set("/hooks/createRuntime", list + "]");
  REQUIRE(Container(bundle).run().ok());
  CHECK(read_file(log) == "0\n1\n2\n3\n4\n");
}

TEST_CASE("a failing hook before the start fails create and undoes everything", "[hooks]") {
  DIFFERS(Crun, "exits 255");
  for (const char* kind : {"prestart", "createRuntime", "createContainer"}) {
    INFO(kind);
    Bundle bundle;
    write_file(bundle.file("hook"), "#!/bin/sh\necho some output\necho a reason >&2\nexit 3\n",
               0755);
    write_file(bundle.file("second"), "#!/bin/sh\ntouch " + bundle.file("ran") + "\n", 0755);
    bundle.set((std::string("/hooks/") + kind).c_str(),
               "[{\"path\": " + quote(bundle.file("hook")) +
                   "}, {\"path\": " + quote(bundle.file("second")) + "}]");
    const Leftovers leftovers(bundle);
    const Output output = Container(bundle).create();
    CHECK(output.status == 1);
    CHECK_FALSE(exists(bundle.file("ran")));
    if (testing(Program::Skiff)) {
      CHECK_THAT(output.err, Catch::Contains(kind) && Catch::Contains("exit status 3") &&
                                 Catch::Contains("a reason") &&
                                 Catch::Contains(bundle.file("hook")));
      CHECK(count(output.err, "\n") == 1);
    }
    CHECK(leftovers.found() == "");
  }
}

TEST_CASE("a failing startContainer hook fails start and stops the container", "[hooks]") {
  DIFFERS(Crun, "does not report it");
  Bundle bundle;
  write_file(bundle.rootfs() + "/hook", "#!/bin/sh\nexit 4\n", 0755);
  bundle.set("/hooks/startContainer", R"([{"path": "/hook"}])");
  bundle.sh("touch /tmp/ran");
  Container container(bundle);
  REQUIRE(container.create().ok());
  const Output output = container.start();
  if (!testing(Program::Runc)) CHECK(output.status == 1);
  if (testing(Program::Skiff))
    CHECK_THAT(output.err, Catch::Contains("startContainer") && Catch::Contains("exit status 4"));
  CHECK(container.becomes("stopped"));
  CHECK_FALSE(exists(bundle.rootfs() + "/tmp/ran"));
}

TEST_CASE("a failing poststart hook is an error and stops the container", "[hooks]") {
  // runtime.md#lifecycle, step 9, since 1.2: generate an error, stop the container.
  SKIFF_ONLY("follows the current specification");
  Bundle bundle;
  write_file(bundle.file("hook"), "#!/bin/sh\nexit 5\n", 0755);
  bundle.set("/hooks/poststart", "[{\"path\": " + quote(bundle.file("hook")) + "}]");
  bundle.sh("sleep 100");
  Container container(bundle);
  REQUIRE(container.create().ok());
  const Output output = container.start();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("poststart") && Catch::Contains("exit status 5"));
  CHECK(container.becomes("stopped"));
}

TEST_CASE("a container that fails before its first hook runs no poststop hook", "[hooks]") {
  DIFFERS(Runc, "runs poststop hooks of a container that never had another");
  Bundle bundle;
  write_file(bundle.file("hook"), "#!/bin/sh\ntouch " + bundle.file("ran") + "\n", 0755);
  bundle.set("/hooks/poststop", "[{\"path\": " + quote(bundle.file("hook")) + "}]");
  bundle.set("/mounts/0", R"({"destination": "/proc", "type": "nosuchfs", "source": "none"})");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  CHECK_FALSE(container.run().ok());
  CHECK_FALSE(exists(bundle.file("ran")));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a failing poststop hook is a warning: the container is gone all the same", "[hooks]") {
  DIFFERS(Crun, "stops and says nothing");
  DIFFERS(Runc, "reports an error");
  Bundle bundle;
  write_file(bundle.file("hook"), "#!/bin/sh\nexit 6\n", 0755);
  write_file(bundle.file("second"), "#!/bin/sh\ntouch " + bundle.file("ran") + "\n", 0755);
  bundle.set("/hooks/poststop", "[{\"path\": " + quote(bundle.file("hook")) +
                                    "}, {\"path\": " + quote(bundle.file("second")) + "}]");
  const Leftovers leftovers(bundle);
  Container container(bundle);
  container.launch();
  REQUIRE(container.becomes("stopped"));
  const Output output = container.remove();
  CHECK(output.ok());
  CHECK_THAT(output.err, Catch::Contains("poststop"));
  CHECK(exists(bundle.file("ran")));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a hook that outstays its timeout is killed with what it started", "[hooks]") {
  DIFFERS(Runc, "waits for the processes that the hook started");
  Bundle bundle;
  write_file(bundle.file("hook"), "#!/bin/sh\nsleep 100\n", 0755);
  bundle.set("/hooks/createRuntime",
             "[{\"path\": " + quote(bundle.file("hook")) + ", \"timeout\": 1}]");
  const Leftovers leftovers(bundle);
  const auto begin = std::chrono::steady_clock::now();
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK(std::chrono::steady_clock::now() - begin < patience(10));
  if (!testing(Program::Crun)) CHECK_THAT(output.err, Catch::Contains("timeout"));
  if (testing(Program::Skiff)) CHECK(leftovers.found() == "");
}

TEST_CASE("a hook may leave a process behind that holds its output open", "[hooks]") {
  DIFFERS(Crun, "waits for it");
  DIFFERS(Runc, "waits for the pipe's end");
  Bundle bundle;
  write_file(bundle.file("hook"), "#!/bin/sh\nsleep 5 &\nexit 0\n", 0755);
  bundle.set("/hooks/createRuntime", "[{\"path\": " + quote(bundle.file("hook")) + "}]");
  CommandOptions options;
  options.seconds = 4;
  CHECK(Container(bundle).run({}, options).ok());
}

TEST_CASE("a hook that does not read its stdin does not matter", "[hooks]") {
  Bundle bundle;
  bundle.set("/hooks/createRuntime", R"([{"path": "/bin/true"}])");
  bundle.set("/annotations/large", quote(std::string(200000, 'x')));
  CHECK(Container(bundle).run().ok());
}

TEST_CASE("a hook that is missing is named", "[hooks]") {
  DIFFERS(Crun, "exits 255");
  Bundle bundle;
  bundle.set("/hooks/createRuntime", R"([{"path": "/nonexistent/hook"}])");
  const Leftovers leftovers(bundle);
  const Output output = Container(bundle).create();
  CHECK(output.status == 1);
  CHECK_THAT(output.err, Catch::Contains("/nonexistent/hook"));
  CHECK(leftovers.found() == "");
}

TEST_CASE("a createRuntime hook can use the container's namespaces by the pid it is told",
          "[hooks]") {
  // What engines do here: give the network namespace a device.
  Bundle bundle;
  const std::string tool = bundle.rootfs() + "/bin/busybox";
  write_file(bundle.file("hook"),
             "#!/bin/sh\npid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/' | head -1)\n" + tool +
                 " nsenter -t $pid -n " + tool +
                 " ip link add it-dummy type dummy || "
                 "readlink /proc/$pid/ns/net > " +
                 bundle.file("net") + "\n",
             0755);
  bundle.set("/hooks/createRuntime", "[{\"path\": " + quote(bundle.file("hook")) + "}]");
  const std::string out = output_of(bundle, "ip link; readlink /proc/self/ns/net");
  const bool added = contains(out, "it-dummy");
  CHECK((added || contains(out, trim(read_file(bundle.file("net"))))));
}

}  // namespace
}  // namespace tests
