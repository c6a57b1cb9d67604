#include "src/linux/procfs.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "src/linux/syscalls.h"

namespace skiff::procfs {

Result<Fd> open_root() {
  constexpr ino_t kRootInode = 1;  // PROC_ROOT_INO, fs/proc/root.c
  Fd root = TRY(sys::open("/proc", O_PATH | O_DIRECTORY));
  struct statfs system {};
  struct stat status {};
  if (::fstatfs(root.get(), &system) < 0 || ::fstat(root.get(), &status) < 0)
    return Error::from_errno("stat /proc");
  if (system.f_type != PROC_SUPER_MAGIC || status.st_ino != kRootInode)
    return Error::invalid("/proc is not procfs");
  return root;
}

Result<Fd> open(const Fd& root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(static_cast<unsigned>(flags)) | O_CLOEXEC | O_NOCTTY;
  // "self" and "thread-self" are symlinks, but none of those that lead anywhere.
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  const long fd = sys::restarting(
      [&] { return ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how); });
  if (fd < 0) return Error::from_errno("open /proc/{}", path);
  return Fd(static_cast<int>(fd));
}

}  // namespace skiff::procfs
