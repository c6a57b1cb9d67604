// One control group's directory in one hierarchy, and the tree below it.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/linux/cgroup/resources.h"

namespace skiff::cgroup {

/// The content of `file` below the directory `base` (or AT_FDCWD).
Result<std::string> read_file(int base, const std::string& file);

/// Asks `done` until it says yes, sleeping 0.2 ms at first and 10 ms in the end, as most
/// changes take effect at once. False if 10 seconds were not enough.
Result<bool> wait_until(const std::function<Result<bool>()>& done);

class Directory {
 public:
  explicit Directory(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  /// Makes the directory, and the parents it lacks. Whether it is new.
  Result<bool> make();
  /// Removes what make() made: on the way out of another failure, so its own are not told.
  void unmake();
  /// Whether make() made the directory itself.
  bool is_new() const { return !made_.empty(); }
  /// How many parents make() made.
  size_t new_parents() const { return made_.empty() ? 0 : made_.size() - 1; }

  /// The directory, opened on first use; it stays this object's. ENOENT if it does not exist.
  Result<int> fd() const;
  Result<std::string> read(const std::string& file) const;
  /// Errors read "write 512 to memory.max: Device or resource busy".
  Result<void> write(const std::string& file, std::string_view value) const;
  /// Whether writing failed with ENOENT or ENODEV: no such file, or the cgroup is gone.
  static bool is_absent(const Error& error);

  /// The tree's directories relative to this one, parents first, beginning with ".";
  /// nothing if this one does not exist.
  Result<std::vector<std::string>> tree() const;
  /// The processes in the whole tree that this process's pid namespace can name, sorted,
  /// each once; none if the directory does not exist.
  Result<std::vector<pid_t>> processes() const;
  /// Writes `value` to `file` in every directory of the tree that has it.
  Result<void> write_everywhere(const std::string& file, std::string_view value) const;

  /// Removes the tree, children first. False while something in it is in use.
  Result<bool> remove_tree();

 private:
  std::string path_;
  std::vector<std::string> made_;  // parents first
  mutable Fd fd_;
};

/// Writes each of `files` through `write`. The kernel refuses with EINVAL a value that does
/// not fit the present value of another file (memsw below memory, burst above quota, a
/// real-time runtime above its period), so those are tried again once others are written.
/// Errors begin with the field.
Result<void> write_in_workable_order(const std::vector<FileValue>& files,
                                     const std::function<Result<void>(const FileValue&)>& write);

}  // namespace skiff::cgroup
