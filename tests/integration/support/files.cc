#include "tests/integration/support/files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace tests {

namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, std::string_view text, unsigned mode) {
  fs::create_directories(fs::path(path).parent_path());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) throw std::runtime_error("cannot create " + path);
  const ssize_t written = ::write(fd, text.data(), text.size());
  ::fchmod(fd, mode);
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("cannot write " + path);
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

void make_directories(const std::string& path) { fs::create_directories(path); }

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_link(const std::string& path) {
  std::error_code error;
  return fs::read_symlink(path, error).string();
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> found = split(text, '\n');
  if (found.back().empty()) found.pop_back();
  return found;
}

std::string trim(std::string_view text) {
  const char* blank = " \t\r\n";
  const size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(blank) - begin + 1));
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

std::string field(std::string_view text, std::string_view name) {
  for (const std::string& line : lines(text))
    if (line.size() > name.size() && line.compare(0, name.size(), name) == 0 &&
        line[name.size()] == ':')
      return trim(std::string_view(line).substr(name.size() + 1));
  return "";
}

std::vector<MountLine> parse_mountinfo(std::string_view text) {
  std::vector<MountLine> mounts;
  for (const std::string& line : lines(text)) {
    const std::vector<std::string> words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 10 || words.end() - dash < 4) continue;
    MountLine mount;
    mount.root = words[3];
    mount.target = words[4];
    mount.options = words[5];
    for (auto word = words.begin() + 6; word != dash; ++word)
      mount.optional += (mount.optional.empty() ? "" : " ") + *word;
    mount.type = dash[1];
    mount.source = dash[2];
    mount.super_options = dash[3];
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

MountLine find_mount(const std::vector<MountLine>& mounts, std::string_view target) {
  MountLine found;
  for (const MountLine& mount : mounts)
    if (mount.target == target) found = mount;
  return found;
}

bool has_option(std::string_view options, std::string_view word) {
  const std::vector<std::string> words = split(options, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

void make_link(const std::string& target, const std::string& path) {
  fs::create_symlink(target, path);
}

HostMount::HostMount(std::string path, unsigned long flags) : path_(std::move(path)) {
  make_directories(path_);
  if (::mount("tmpfs", path_.c_str(), "tmpfs", flags, nullptr) != 0)
    throw std::runtime_error("cannot mount a tmpfs at " + path_);
}

HostMount::~HostMount() { ::umount2(path_.c_str(), MNT_DETACH); }

}  // namespace tests
