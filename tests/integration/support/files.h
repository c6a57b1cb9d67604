// Small things to do with files and text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tests {

/// The whole file, or "" if it cannot be read.
std::string read_file(const std::string& path);
/// Writes `text`, making the parent directories; fails the running test if it cannot.
void write_file(const std::string& path, std::string_view text, unsigned mode = 0644);
bool exists(const std::string& path);
void make_directories(const std::string& path);
/// Fails the running test if it cannot.
void make_link(const std::string& target, const std::string& path);
/// Names in a directory, sorted, without "." and ".."; empty if it does not exist.
std::vector<std::string> list_directory(const std::string& path);
/// The target of a symbolic link, or "".
std::string read_link(const std::string& path);

std::vector<std::string> split(std::string_view text, char separator);
std::vector<std::string> lines(std::string_view text);
std::string trim(std::string_view text);
bool contains(std::string_view text, std::string_view part);
/// How many times `part` occurs in `text`.
size_t count(std::string_view text, std::string_view part);
/// The value of "Name:\tvalue" in the style of /proc/PID/status, or "".
std::string field(std::string_view text, std::string_view name);

/// A mount, as a line of mountinfo tells it (proc(5)).
struct MountLine {
  std::string root;
  std::string target;
  std::string options;   // of the mount
  std::string optional;  // "shared:1 master:2", or ""
  std::string type;
  std::string source;
  std::string super_options;
};
std::vector<MountLine> parse_mountinfo(std::string_view text);
/// The last mount on `target`; one with empty members if there is none.
MountLine find_mount(const std::vector<MountLine>& mounts, std::string_view target);
/// True if `word` is one of the comma-separated `options`.
bool has_option(std::string_view options, std::string_view word);

/// A tmpfs on the host for one test.
class HostMount {
 public:
  explicit HostMount(std::string path, unsigned long flags = 0);
  ~HostMount();
  HostMount(const HostMount&) = delete;
  HostMount& operator=(const HostMount&) = delete;

 private:
  std::string path_;
};

}  // namespace tests
