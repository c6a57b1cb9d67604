// Compiled seccomp filters as files: in the state directory, made at create and loaded again by
// exec, and in a cache below the root directory, for all containers with the same profile.
//
//   <root>/.seccomp:cache/HASH    a name that no container can have
//
// A file of the cache holds everything its filter depends on: the text of linux.seccomp, the
// kernel, libseccomp's and skiff's version. It is used only if all of that is the same byte for
// byte, if nobody but the owner of this process could have written it, and if its program is one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/result.h"
#include "src/container/store.h"
#include "src/linux/seccomp.h"
#include "src/spec/spec.h"

namespace skiff::container {

Result<void> store_filter(const StateDir& dir, const seccomp::Program& program);
/// Fails closed: a file that is missing, short or of another form is an error.
Result<seccomp::Program> load_filter(const StateDir& dir);

class FilterCache {
 public:
  explicit FilterCache(const std::string& root) : directory_(root + "/.seccomp:cache") {}

  /// Looks for the filter of `profile`, the text of linux.seccomp; keep() will be about the same.
  bool find(std::string_view profile);
  /// What find() found; given away.
  std::optional<seccomp::Program> take() { return std::exchange(found_, std::nullopt); }
  /// Writes the filter of the profile that was not found. Containers do not need the cache, so that
  /// what fails here is no more than a line in the log.
  void keep(const seccomp::Program& program) const;

 private:
  Result<void> write(const seccomp::Program& program) const;

  std::string directory_;
  std::string key_;   // what the filter depends on
  std::string name_;  // of the file
  std::optional<seccomp::Program> found_;
};

struct ChosenFilter {
  std::optional<seccomp::Program> program;  // none: the container has no filter
  bool is_new = false;                      // and belongs in the cache
};

/// The filter of a container: the program in the annotation run.oci.seccomp_bpf_data, as crun has
/// it, or what `cache` found of linux.seccomp, or what that compiles to. With the annotation
/// run.oci.seccomp_fail_unknown_syscall=1 a system call that libseccomp does not know is an error;
/// the rules must have been decoded then, so that the cache must have found nothing.
Result<ChosenFilter> choose_filter(const spec::Spec& spec, FilterCache& cache);
/// Whether `spec` has that annotation.
Result<bool> refuses_unknown_calls(const spec::Spec& spec);

}  // namespace skiff::container
