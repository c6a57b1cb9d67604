#include "src/init/home.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "src/base/text.h"
#include "src/linux/rootdir.h"
#include "src/linux/syscalls.h"

namespace skiff::init {
namespace {

constexpr size_t kMaxPasswd = 1u << 20;
constexpr size_t kPasswdFields = 7;  // passwd(5)

}  // namespace

std::string find_home(const Fd& root, uint32_t uid) {
  // O_NONBLOCK: a FIFO in its place must not hang us.
  const auto file = rootdir::open_inside(root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (!file || ::fstat(file->get(), &status) < 0 || !S_ISREG(status.st_mode)) return "/";
  const auto text = sys::read_all(*file, kMaxPasswd, "/etc/passwd");
  if (!text) return "/";
  for (const std::string_view line : text::split(*text, '\n')) {
    const auto fields = text::split(line, ':');
    if (fields.size() != kPasswdFields || text::parse_unsigned(fields[2]) != uid) continue;
    return std::string(fields[5].empty() ? "/" : fields[5]);
  }
  return "/";
}

}  // namespace skiff::init
