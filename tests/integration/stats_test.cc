// `stats`: what containers use, for people and for programs.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/integration/support/container.h"

namespace tests {
namespace {

Words stats_words(const Bundle& bundle, const Words& rest) {
  Words words = {environment().runtime, "--root", bundle.state_root(), "stats"};
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

size_t widest(const std::string& out) {
  size_t most = 0;
  for (const std::string& line : lines(out)) most = std::max(most, line.size());
  return most;
}

}  // namespace

TEST_CASE("stats --no-stream is one table of what runs", "[stats]") {
  SKIFF_ONLY("has stats");
  Bundle bundle;
  bundle.sh("while :; do :; done");
  Container busy(bundle);
  busy.launch();
  bundle.sh("sleep 100");
  Container idle(bundle, environment().prefix + std::string(200, 'i'));
  idle.launch();
  bundle.sh("true");
  Container ended(bundle);
  ended.launch();
  REQUIRE(ended.becomes("stopped"));
  const Output output = run_command(stats_words(bundle, {"--no-stream"}));
  REQUIRE(output.ok());
  INFO(output.out);
  CHECK(lines(output.out).size() == 3);
  CHECK(lines(output.out)[0].starts_with("ID"));
  CHECK(widest(output.out) <= 80);
  CHECK(contains(output.out, busy.id()));
  CHECK_FALSE(contains(output.out, ended.id() + " "));
  CHECK_FALSE(contains(output.out, "\x1b"));
}

TEST_CASE("stats --format json has exact numbers", "[stats]") {
  SKIFF_ONLY("has stats");
  Bundle bundle;
  bundle.sh("(while :; do :; done) & sleep 100");
  if (has_controller("memory")) bundle.set("/linux/resources/memory", R"({"limit": 67108864})");
  if (has_controller("pids")) bundle.set("/linux/resources/pids", R"({"limit": 33})");
  Container container(bundle);
  container.launch();
  const Output output =
      run_command(stats_words(bundle, {"--no-stream", "--format", "json", container.id()}));
  REQUIRE(output.ok());
  REQUIRE(lines(output.out).size() == 1);
  const Json json = parse_json(output.out);
  CHECK(string_at(json, "/0/id") == container.id());
  const double cpu = std::strtod(json_at(json, "/0/cpuPercent").c_str(), nullptr);
  CHECK(cpu > 1);
  CHECK(cpu < 150);
  CHECK(json_at(json, "/0/memoryLimit") == (has_controller("memory") ? "67108864" : "null"));
  if (has_controller("memory")) CHECK(json_at(json, "/0/memory") != "0");
  CHECK(json_at(json, "/0/pidsLimit") == (has_controller("pids") ? "33" : "null"));
  if (has_controller("pids")) CHECK(json_at(json, "/0/pids") == "2");
  CHECK(json_at(json, "/0/networkRx") == "0");
}

TEST_CASE("stats repeats its table until the container ends", "[stats]") {
  SKIFF_ONLY("has stats");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  Command stats(stats_words(bundle, {"--interval", "100ms", container.id()}));
  REQUIRE(wait_until([&] { return count(stats.out(), "MEM/LIMIT") >= 3; }));
  REQUIRE(container.kill({"KILL"}).ok());
  const Output output = stats.wait();
  CHECK(output.status == 0);
  CHECK(output.err.empty());
}

TEST_CASE("stats without ids shows what starts later, and goes on", "[stats]") {
  SKIFF_ONLY("has stats");
  Bundle bundle;
  bundle.sh("sleep 100");
  Command stats(stats_words(bundle, {"--interval", "100ms"}));
  REQUIRE(wait_until([&] { return contains(stats.out(), "ID"); }));
  Container container(bundle);
  container.launch();
  CHECK(wait_until([&] { return contains(stats.out(), container.id()); }));
  CHECK(stats.running());
  stats.signal(SIGTERM);
}

TEST_CASE("on a terminal the table is refreshed in place, as wide as the terminal", "[stats]") {
  SKIFF_ONLY("has stats");
  const skiff::Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(master);
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  const skiff::Fd slave(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  winsize size{24, 200, 0, 0};
  REQUIRE(::ioctl(slave.get(), TIOCSWINSZ, &size) == 0);
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle, environment().prefix + std::string(90, 'w'));
  container.launch();
  CommandOptions options;
  options.terminal = slave.get();
  Command stats(stats_words(bundle, {"--interval", "100ms"}), options);
  REQUIRE(::fcntl(master.get(), F_SETFL, O_NONBLOCK) == 0);
  std::string shown;
  CHECK(wait_until([&] {
    char piece[4096];
    const ssize_t got = ::read(master.get(), piece, sizeof piece);
    if (got > 0) shown.append(piece, static_cast<size_t>(got));
    return count(shown, "\x1b[H") >= 3 && contains(shown, container.id());
  }));
  stats.signal(SIGTERM);
}

TEST_CASE("stats of what is not there is an error, and nobody reading is none", "[stats]") {
  SKIFF_ONLY("has stats");
  Bundle bundle;
  bundle.sh("sleep 100");
  Container container(bundle);
  container.launch();
  const Output unknown = run_command(stats_words(bundle, {"--no-stream", container.id(), "other"}));
  CHECK(unknown.status == 1);
  CHECK_THAT(unknown.err, Catch::Contains("stats: other: container does not exist"));
  CHECK(unknown.out.empty());
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CommandOptions options;
  options.stdout_fd = ends[1];
  Command stats(stats_words(bundle, {"--interval", "50ms"}), options);
  ::close(ends[1]);
  ::close(ends[0]);
  const Output output = stats.wait();
  CHECK(output.status == 0);
  CHECK(output.err.empty());
  REQUIRE(container.kill({"KILL"}).ok());
  REQUIRE(container.becomes("stopped"));
  const Output stopped = run_command(stats_words(bundle, {"--no-stream", container.id()}));
  CHECK(stopped.status == 1);
  CHECK_THAT(stopped.err, Catch::Contains("not running"));
}

}  // namespace tests
