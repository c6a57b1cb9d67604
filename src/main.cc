// skiff: from a command line to an exit status. The only place that prints an Error.
#include "src/init/main.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "src/base/text.h"
#include "src/commands/command.h"

namespace skiff {
namespace {

using commands::GlobalOptions;
using commands::Invocation;

/// So that no file opened later becomes somebody's standard stream.
void occupy_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) return;
}

void print_error(std::string_view message) {
  const std::string line = fmt::format("skiff: {}\n", text::one_line(message));
  (void)!::write(STDERR_FILENO, line.data(), line.size());  // there is nowhere left to complain
}

/// Engines parse the last error record of the --log file, people read stderr. Without
/// a file the records go to stderr, in whatever format was asked for.
void report(const GlobalOptions& globals, const Error& error) {
  const bool recorded = globals.log_file() || globals.log_format() == log::Format::Json;
  if (recorded) log::write(log::Level::Error, error.text());
  if (globals.log_file() || !recorded) print_error(error.text());
}

Result<Fd> open_log(const GlobalOptions& globals) {
  const std::optional<std::string> file = globals.log_file();
  Fd fd;
  if (file) {
    fd = Fd(::open(file->c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    if (!fd) return Error::from_errno("--log: open {}", *file);
  }
  log::configure(fd ? fd.get() : STDERR_FILENO, globals.log_format(), globals.log_level());
  return fd;
}

/// Ends the program with a line for which no memory is needed. What a create or delete has made by
/// then is what a killed one leaves: `delete --force` removes it.
template <size_t N>
[[noreturn]] void give_up(const char (&line)[N]) {
  (void)!::write(STDERR_FILENO, line, N - 1);
  ::_exit(EXIT_FAILURE);
}

int run(const std::vector<std::string>& tokens) {
  const Result<GlobalOptions> globals = commands::read_global_options(tokens);
  if (!globals) {
    print_error(globals.error().text());
    return EXIT_FAILURE;
  }
  const Result<Fd> log_file = open_log(*globals);
  if (!log_file) {
    print_error(log_file.error().text());
    return EXIT_FAILURE;
  }
  // From here on every failure is in the log.
  const Result<Invocation> call = commands::prepare(*globals);
  if (!call) {
    report(*globals, call.error());
    return EXIT_FAILURE;
  }
  const Result<int> status = call->command.run(*call).context("{}", call->title());
  if (status) return *status;
  report(*globals, status.error());
  return call->command.failure_status;
}

}  // namespace
}  // namespace skiff

// Nothing is caught here, for nothing is thrown (meson.build) but by a fault of ours. This stands
// in for the function of libstdc++ that std::terminate() calls, which brings 45 KB of demangler
// along.
namespace __gnu_cxx {
void __verbose_terminate_handler() { skiff::give_up("skiff: internal error\n"); }
}  // namespace __gnu_cxx

int main(int argc, char** argv) {
  std::set_new_handler([] { skiff::give_up("skiff: out of memory\n"); });
  // Before anything else: init runs inside containers' limits and parses no options.
  if (argc > 1 && std::string_view(argv[1]) == "init") return skiff::init::main(argc, argv);
  skiff::occupy_standard_streams();
  return skiff::run(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
