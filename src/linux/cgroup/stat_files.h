// The kernel's files of numbers. Pure: text in, values out; an Error quotes the line that is
// malformed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/linux/cgroup/directory.h"
#include "src/linux/cgroup/stats.h"

namespace skiff::cgroup {

// Into `field`, which a failure leaves unfinished.

/// The number a file holds: "max" is kUnlimited, what is below zero is zero.
Result<void> parse_number(std::string_view text, uint64_t& field);
/// Lines of a name and a number.
Result<void> parse_counters(std::string_view text, Counters& field);
/// Lines of a name and "key=number" words. Kernels 4.14 to 5.13 run the lines of devices that did
/// nothing into the next one's: every word without "=" begins an entry.
Result<void> parse_keyed(std::string_view text, std::vector<Keyed>& field);
/// Lines such as "8:0 Read 4096" or "8:0 4096"; those of sums over devices are left out.
Result<void> parse_block(std::string_view text, std::vector<BlockEntry>& field);
/// The lines "some …" and "full …" of a pressure file.
Result<void> parse_psi(std::string_view text, Psi& field);
/// Numbers between spaces.
Result<void> parse_numbers(std::string_view text, std::vector<uint64_t>& field);
/// A table with a headline, its rows "CPU USER KERNEL".
Result<void> parse_percpu(std::string_view text, CpuStats& cpu);

/// The value of `name`, 0 if it is not there.
uint64_t value_of(const Counters& counters, std::string_view name);

/// Reads files of one cgroup into fields. A file that is not there leaves its field as it is; so
/// does a failure, the first of which is kept.
class StatReader {
 public:
  explicit StatReader(const Directory& directory) : directory_(directory) {}

  /// What the names of the files read from now on begin with: "memory.swap".
  void set_prefix(std::string_view prefix) { prefix_ = prefix; }

  /// These return false if the file is not there.
  bool read(const char* file, std::string& text);
  template <class T>
  bool read(const char* file, T& field, Result<void> (*parse)(std::string_view, T&)) {
    std::string text;
    if (!read(file, text)) return false;
    field = T();
    check(file, parse(text, field));
    return true;
  }
  bool number(const char* file, uint64_t& field);
  void counters(const char* file, Counters& field);
  void psi(const char* file, Psi& field);
  void blocks(const char* file, std::vector<BlockEntry>& field);
  void keyed(const char* file, std::vector<Keyed>& field);

  void check(const char* file, Result<void> parsed);
  void fail(const char* file, Error error);
  /// The sizes that files such as "hugetlb.2MB.…" of this directory have in their names.
  std::vector<std::string> huge_page_sizes() const;
  Result<void> result() &&;

 private:
  const Directory& directory_;
  std::string prefix_;
  std::optional<Error> error_;
};

/// The controllers whose files have the same names in v1 and v2.
void read_rdma(StatReader& files, Stats& stats);
void read_misc(StatReader& files, Stats& stats);

/// What v1's directory of `controller` says. The others' fields stay as they are.
Result<void> read_v1_stats(const std::string& controller, const Directory& directory, Stats& stats);
/// What the v2 directory says.
Result<void> read_v2_stats(const Directory& directory, Stats& stats);

}  // namespace skiff::cgroup
