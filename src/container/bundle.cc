#include "src/container/bundle.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/path.h"
#include "src/linux/syscalls.h"
#include "src/spec/decode.h"

namespace skiff::container {
namespace {

constexpr size_t kMaxConfig = 16u << 20;

}  // namespace

Result<std::string> absolute_path(const std::string& path) {
  if (path.starts_with('/')) return path::clean(path);
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) == nullptr) return Error::from_errno("working directory");
  return path::join(here, path);
}

Result<std::string> read_config(const std::string& path) {
  // O_NONBLOCK: a FIFO in place of the file must not hang us.
  const Fd file = TRY(sys::open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK));
  struct stat status {};
  if (::fstat(file.get(), &status) < 0) return Error::from_errno("stat {}", path);
  if (!S_ISREG(status.st_mode)) return Error::invalid("{}: not a regular file", path);
  return sys::read_all(file, kMaxConfig, path);
}

Result<Bundle> Bundle::open(const std::string& directory, const std::string& config,
                            const std::function<bool(std::string_view)>& knows_profile) {
  Bundle bundle;
  bundle.path = TRY(absolute_path(directory));
  bundle.config_text = TRY(read_config(path::join(bundle.path, config)));
  bundle.spec = TRY(spec::decode(bundle.config_text, knows_profile));
  return bundle;
}

}  // namespace skiff::container
