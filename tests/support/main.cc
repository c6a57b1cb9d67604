/// The main of every test executable, and a listener that makes the outcome countable.
///
/// Prints one line a test case, `ok`, `FAIL` or `skip` before its name, and writes the same as
/// `outcome<TAB>name<TAB>reason` to the file named by $TEST_RESULTS, from which tests/run counts:
/// standard output may hold whatever the tested programs print.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/support/skip.h"

namespace tests {
namespace {

struct Running {
  std::string name;
  std::string skip_reason;
  bool skipped = false;
};

Running& running() {
  static Running instance;
  return instance;
}

class OutcomeListener : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testRunStarting(const Catch::TestRunInfo& info) override {
    TestEventListenerBase::testRunStarting(info);
    const char* path = std::getenv("TEST_RESULTS");
    if (path != nullptr) results_ = std::fopen(path, "ae");
  }

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    TestEventListenerBase::testCaseStarting(info);
    running() = Running{info.name, {}, false};
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    if (stats.totals.testCases.failed > 0) {
      report("FAIL", stats.testInfo.name, "");
    } else if (running().skipped) {
      report("skip", stats.testInfo.name, running().skip_reason);
    } else {
      report("ok", stats.testInfo.name, "");
    }
    TestEventListenerBase::testCaseEnded(stats);
  }

  void testRunEnded(const Catch::TestRunStats& stats) override {
    TestEventListenerBase::testRunEnded(stats);
    if (results_ != nullptr) std::fclose(results_);
    results_ = nullptr;
  }

 private:
  // Flushed at once: a later test may crash, or fork a child that would print the rest again.
  void report(const char* outcome, const std::string& name, const std::string& reason) {
    std::printf("%-4s %s\n", outcome, name.c_str());
    std::fflush(stdout);
    if (results_ == nullptr) return;
    std::fprintf(results_, "%s\t%s\t%s\n", outcome, name.c_str(), reason.c_str());
    std::fflush(results_);
  }

  std::FILE* results_ = nullptr;
};

CATCH_REGISTER_LISTENER(OutcomeListener)

}  // namespace

void note_skip(std::string_view reason) {
  running().skipped = true;
  running().skip_reason = reason;
  std::printf("SKIP: %s: %s\n", running().name.c_str(), running().skip_reason.c_str());
  std::fflush(stdout);
}

}  // namespace tests
