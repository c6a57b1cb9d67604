#include "src/commands/commands.h"
#include "src/commands/create_options.h"
#include "src/commands/output.h"
#include "src/commands/values.h"
#include "src/container/create.h"

namespace skiff::commands {
namespace {

constexpr Option kOptions[] = {
    {"bundle", 'b', "DIR", "the bundle's directory (default .), as the operand", check_not_empty},
    {"config", 'f', "FILE", "another file than config.json", check_not_empty},
    {"id", 0, "ID", "the container's id (default \"container\")", check_not_empty},
    {"no-pivot", 0, "", "as for create"},
    {"format", 0, "text|json", "how to print it (default text)", check_text_format},
};

Result<int> plan(const Invocation& call) {
  const auto& operands = call.arguments.operands();
  container::CreateOptions options;
  options.bundle = operands.empty() ? call.arguments.value_or("bundle", ".") : operands.front();
  options.config = call.arguments.value_or("config", "config.json");
  options.no_pivot = call.arguments.flag("no-pivot");
  options.cgroup_driver = TRY(call.globals.cgroup_driver());
  const bool json = call.arguments.value_or("format", "text") == "json";
  const std::string id = call.arguments.value_or("id", "container");
  const std::string text = TRY(container::describe(id, options, json));
  TRY(print(text));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kPlan = {
    .name = "plan",
    .synopsis = "[BUNDLE]",
    .summary = "print what create would do, and do nothing",
    .details =
        "Everything is decided as for create: namespaces, id mappings, cgroup files and their\n"
        "values, mounts in their order with their flags, devices, hooks, privileges, the command\n"
        "line. Nothing is made or changed, and nobody needs to be root.",
    .options = kOptions,
    .run = plan,
};

}  // namespace skiff::commands
