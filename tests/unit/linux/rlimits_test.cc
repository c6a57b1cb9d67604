#include "src/linux/rlimits.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/sandbox.h"
#include "tests/support/skip.h"

namespace skiff::rlimits {

TEST_CASE("resource limits have the names of setrlimit(2)", "[linux]") {
  CHECK(number("RLIMIT_NOFILE") == RLIMIT_NOFILE);
  CHECK(number("RLIMIT_CPU") == RLIMIT_CPU);
  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource)
    CHECK(number(name(resource)) == resource);
  CHECK(std::string(name(RLIMIT_MEMLOCK)) == "RLIMIT_MEMLOCK");
  for (const char* wrong : {"", "NOFILE", "rlimit_nofile", "RLIMIT_NOFILE ", "RLIMIT_OFILE"})
    CHECK_FALSE(number(wrong));
}

TEST_CASE("limits are set for this process", "[linux]") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!set({{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 11, 12}})) ::_exit(1);
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    ::_exit(now.rlim_cur == 11 && now.rlim_max == 12 ? 0 : 2);
  }
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a limit that may not be raised is named, with what it is and what was asked",
          "[linux]") {
  // In a user namespace nobody has CAP_SYS_RESOURCE over the initial one.
  const auto outcome = tests::in_namespaces(0, [] {
    if (!set({{RLIMIT_NOFILE, 11, 12}, {RLIMIT_CORE, 0, 0}})) return 1;
    const auto files = set({{RLIMIT_NOFILE, 11, 13}});
    if (files ||
        files.error().text() !=
            "process.rlimits: RLIMIT_NOFILE: raise the hard limit from 12 to 13: Operation not "
            "permitted (hint: it takes CAP_SYS_RESOURCE, and fs.nr_open bounds it)")
      return 2;
    const auto core = set({{RLIMIT_CORE, 0, RLIM_INFINITY}});
    return !core && core.error().text() ==
                        "process.rlimits: RLIMIT_CORE: raise the hard limit from 0 to unlimited: "
                        "Operation "
                        "not permitted (hint: it takes CAP_SYS_RESOURCE)"
               ? 0
               : 3;
  });
  if (!outcome) SKIP("user namespaces are not allowed here");
  CHECK(*outcome == 0);
}

TEST_CASE("a soft limit above the hard one is refused with both", "[linux]") {
  CHECK(set({{RLIMIT_CORE, 2, 1}}).error().text() ==
        "process.rlimits: RLIMIT_CORE: set 2 (soft) and 1 (hard): Invalid argument");
}

}  // namespace skiff::rlimits
