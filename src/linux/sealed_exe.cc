#include "src/linux/sealed_exe.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "src/linux/syscalls.h"

namespace skiff {
namespace {

Result<Fd> read_only_mount() {
  Fd tree = TRY(sys::open_tree(AT_FDCWD, "/proc/self/exe", true, false));
  ::mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  attributes.propagation = MS_PRIVATE;
  TRY(sys::set_mount_attributes(tree, attributes, false));
  return tree;
}

Result<Fd> sealed_copy() {
  const Fd exe = TRY(sys::open("/proc/self/exe", O_RDONLY));
  struct stat status {};
  if (::fstat(exe.get(), &status) < 0) return Error::from_errno("stat /proc/self/exe");
  Fd copy(::memfd_create("skiff", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy) return Error::from_errno("memfd_create");
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t sent = sys::restarting(
        [&] { return ::sendfile(copy.get(), exe.get(), nullptr, static_cast<size_t>(left)); });
    if (sent < 0) return Error::from_errno("copy /proc/self/exe");
    if (sent == 0) return Error::invalid("copy /proc/self/exe: it shrank");
    left -= sent;
  }
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(copy.get(), F_ADD_SEALS, kSeals) < 0) return Error::from_errno("seal memfd");
  return copy;
}

}  // namespace

Result<Fd> open_sealed_exe() {
  auto mount = read_only_mount();
  if (mount) return mount;
  // EPERM: no CAP_SYS_ADMIN over the mount namespace. EINVAL: started from a detached or
  // foreign mount. ENOSYS: before Linux 5.12.
  const Error& error = mount.error();
  if (!error.is(EPERM) && !error.is(EINVAL) && !error.is(ENOSYS))
    return std::move(mount).context("seal own executable");
  return sealed_copy().context("seal own executable");
}

}  // namespace skiff
