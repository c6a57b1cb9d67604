// Architectures, and system calls by name and number, as libseccomp's tables have them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace skiff::seccomp {

/// A calling convention; every system call arrives by one.
struct Architecture {
  std::string name;            // "SCMP_ARCH_X86_64"
  uint32_t token = 0;          // libseccomp's
  uint32_t audit = 0;          // seccomp_data.arch: AUDIT_ARCH_*; x32 has x86-64's
  bool wide = false;           // arguments have 64 bits
  bool big_endian = false;     // the upper half of an argument comes first
  uint32_t first_number = 0;   // of its system calls
  uint32_t last_number = ~0u;  // beyond are numbers of other kinds, as ARM's private calls

  bool is_x32() const { return token != audit; }
};

/// The architecture of the name "SCMP_ARCH_…"; nullopt if libseccomp does not know it.
std::optional<Architecture> find_architecture(std::string_view name);
Architecture native_architecture();

/// The numbers that a system call has on one architecture; some have two (socket on x86), many
/// have none.
struct Numbers {
  std::optional<uint32_t> direct;
  /// socketcall(2) or ipc(2), with the first argument that means the call.
  std::optional<uint32_t> multiplexer;
  uint32_t selector = 0;
};

/// The system calls of one architecture.
class Calls {
 public:
  explicit Calls(const Architecture& architecture) : architecture_(architecture) {}

  Numbers find(const std::string& name);
  /// All calls that have a number, by that.
  const std::map<uint32_t, std::string>& all();

 private:
  std::optional<uint32_t> direct_number(const std::string& name);

  Architecture architecture_;
  std::map<uint32_t, std::string> all_;
};

/// Whether libseccomp knows the call on any architecture.
bool is_known_call(const std::string& name);

}  // namespace skiff::seccomp
