#include <fcntl.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/commands/values.h"
#include "src/linux/cgroup/cgroup.h"
#include "src/spec/defaults.h"

namespace skiff::commands {
namespace {

constexpr Option kOptions[] = {
    {"bundle", 'b', "DIR", "the bundle's directory (default .)", check_not_empty},
    {"file", 'f', "FILE", "file to write in it (default config.json); - for standard output",
     check_not_empty},
    {"rootless", 0, "", "for a container that the calling user may run without being root"},
};

Result<std::string> configuration(const Arguments& arguments) {
  spec::DefaultOptions options;
  options.rootless = arguments.flag("rootless");
  options.uid = ::geteuid();
  options.gid = ::getegid();
  // On cgroup v1 a cgroup namespace hides little and older engines do without.
  const cgroup::Layout layout = TRY(cgroup::read_layout());
  options.cgroup_namespace = layout.kind == cgroup::LayoutKind::V2;
  return spec::default_config(options);
}

/// Writes a file that does not exist yet; after a failure it does not exist still.
Result<void> write_new_file(const std::string& directory, const std::string& name,
                            std::string_view text) {
  const std::string file = path::join(directory, name);
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd && errno == EEXIST) return Error::invalid("File {} exists. Remove it first", name);
  if (!fd) return Error::from_errno("open {}", file);
  Result<void> written = write_all(fd.get(), text).context("{}", file);
  if (!written) ::unlink(file.c_str());
  return written;
}

Result<int> spec(const Invocation& call) {
  const std::string file = call.arguments.value_or("file", "config.json");
  const std::string text = TRY(configuration(call.arguments));
  if (file == "-")
    TRY(print(text));
  else
    TRY(write_new_file(call.arguments.value_or("bundle", "."), file, text));
  return EXIT_SUCCESS;
}

}  // namespace

constexpr Command kSpec = {
    .name = "spec",
    .synopsis = "",
    .summary = "write a configuration to begin with",
    .details = "A file that exists is never overwritten.",
    .options = kOptions,
    .run = spec,
};

}  // namespace skiff::commands
