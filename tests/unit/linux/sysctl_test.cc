#include "src/linux/sysctl.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/sandbox.h"
#include "tests/support/skip.h"

namespace skiff::sysctl {
namespace {

std::string content(const char* path) {
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  char text[64];
  const ssize_t size = ::read(file.get(), text, sizeof text);
  return size < 0 ? std::string() : std::string(text, static_cast<size_t>(size));
}

}  // namespace

TEST_CASE("parameters are written nowhere but in procfs", "[linux]") {
  const Fd directory(::open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC));
  CHECK(write(directory, "net.x", "1").error().text() ==
        "linux.sysctl: net.x: /proc/sys: not on procfs");
}

TEST_CASE("a parameter that cannot be written is an error with its name", "[linux]") {
  const Fd proc_sys(::open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC));
  CHECK(write(proc_sys, "net.no_such", "1").error().text() ==
        "linux.sysctl: net.no_such: open: No such file or directory "
        "(hint: this kernel has no such parameter, or its module is not loaded)");
  CHECK(write(proc_sys, "net/../kernel", "1").error().text() ==
        "linux.sysctl: \"net/../kernel\" is not the name of a kernel parameter");
}

TEST_CASE("a parameter of one's own namespace can be written", "[linux]") {
  const auto outcome = tests::in_namespaces(CLONE_NEWNET, [] {
    const Fd proc_sys(::open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!write(proc_sys, "net.ipv4.ip_forward", "1")) return 1;
    if (content("/proc/sys/net/ipv4/ip_forward") != "1\n") return 2;
    if (!write(proc_sys, "net/ipv4/ip_forward", "0")) return 3;
    if (content("/proc/sys/net/ipv4/ip_forward") != "0\n") return 4;
    const auto refused = write(proc_sys, "net.ipv4.ip_forward", "x");
    if (refused) return 5;
    return refused.error().text() ==
                   "linux.sysctl: net.ipv4.ip_forward: write \"x\": Invalid argument"
               ? 0
               : 6;
  });
  if (!outcome) SKIP("user namespaces are not allowed here");
  CHECK(*outcome == 0);
}

}  // namespace skiff::sysctl
