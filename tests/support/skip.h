/// How a test says that this machine cannot run it.
///
///   TEST_CASE("a container joins a time namespace", "[namespaces]") {
///     if (!fs::exists("/proc/self/ns/time")) SKIP("the kernel has no time namespaces");
///     …
///   }
///
/// Catch2 v2 knows only passed and failed, so `SKIP` notes the reason for the running test case
/// and returns from the enclosing function, which must therefore be the test case itself (or a
/// void function that ends it). The test is counted and listed as skipped, with the reason,
/// unless one of its assertions failed before. Do not use it inside a SECTION: the whole
/// test case counts as skipped.
#pragma once

#include <string>
#include <string_view>

namespace tests {

/// Notes that the running test case was skipped; prints `SKIP: <test>: <reason>`.
void note_skip(std::string_view reason);

}  // namespace tests

#define SKIP(reason)            \
  do {                          \
    ::tests::note_skip(reason); \
    return;                     \
  } while (false)
