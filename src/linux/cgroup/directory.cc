#include "src/linux/cgroup/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include "src/base/path.h"
#include "src/base/text.h"

namespace skiff::cgroup {
namespace {

constexpr long kFirstPause = 200'000;  // nanoseconds
constexpr long kLongestPause = 10'000'000;
constexpr long kPatience = 10'000'000'000;

/// Makes `path` and the parents it lacks, and notes them in `made`. EEXIST is an Error.
Result<void> make_path(const std::string& path, std::vector<std::string>& made) {
  int status = ::mkdir(path.c_str(), 0755);
  if (status < 0 && errno == ENOENT && path != "/") {
    if (auto parent = make_path(path::parent(path), made); !parent && !parent.error().is(EEXIST))
      return parent;
    status = ::mkdir(path.c_str(), 0755);
  }
  if (status < 0) return Error::from_errno("make cgroup {}", path);
  made.push_back(path);
  return {};
}

Result<std::vector<std::string>> child_directories(int base, const std::string& path) {
  Fd fd(::openat(base, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return Error::from_errno("open cgroup {}", path);
  std::vector<std::string> children;
  // In kernfs a directory has one link for each child directory, besides two of its own:
  // most cgroups need not be listed at all.
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0 && status.st_nlink == 2) return children;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(fd.get()), ::closedir);
  if (!listing) return Error::from_errno("list cgroup {}", path);
  (void)fd.release();  // the listing's now
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") children.emplace_back(name);
  }
  return children;
}

}  // namespace

Result<std::string> read_file(int base, const std::string& file) {
  const Fd fd(::openat(base, file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Error::from_errno("open {}", file);
  std::string content;
  std::array<char, 4096> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  for (;;) {
    const ssize_t size = ::read(fd.get(), piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error::from_errno("read {}", file);
    if (size == 0) return content;
    content.append(piece.data(), static_cast<size_t>(size));
  }
}

uint64_t number_of(std::string_view content, std::string_view key) {
  for (const std::string_view line : text::split(content, '\n'))
    if (line.starts_with(key) && line.substr(key.size()).starts_with(' '))
      return text::parse_unsigned(line.substr(key.size() + 1)).value_or(0);
  return 0;
}

Result<bool> wait_until(const std::function<Result<bool>()>& done) {
  long pause = kFirstPause;
  for (long waited = 0;; waited += pause, pause = std::min(pause + pause / 2, kLongestPause)) {
    if (TRY(done())) return true;
    if (waited >= kPatience) return false;
    const timespec time = {0, pause};
    (void)::nanosleep(&time, nullptr);  // a signal only makes the next look come earlier
  }
}

Result<bool> Directory::make() {
  auto made = make_path(path_, made_);
  if (made) return true;
  if (made.error().is(EEXIST)) {
    made_.clear();
    return false;
  }
  unmake();
  return std::move(made).error();
}

void Directory::unmake() {
  fd_.close();
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) (void)::rmdir(path->c_str());
  made_.clear();
}

Result<int> Directory::fd() const {
  if (!fd_) fd_ = Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd_) return Error::from_errno("open cgroup {}", path_);
  return fd_.get();
}

Result<std::string> Directory::read(const std::string& file) const {
  return read_file(TRY(fd()), file);
}

Result<std::string> Directory::peek(const std::string& file) const {
  const std::string path = path_ + "/" + file;
  const Fd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) return Error::from_errno("open {}", path);
  std::array<char, 512> content;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  const ssize_t size = ::read(opened.get(), content.data(), content.size());
  if (size < 0) return Error::from_errno("read {}", path);
  return std::string(content.data(), static_cast<size_t>(size));
}

Result<void> Directory::write(const std::string& file, std::string_view value) const {
  const Fd target(::openat(TRY(fd()), file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!target) return Error::from_errno("write {} to {}", value, file);
  ssize_t size = -1;
  do {
    size = ::write(target.get(), value.data(), value.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) return Error::from_errno("write {} to {}", value, file);
  if (static_cast<size_t>(size) != value.size())
    return Error::from_code(EIO, "write {} to {}", value, file);
  return {};
}

bool Directory::is_absent(const Error& error) { return error.is(ENOENT) || error.is(ENODEV); }

Result<std::vector<std::string>> Directory::tree() const {
  const auto base = fd();
  if (!base && is_absent(base.error())) return std::vector<std::string>();
  if (!base) return base.error();
  std::vector<std::string> found = {"."};
  for (size_t i = 0; i < found.size(); ++i) {
    auto children = child_directories(*base, found[i]);
    if (!children && is_absent(children.error())) continue;  // removed meanwhile
    if (!children) return std::move(children).error();
    for (const std::string& child : *children) found.push_back(found[i] + "/" + child);
  }
  return found;
}

Result<std::vector<pid_t>> Directory::processes() const {
  std::vector<pid_t> pids;
  const auto directories = TRY(tree());
  for (const std::string& directory : directories) {
    const auto listed = read(directory + "/cgroup.procs");
    // EOPNOTSUPP: a threaded cgroup; its domain, which is above it, lists its processes.
    if (!listed && (is_absent(listed.error()) || listed.error().is(EOPNOTSUPP))) continue;
    if (!listed) return listed.error();
    for (const std::string_view line : text::split(*listed, '\n'))
      if (const auto pid = text::parse_unsigned(line).value_or(0); pid != 0)
        pids.push_back(static_cast<pid_t>(pid));
  }
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

Result<void> Directory::write_everywhere(const std::string& file, std::string_view value) const {
  const auto directories = TRY(tree());
  for (const std::string& directory : directories)
    if (auto written = write(directory + "/" + file, value);
        !written && !is_absent(written.error()))
      return written;
  return {};
}

/// True if nothing is left there.
Result<bool> Directory::remove_below() {
  const auto directories = TRY(tree());
  bool removed = true;
  for (auto below = directories.rbegin(); below != directories.rend() && *below != "."; ++below)
    removed &= ::unlinkat(TRY(fd()), below->c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
  return removed;
}

Result<void> Directory::give_to(uid_t owner, std::string_view files) const {
  const int directory = TRY(fd());
  constexpr auto kNoGroup = static_cast<gid_t>(-1);
  if (::fchown(directory, owner, kNoGroup) < 0)
    return Error::from_errno("give cgroup {} to user {}", path_, owner);
  for (const std::string_view line : text::split(text::trim(files), '\n')) {
    const std::string file(line);
    // ENOENT: of a controller that is not enabled here.
    if (::fchownat(directory, file.c_str(), owner, kNoGroup, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno != ENOENT)
      return Error::from_errno("give cgroup {}/{} to user {}", path_, file, owner);
  }
  return {};
}

Result<bool> Directory::remove_tree() {
  if (stays_) return remove_below();
  const auto remove = [&] { return ::rmdir(path_.c_str()) == 0 || errno == ENOENT; };
  if (!remove()) {
    if (errno != EBUSY) return Error::from_errno("remove cgroup {}", path_);
    (void)TRY(remove_below());  // the last rmdir tells
    if (!remove()) {
      if (errno == EBUSY) return false;
      return Error::from_errno("remove cgroup {}", path_);
    }
  }
  fd_.close();
  if (!made_.empty()) made_.pop_back();  // of what was made, the parents are left
  return true;
}

int64_t number_in(const Directory& directory, const std::string& file) {
  const auto content = directory.read(file);
  return content ? text::parse_signed(text::trim(*content)).value_or(0) : 0;
}

void Journal::note(const Directory& directory, const std::string& file, std::string_view value) {
  const auto before = directory.read(file);
  if (!before) return;
  for (std::string& line : restoring_values(file, value, *before))
    entries_.push_back({directory.path() + "/" + file, std::move(line)});
}

void Journal::restore() {
  // What the kernel refuses may fit once others have their value back.
  std::vector<Entry> pending(std::make_move_iterator(entries_.rbegin()),
                             std::make_move_iterator(entries_.rend()));
  entries_.clear();
  for (size_t before = pending.size() + 1; !pending.empty() && pending.size() < before;) {
    before = pending.size();
    std::erase_if(pending, [](const Entry& entry) {
      const auto written = Directory(path::parent(entry.path))
                               .write(std::string(path::base_name(entry.path)), entry.value);
      return written || !written.error().is(EINVAL);
    });
  }
}

Result<void> write_either(
    const FileValue& file,
    const std::function<Result<void>(const std::string& file, const std::string& value)>& write) {
  auto first = write(file.file, file.value);
  if (file.also_file.empty()) return first;
  auto second = write(file.also_file, file.also_value);
  if (first || second) return {};
  return first.error().is(ENOENT) ? std::move(second) : std::move(first);
}

bool holds_already(const Directory& directory, const FileValue& file,
                   const std::vector<FileValue>& present) {
  if (std::none_of(present.begin(), present.end(), [&](const FileValue& other) {
        return other.file == file.file && other.value == file.value;
      }))
    return false;
  if (is_keyed(file.file)) return true;
  const auto content = directory.read(file.file.substr(file.file.find('/') + 1));
  return !content || says(*content, file.value);
}

Result<void> write_in_workable_order(const std::vector<FileValue>& files,
                                     const std::function<Result<void>(const FileValue&)>& write) {
  std::vector<FileValue> pending = files;
  while (!pending.empty()) {
    std::vector<FileValue> refused;
    std::optional<Error> first;
    for (const FileValue& file : pending) {
      auto written = write(file).context("{}", file.field);
      if (written) continue;
      if (!written.error().is(EINVAL)) return written;
      if (!first) first = std::move(written).error();
      refused.push_back(file);
    }
    if (refused.size() == pending.size()) return *std::move(first);
    pending = std::move(refused);
  }
  return {};
}

}  // namespace skiff::cgroup
