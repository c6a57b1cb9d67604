#include "src/container/update.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/commands/update_values.h"
#include "src/commands/values.h"
#include "src/container/bundle.h"
#include "src/spec/decode.h"

namespace skiff::commands {
namespace {

using container::UpdateRequest;

/// The check of an option whose argument `parse` reads.
template <auto parse>
Result<void> check_with(const std::string& argument) {
  TRY(parse(argument));
  return {};
}

Result<int64_t> parse_number(std::string_view word) {
  const auto number = text::parse_signed(word);
  if (!number) return Error::invalid("expected a number, found {}", text::quote(word));
  return *number;
}

Result<uint64_t> parse_amount(std::string_view word) {
  const auto number = text::parse_unsigned(word);
  if (!number) return Error::invalid("expected a number, found {}", text::quote(word));
  return *number;
}

Result<uint16_t> parse_weight(std::string_view word) {
  const auto number = text::parse_unsigned(word);
  if (!number || (*number != 0 && *number < 10) || *number > 1000)
    return Error::invalid("expected a weight from 10 to 1000, found {}", text::quote(word));
  return static_cast<uint16_t>(*number);
}

Result<int32_t> parse_score(std::string_view word) {
  const auto number = text::parse_signed(word);
  if (!number || *number < -1000 || *number > 1000)
    return Error::invalid("expected a number from -1000 to 1000, found {}", text::quote(word));
  return static_cast<int32_t>(*number);
}

Result<void> check_device(const std::string& argument) {
  return argument.starts_with('/') ? Result<void>() : check_with<parse_device_rule>(argument);
}

constexpr auto check_number = check_with<parse_number>;
constexpr auto check_amount = check_with<parse_amount>;
constexpr auto check_bytes = check_with<parse_bytes>;

constexpr Option kOptions[] = {
    {"resources", 'r', "FILE|-", "take the changes from this linux.resources object",
     check_not_empty},
    {"blkio-weight", 0, "N", "share of block devices' time, 10 to 1000", check_with<parse_weight>},
    {"cpu-period", 0, "USEC", "period of the processor time quota", check_amount},
    {"cpu-quota", 0, "USEC", "processor time in a period; -1 for no limit", check_number},
    {"cpu-burst", 0, "USEC", "unused quota that may be used later", check_amount},
    {"cpu-share", 0, "N", "share of processor time, 2 to 262144", check_amount},
    {"cpu-rt-period", 0, "USEC", "period of the real-time quota (cgroup v1)", check_amount},
    {"cpu-rt-runtime", 0, "USEC", "real-time in a period (cgroup v1)", check_number},
    {"cpu-idle", 0, "0|1", "1: run only when nobody else wants to", check_amount},
    {"cpuset-cpus", 0, "LIST", "processors to run on, such as 0-3,7", check_not_empty},
    {"cpuset-mems", 0, "LIST", "memory nodes to take memory from", check_not_empty},
    {"memory", 0, "BYTES", "memory limit, such as 512M; -1 for none", check_bytes},
    {"memory-reservation", 0, "BYTES", "memory that is kept when it is scarce", check_bytes},
    {"memory-swap", 0, "BYTES", "limit of memory and swap together; -1 for none", check_bytes},
    {"kernel-memory", 0, "BYTES", "kernel memory limit (cgroup v1)", check_bytes},
    {"kernel-memory-tcp", 0, "BYTES", "limit of memory for TCP (cgroup v1)", check_bytes},
    {"pids-limit", 0, "N", "most processes and threads; -1 for no limit", check_number},
    {"l3-cache-schema", 0, "SCHEMA", "Intel RDT: share of the L3 cache", check_not_empty},
    {"mem-bw-schema", 0, "SCHEMA", "Intel RDT: memory bandwidth", check_not_empty},
    {"device-add", 0, "RULE", "allow a device: \"c 10:229 rwm\" or /dev/fuse; may be repeated",
     check_device},
    {"device-rm", 0, "RULE", "deny a device; may be repeated", check_device},
    {"rlimit", 0, "TYPE=SOFT[:HARD]",
     "limit of every process, such as nofile=4096; may be repeated", check_with<parse_rlimit>},
    {"oom-score-adj", 0, "N", "how soon processes are killed when memory runs out, -1000 to 1000",
     check_with<parse_score>},
    {"scheduler", 0, "POLICY[,NAME=N]", "scheduling policy, such as batch,nice=5 or rr,priority=1",
     check_with<parse_scheduler>},
    {"io-priority", 0, "CLASS[:N]", "I/O priority: rt, be or idle, and a level from 0 to 7",
     check_with<parse_io_priority>},
    {"cpu-affinity", 0, "LIST", "processors that every process may run on", check_not_empty},
};

Result<void> check(const Arguments& arguments) {
  if (std::any_of(std::begin(kOptions), std::end(kOptions),
                  [&](const Option& option) { return arguments.get(option.name).has_value(); }))
    return {};
  return Error::invalid("nothing to change").with_hint("see skiff help update");
}

Result<std::string> read_resources(const std::string& file) {
  return file == "-" ? read_all(STDIN_FILENO) : container::read_config(file);
}

/// `field` becomes the argument of the option `name` as `parse` reads it, if it was given.
template <class T, class Parsed>
Result<void> take(const Arguments& arguments, std::string_view name, std::optional<T>& field,
                  Result<Parsed> (*parse)(std::string_view)) {
  const auto argument = arguments.get(name);
  if (argument) field = static_cast<T>(TRY(parse(*argument)));
  return {};
}

Result<void> take_memory(const Arguments& arguments, spec::Resources& resources) {
  spec::Memory memory = resources.memory.value_or(spec::Memory());
  TRY(take(arguments, "memory", memory.limit, parse_bytes));
  TRY(take(arguments, "memory-reservation", memory.reservation, parse_bytes));
  TRY(take(arguments, "memory-swap", memory.swap, parse_bytes));
  TRY(take(arguments, "kernel-memory", memory.kernel, parse_bytes));
  TRY(take(arguments, "kernel-memory-tcp", memory.kernel_tcp, parse_bytes));
  resources.memory = memory;
  return {};
}

Result<void> take_cpu(const Arguments& arguments, spec::Resources& resources) {
  spec::Cpu cpu = resources.cpu.value_or(spec::Cpu());
  TRY(take(arguments, "cpu-period", cpu.period, parse_amount));
  TRY(take(arguments, "cpu-quota", cpu.quota, parse_number));
  TRY(take(arguments, "cpu-burst", cpu.burst, parse_amount));
  TRY(take(arguments, "cpu-share", cpu.shares, parse_amount));
  TRY(take(arguments, "cpu-rt-period", cpu.realtime_period, parse_amount));
  TRY(take(arguments, "cpu-rt-runtime", cpu.realtime_runtime, parse_number));
  TRY(take(arguments, "cpu-idle", cpu.idle, parse_amount));
  cpu.cpus = arguments.value_or("cpuset-cpus", cpu.cpus);
  cpu.mems = arguments.value_or("cpuset-mems", cpu.mems);
  resources.cpu = cpu;
  return {};
}

/// A rule, or the one for the device at a path.
Result<spec::DeviceRule> device_rule(const std::string& argument) {
  if (!argument.starts_with('/')) return parse_device_rule(argument);
  struct stat status {};
  if (::stat(argument.c_str(), &status) < 0) return Error::from_errno("{}", argument);
  if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))
    return Error::invalid("{}: not a device", argument);
  return parse_device_rule(fmt::format("{} {}:{}", S_ISCHR(status.st_mode) ? 'c' : 'b',
                                       major(status.st_rdev), minor(status.st_rdev)));
}

Result<void> take_devices(const Arguments& arguments, UpdateRequest& request) {
  for (const std::string& argument : arguments.all("device-add"))
    request.devices.push_back(TRY(device_rule(argument).context("--device-add")));
  for (const std::string& argument : arguments.all("device-rm")) {
    spec::DeviceRule rule = TRY(device_rule(argument).context("--device-rm"));
    rule.allow = false;
    request.devices.push_back(rule);
  }
  return {};
}

Result<void> take_process(const Arguments& arguments, UpdateRequest& request) {
  for (const std::string& argument : arguments.all("rlimit"))
    request.rlimits.push_back(TRY(parse_rlimit(argument)));
  TRY(take(arguments, "oom-score-adj", request.oom_score_adj, parse_score));
  if (const auto argument = arguments.get("scheduler"))
    request.scheduler = TRY(parse_scheduler(*argument));
  if (const auto argument = arguments.get("io-priority"))
    request.io_priority = TRY(parse_io_priority(*argument));
  request.cpus = arguments.value_or("cpu-affinity", "");
  return {};
}

Result<UpdateRequest> update_request(const Arguments& arguments) {
  UpdateRequest request;
  if (const auto file = arguments.get("resources")) {
    std::string text = TRY(read_resources(*file).context("--resources"));
    request.resources = TRY(spec::decode_resources(std::move(text)).context("--resources"));
  }
  request.l3_cache_schema = arguments.get("l3-cache-schema");
  request.mem_bw_schema = arguments.get("mem-bw-schema");
  TRY(take_memory(arguments, request.resources));
  TRY(take_cpu(arguments, request.resources));
  TRY(take(arguments, "pids-limit", request.resources.pids_limit, parse_number));
  if (arguments.get("blkio-weight")) {
    spec::BlockIo io = request.resources.block_io.value_or(spec::BlockIo());
    TRY(take(arguments, "blkio-weight", io.weight, parse_weight));
    request.resources.block_io = io;
  }
  TRY(take_devices(arguments, request));
  TRY(take_process(arguments, request));
  return request;
}

Result<int> update(const Invocation& call) {
  const UpdateRequest request = TRY(update_request(call.arguments));
  const container::ContainerStore store = TRY(call.globals.store());
  TRY(container::update(store, call.id(), request));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kUpdate = {
    .name = "update",
    .synopsis = "CONTAINER-ID",
    .summary = "change the limits of a container that lives",
    .details =
        "What is not named stays as it is. Either everything takes effect and is kept with the\n"
        "container, or nothing. Options count after what --resources says.",
    .options = kOptions,
    .check = check,
    .run = update,
};

}  // namespace skiff::commands
