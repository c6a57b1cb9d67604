#include "src/container/filter.h"

#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

constexpr const char* kName = "seccomp.bpf";
constexpr const char* kProgram = "run.oci.seccomp_bpf_data";
constexpr const char* kFailUnknown = "run.oci.seccomp_fail_unknown_syscall";

}  // namespace

Result<void> store_filter(const StateDir& dir, const seccomp::Program& program) {
  return write_new_file(dir, kName, seccomp::to_bytes(program));
}

Result<seccomp::Program> load_filter(const StateDir& dir) {
  const Fd file = TRY(sys::open_at(dir.fd, kName, O_RDONLY | O_NOFOLLOW));
  const std::string bytes = TRY(sys::read_all(file, seccomp::kMostBytes, kName));
  return seccomp::from_bytes(bytes).context("{}/{}", dir.path, kName);
}

Result<bool> refuses_unknown_calls(const spec::Spec& spec) {
  const std::string* value = spec::find(spec.annotations, kFailUnknown);
  if (value == nullptr || *value == "0") return false;
  if (*value == "1") return true;
  return Error::invalid("annotations.{}: {} is neither 0 nor 1", kFailUnknown, text::quote(*value));
}

Result<ChosenFilter> choose_filter(const spec::Spec& spec, FilterCache& cache) {
  ChosenFilter chosen;
  const std::optional<spec::Seccomp>& profile = spec.linux.seccomp;
  if (const std::string* data = spec::find(spec.annotations, kProgram)) {
    const std::optional<std::string> bytes = text::decode_base64(*data);
    if (!bytes) return Error::invalid("annotations.{}: not base64", kProgram);
    chosen.program =
        TRY(seccomp::from_instructions(*bytes, profile).context("annotations.{}", kProgram));
  } else if (profile) {
    chosen.program = cache.take();
    chosen.is_new = !chosen.program;
    const bool refuses = TRY(refuses_unknown_calls(spec));
    const auto unknown = refuses ? seccomp::Unknown::Refused : seccomp::Unknown::Skipped;
    if (!chosen.program) chosen.program = TRY(seccomp::compile(*profile, unknown));
  }
  return chosen;
}

}  // namespace skiff::container
