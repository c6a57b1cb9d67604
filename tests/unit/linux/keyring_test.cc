#include "src/linux/keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/skip.h"

namespace skiff::keyring {

TEST_CASE("a new session keyring has the name, and its user may search it", "[linux]") {
  if (::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0 &&
      errno == ENOSYS)
    SKIP("the kernel has no keyrings");
  const std::string name = fmt::format("_ses.test-{}", ::getpid());
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!join_new_session(name)) ::_exit(1);
    char text[256] = {};
    if (::syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text - 1) < 0)
      ::_exit(2);
    const std::string expected =
        fmt::format("keyring;{};{};3f1b0000;{}", ::getuid(), ::getgid(), name);
    ::_exit(text == expected ? 0 : 3);
  }
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a keyring that cannot be made is an error with its name", "[linux]") {
  if (::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0 &&
      errno == ENOSYS)
    SKIP("the kernel has no keyrings");
  // A name that begins with a dot is the kernel's: keyctl(2), EPERM.
  CHECK(join_new_session(".x").error().text() ==
        "join the session keyring \".x\": Operation not permitted");
}

}  // namespace skiff::keyring
