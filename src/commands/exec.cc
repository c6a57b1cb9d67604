#include "src/container/exec.h"

#include "src/commands/commands.h"
#include "src/commands/values.h"

namespace skiff::commands {
namespace {

constexpr Option kOptions[] = {
    {"process", 'p', "FILE", "run the process object in this JSON file", check_not_empty},
    {"detach", 'd', "", "return when the process has started"},
    {"tty", 't', "", "give the process a terminal"},
    {"console-socket", 0, "SOCKET", "send the terminal's master end to this UNIX socket"},
    {"pidfd-socket", 0, "SOCKET", "send a pidfd of the process to this UNIX socket"},
    {"pid-file", 0, "FILE", "write the process's pid to FILE"},
    {"cwd", 0, "DIR", "working directory inside the container", check_absolute_path},
    {"env", 'e', "KEY=VALUE", "add to the environment; may be repeated", check_environment},
    {"user", 'u', "UID[:GID]", "run as this user, given by numbers", check_user},
    {"additional-gids", 'g', "GID", "add a supplementary group; may be repeated", check_id},
    {"cap", 'c', "CAP", "add a capability; may be repeated", check_capability},
    {"no-new-privs", 0, "", "deny new privileges to the process"},
    {"process-label", 0, "LABEL", "SELinux label of the process"},
    {"apparmor", 0, "PROFILE", "AppArmor profile of the process"},
    {"preserve-fds", 0, "N", "pass descriptors 3 to N+2 on to the process", check_descriptor_count},
    {"cgroup", 0, "PATH", "run in this cgroup below the container's"},
    {"ignore-paused", 0, "", "do not refuse a paused container; wait until it goes on"},
    {"no-subreaper", 0, "", "accepted for compatibility, without effect"},
};

Result<void> check(const Arguments& arguments) {
  if (arguments.operands().size() < 2 && !arguments.get("process"))
    return Error::invalid("missing argument COMMAND").with_hint("or give --process FILE");
  return {};
}

Result<container::ExecOptions> exec_options(const Arguments& arguments) {
  container::ExecOptions options;
  options.process_file = arguments.value_or("process", "");
  options.args.assign(arguments.operands().begin() + 1, arguments.operands().end());
  options.env = arguments.all("env");
  options.cwd = arguments.value_or("cwd", "");
  if (const std::optional<std::string> word = arguments.get("user")) {
    const User user = TRY(parse_user(*word));
    options.uid = user.uid;
    options.gid = user.gid;
  }
  for (const std::string& word : arguments.all("additional-gids"))
    options.additional_gids.push_back(TRY(parse_id(word)));
  options.capabilities = arguments.all("cap");
  options.apparmor_profile = arguments.get("apparmor");
  options.selinux_label = arguments.get("process-label");
  options.tty = arguments.flag("tty");
  options.no_new_privileges = arguments.flag("no-new-privs");
  options.detach = arguments.flag("detach");
  options.ignore_paused = arguments.flag("ignore-paused");
  options.preserve_fds = TRY(parse_descriptor_count(arguments.value_or("preserve-fds", "0")));
  options.console_socket = arguments.value_or("console-socket", "");
  options.pidfd_socket = arguments.value_or("pidfd-socket", "");
  options.pid_file = arguments.value_or("pid-file", "");
  options.cgroup = arguments.value_or("cgroup", "");
  return options;
}

Result<int> exec(const Invocation& call) {
  const container::ExecOptions options = TRY(exec_options(call.arguments));
  const container::ContainerStore store = TRY(call.globals.store());
  return container::exec(store, call.id(), options);
}

}  // namespace

constexpr Command kExec = {
    .name = "exec",
    .synopsis = "CONTAINER-ID [COMMAND] [ARG...]",
    .summary = "run another process in a running container",
    .details =
        "Options end at CONTAINER-ID; what follows is the command. What no option sets is as\n"
        "in the container's configuration. With --process the file says it all, and the\n"
        "command is left out. The exit status is the process's, or 128+n if signal n killed\n"
        "it; 0 with --detach; 255 if it could not be run.",
    .options = kOptions,
    .operands = Operands::EndOptions,
    .failure_status = 255,
    .check = check,
    .run = exec,
};

}  // namespace skiff::commands
