#include "src/commands/ps.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/commands/values.h"
#include "src/container/lifecycle.h"
#include "src/linux/spawn.h"

namespace skiff::commands {
namespace {

constexpr Option kOptions[] = {
    {"format", 'f', "table|json", "how to print them (default table)", check_listing_format},
};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words = text::split(line, ' ');
  std::erase(words, "");
  return words;
}

/// Empty if there is no ps(1) in $PATH.
std::string find_ps() {
  const char* search = ::getenv("PATH");
  for (const std::string_view directory :
       text::split(search == nullptr ? "/usr/bin:/bin" : search, ':')) {
    std::string candidate = path::join(directory, "ps");
    if (directory.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

Result<std::string> run_ps(const std::string& program, const std::vector<std::string>& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return Error::from_errno("pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  SpawnRequest request;
  request.path = program;
  request.argv = {"ps"};
  request.argv.insert(request.argv.end(), options.begin(), options.end());
  for (char** variable = ::environ; *variable != nullptr; ++variable)
    request.env.emplace_back(*variable);
  request.descriptors = {STDIN_FILENO, writer.get(), STDERR_FILENO};
  const Spawned ps = TRY(spawn(request));
  writer.close();
  std::string listing = TRY(read_all(reader.get()));
  const int status = TRY(reap(ps.pid));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Error::invalid("{} {} failed", program, text::join(options, " "));
  return listing;
}

std::string pids_alone(const std::vector<pid_t>& pids) {
  return fmt::format("PID\n{}{}", fmt::join(pids, "\n"), pids.empty() ? "" : "\n");
}

Result<std::string> as_table(const std::vector<pid_t>& pids, std::vector<std::string> ps_options) {
  const std::string program = find_ps();
  if (program.empty()) return pids_alone(pids);  // small hosts have none
  if (ps_options.empty()) ps_options = {"-ef"};
  const std::string listing = TRY(run_ps(program, ps_options));
  return select_processes(listing, pids);
}

Result<int> ps(const Invocation& call) {
  const container::ContainerStore store = TRY(call.globals.store());
  container::Container container = TRY(container::Container::load(store, call.id()));
  const std::vector<pid_t> pids = TRY(container.processes());
  if (call.arguments.get("format") == "json") {
    TRY(print(fmt::format("[{}]\n", fmt::join(pids, ","))));
    return EXIT_SUCCESS;
  }
  const std::vector<std::string>& operands = call.arguments.operands();
  const std::string table = TRY(as_table(pids, {operands.begin() + 1, operands.end()}));
  TRY(print(table));
  return EXIT_SUCCESS;
}

}  // namespace

Result<std::string> select_processes(std::string_view listing, const std::vector<pid_t>& pids) {
  const std::vector<std::string_view> lines = text::split(listing, '\n');
  const std::vector<std::string_view> header = words_of(lines.front());
  const auto pid_title = std::find(header.begin(), header.end(), "PID");
  if (pid_title == header.end())
    return Error::invalid("ps printed no PID column").with_hint("let the ps options include pid");
  const auto column = static_cast<size_t>(pid_title - header.begin());
  std::string selected = fmt::format("{}\n", lines.front());
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> words = words_of(lines[i]);
    if (words.size() <= column) continue;
    const std::optional<uint64_t> pid = text::parse_unsigned(words[column]);
    if (pid && std::find(pids.begin(), pids.end(), static_cast<pid_t>(*pid)) != pids.end())
      selected += fmt::format("{}\n", lines[i]);
  }
  return selected;
}

constexpr Command kPs = {
    .name = "ps",
    .synopsis = "CONTAINER-ID [PS-OPTION...]",
    .summary = "list the processes of a container",
    .details =
        "Options end at CONTAINER-ID; what follows goes to ps(1) of the host (default -ef), whose\n"
        "lines are reduced to the container's processes. Without ps(1) pids are printed.",
    .options = kOptions,
    .operands = Operands::EndOptions,
    .run = ps,
};

}  // namespace skiff::commands
