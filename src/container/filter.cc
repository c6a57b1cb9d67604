#include "src/container/filter.h"

#include <cstring>

#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

constexpr const char* kName = "seccomp.bpf";
constexpr size_t kMaxInstructions = 4096;  // BPF_MAXINSNS

}  // namespace

Result<void> store_filter(const StateDir& dir, const seccomp::Program& program) {
  std::string bytes(reinterpret_cast<const char*>(&program.flags), sizeof program.flags);
  bytes.append(reinterpret_cast<const char*>(program.instructions.data()),
               program.instructions.size() * sizeof(sock_filter));
  return write_new_file(dir, kName, bytes);
}

Result<seccomp::Program> load_filter(const StateDir& dir) {
  const Fd file = TRY(sys::open_at(dir.fd, kName, O_RDONLY | O_NOFOLLOW));
  const std::string bytes =
      TRY(sys::read_all(file, kMaxInstructions * sizeof(sock_filter) + 4, kName));
  seccomp::Program program;
  const size_t size = bytes.size() - sizeof program.flags;
  if (bytes.size() <= sizeof program.flags || size % sizeof(sock_filter) != 0)
    return Error::invalid("{}/{}: malformed", dir.path, kName);
  std::memcpy(&program.flags, bytes.data(), sizeof program.flags);
  program.instructions.resize(size / sizeof(sock_filter));
  std::memcpy(program.instructions.data(), bytes.data() + sizeof program.flags, size);
  return program;
}

}  // namespace skiff::container
