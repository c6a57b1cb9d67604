// What the arguments of `update` mean.
#pragma once

#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::commands {

/// A number of bytes: "1073741824", "512M", "1.5g", "64KiB"; units are powers of 1024. "-1" is no
/// limit. Anything below a byte is cut off.
Result<int64_t> parse_bytes(std::string_view word);

/// "c 10:229 rwm", "b 7:* r", "a *:* rwm" as devices.allow has it; without accesses all are meant.
/// The rule allows.
Result<spec::DeviceRule> parse_device_rule(std::string_view words);

/// "nofile=1024:4096", "RLIMIT_CORE=0", "memlock=unlimited"; one value is soft and hard.
Result<spec::Rlimit> parse_rlimit(std::string_view word);

/// "fifo,priority=10", "SCHED_OTHER,nice=5", "deadline,runtime=1000000,deadline=…,period=…" as
/// process.scheduler in JSON; which values there are is left to its decoder.
Result<std::string> parse_scheduler(std::string_view word);

/// "be:4", "IOPRIO_CLASS_RT:0", "idle" as process.ioPriority in JSON.
Result<std::string> parse_io_priority(std::string_view word);

}  // namespace skiff::commands
