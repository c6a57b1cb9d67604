#include "src/commands/commands.h"
#include "src/commands/create_options.h"

namespace skiff::commands {

Result<container::CreateOptions> create_options(const Invocation& call) {
  const Arguments& arguments = call.arguments;
  container::CreateOptions options;
  options.bundle = arguments.value_or("bundle", options.bundle);
  options.config = arguments.value_or("config", options.config);
  options.console_socket = arguments.value_or("console-socket", "");
  options.pidfd_socket = arguments.value_or("pidfd-socket", "");
  options.pid_file = arguments.value_or("pid-file", "");
  options.no_pivot = arguments.flag("no-pivot");
  options.no_new_keyring = arguments.flag("no-new-keyring");
  options.preserve_fds = TRY(parse_descriptor_count(arguments.value_or("preserve-fds", "0")));
  options.cgroup_driver = TRY(call.globals.cgroup_driver());
  return options;
}

namespace {

Result<int> create(const Invocation& call) {
  const container::CreateOptions options = TRY(create_options(call));
  const container::ContainerStore store = TRY(call.globals.store());
  TRY(container::create(store, call.id(), options));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kCreate = {
    .name = "create",
    .synopsis = "CONTAINER-ID",
    .summary = "make a container from a bundle, ready to be started",
    .details =
        "The container's init process is set up completely and waits for \"skiff start\".\n"
        "If anything fails, nothing is left behind.",
    .options = kCreateOptions,
    .run = create,
};

}  // namespace skiff::commands
