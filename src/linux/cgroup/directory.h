// One control group's directory in one hierarchy, and the tree below it.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>
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

/// The number in a line such as "oom_kill 3" of a flat-keyed file; 0 if there is none.
uint64_t number_of(std::string_view content, std::string_view key);

/// Asks `done` until it says yes, sleeping 0.2 ms at first and 10 ms in the end, as most
/// changes take effect at once. False if 10 seconds were not enough.
Result<bool> wait_until(const std::function<Result<bool>()>& done);

class Directory {
 public:
  /// `stays`: remove_tree() removes only what is below.
  explicit Directory(std::string path, bool stays = false)
      : path_(std::move(path)), stays_(stays) {}

  const std::string& path() const { return path_; }

  /// Makes the directory, and the parents it lacks. Whether it is new.
  Result<bool> make();
  /// Removes what make() made: on the way out of another failure, so its own are not told.
  void unmake();
  /// Whether make() made the directory itself.
  bool is_new() const { return !made_.empty(); }
  /// Adds the path to `found` if make() made nothing.
  void tell_if_found(std::vector<std::string>& found) const {
    if (!is_new()) found.push_back(path_);
  }
  /// How many parents make() made.
  size_t new_parents() const { return made_.empty() ? 0 : made_.size() - 1; }

  /// The directory, opened on first use; it stays this object's. ENOENT if it does not exist.
  Result<int> fd() const;
  Result<std::string> read(const std::string& file) const;
  /// The beginning of a short file, in as few calls as can be; the directory is not opened for it.
  Result<std::string> peek(const std::string& file) const;
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

  /// Makes the host's user `owner` that of the directory and of those of the `files`, one a line,
  /// that are there.
  Result<void> give_to(uid_t owner, std::string_view files) const;

  /// Removes the tree, children first, but no parents. False while something in it is in use.
  Result<bool> remove_tree();

 private:
  Result<bool> remove_below();

  std::string path_;
  bool stays_;
  std::vector<std::string> made_;  // parents first
  mutable Fd fd_;
};

/// The number that is all `file` of `directory` holds; 0 if it is not there.
int64_t number_in(const Directory& directory, const std::string& file);

/// What files held before they were written, so that they can be given it back.
class Journal {
 public:
  /// To be called before `value` is written to `file`. A file that cannot be read is not noted:
  /// what is written to it does something once (memory.reclaim).
  void note(const Directory& directory, const std::string& file, std::string_view value);
  /// Gives everything back, the last first. What fails is left as it is: this is on the way
  /// out of another failure.
  void restore();

 private:
  struct Entry {
    std::string path;
    std::string value;
  };
  std::vector<Entry> entries_;
};

/// Writes `file` through `write`, and where it has another file for its purpose that one too.
Result<void> write_either(
    const FileValue& file,
    const std::function<Result<void>(const std::string& file, const std::string& value)>& write);

/// Whether `file`, to be written to `directory`, would only say what holds already since
/// `present` was written. What has been changed since by others counts as not holding.
bool holds_already(const Directory& directory, const FileValue& file,
                   const std::vector<FileValue>& present);

/// Writes each of `files` through `write`. The kernel refuses with EINVAL a value that does
/// not fit the present value of another file (memsw below memory, burst above quota, a
/// real-time runtime above its period), so those are tried again once others are written.
/// Errors begin with the field.
Result<void> write_in_workable_order(const std::vector<FileValue>& files,
                                     const std::function<Result<void>(const FileValue&)>& write);

}  // namespace skiff::cgroup
