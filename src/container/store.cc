#include "src/container/store.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <memory>

#include "src/base/json.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

constexpr size_t kMaxId = 1024;
constexpr size_t kMaxRecord = 4u << 20;
constexpr const char* kRecordFile = "state.json";
constexpr const char* kStagedFile = ".state.json";
constexpr const char* kIntentFile = "intent.json";
constexpr const char* kConfigFile = "config.json";
constexpr const char* kStagedConfig = ".config.json";

std::string absolute(const std::string& directory) {
  if (directory.starts_with('/')) return path::clean(directory);
  const std::unique_ptr<char, void (*)(void*)> here(::getcwd(nullptr, 0), ::free);
  return path::join(here ? here.get() : "/", directory);
}

Result<void> make_root(const std::string& root) {
  if (::mkdir(root.c_str(), 0700) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT || root == "/") return Error::from_errno("mkdir {}", root);
  TRY(make_root(path::parent(root)));
  return make_root(root);
}

Error does_not_exist() { return Error::received(ENOENT, "container does not exist"); }

Result<StateDir> open_directory(const std::string& root, const std::string& id) {
  StateDir dir;
  dir.id = id;
  dir.path = root + "/" + id;
  auto opened = sys::open(dir.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!opened) {
    if (opened.error().is(ENOENT) || opened.error().is(ENOTDIR)) return does_not_exist();
    return std::move(opened).error();
  }
  dir.fd = std::move(*opened);
  return dir;
}

Result<void> rename(const StateDir& dir, const char* from, const char* to) {
  if (::renameat(dir.fd.get(), from, dir.fd.get(), to) < 0)
    return Error::from_errno("rename {}/{}", dir.path, from);
  return {};
}

/// Also where one was left behind.
Result<void> write_staged(const StateDir& dir, const char* name, std::string_view text) {
  auto written = write_new_file(dir, name, text);
  if (written || !written.error().is(EEXIST)) return written;
  (void)::unlinkat(dir.fd.get(), name, 0);
  return write_new_file(dir, name, text);
}

Result<void> replace_file(const StateDir& dir, const char* name, std::string_view text) {
  const std::string temporary = fmt::format(".{}.{}", name, ::getpid());
  TRY(write_new_file(dir, temporary.c_str(), text));
  return rename(dir, temporary.c_str(), name);
}

}  // namespace

Result<void> check_id(const std::string& id) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
  const bool valid = !id.empty() && id.size() <= kMaxId && id != "." && id != ".." &&
                     id.find_first_not_of(kAllowed) == std::string::npos;
  if (valid) return {};
  return Error::invalid("invalid container id {}: 1 to {} of letters, digits and _ + . -",
                        text::quote(id.substr(0, 64)), kMaxId);
}

ContainerStore::ContainerStore(const std::string& root) : root_(absolute(root)) {}

Result<void> ContainerStore::make() const { return make_root(root_); }

Result<StateDir> ContainerStore::reserve(const std::string& id) const {
  TRY(check_id(id));
  const std::string path = root_ + "/" + id;
  if (::mkdir(path.c_str(), 0700) < 0) {
    if (errno == ENOENT) {
      TRY(make_root(root_));
      return reserve(id);
    }
    if (errno == EEXIST)
      return Error::received(EEXIST, fmt::format("container {} already exists", id));
    return Error::from_errno("mkdir {}", path);
  }
  StateDir dir = TRY(open_directory(root_, id));
  // Whoever asks for its state may look whether it is locked, just now.
  TRY(lock(dir, 1));
  return dir;
}

Result<StateDir> ContainerStore::open(const std::string& id) const {
  TRY(check_id(id));
  return open_directory(root_, id);
}

Result<std::string> ContainerStore::peek(const std::string& id) const {
  std::string path = root_;
  path.append("/").append(id).append("/").append(kRecordFile);
  const Fd file = TRY(sys::open(path, O_RDONLY | O_NOFOLLOW));
  return sys::read_all(file, kMaxRecord, path);
}

Result<void> ContainerStore::forget(const StateDir& dir) const {
  // Only plain files are kept here; the directory is ours alone.
  const Fd again = TRY(sys::open_at(dir.fd, ".", O_RDONLY | O_DIRECTORY));
  const int copy = ::fcntl(again.get(), F_DUPFD_CLOEXEC, 0);
  DIR* const listing = copy < 0 ? nullptr : ::fdopendir(copy);
  if (listing == nullptr) return Error::from_errno("list {}", dir.path);
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(listing, ::closedir);
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (::unlinkat(dir.fd.get(), entry->d_name, 0) < 0 && errno != ENOENT)
      return Error::from_errno("remove {}/{}", dir.path, name);
  }
  if (::rmdir(dir.path.c_str()) < 0 && errno != ENOENT)
    return Error::from_errno("remove {}", dir.path);
  return {};
}

Result<std::vector<std::string>> ContainerStore::ids() const {
  std::vector<std::string> found;
  DIR* const listing = ::opendir(root_.c_str());
  if (listing == nullptr) {
    if (errno == ENOENT) return found;
    return Error::from_errno("list {}", root_);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(listing, ::closedir);
  while (const dirent* entry = ::readdir(listing))
    if (entry->d_type == DT_DIR && check_id(entry->d_name)) found.emplace_back(entry->d_name);
  std::sort(found.begin(), found.end());
  return found;
}

Result<void> lock(const StateDir& dir, int seconds) {
  constexpr timespec kPause{0, 2'000'000};
  for (int tries = seconds * 500; ::flock(dir.fd.get(), LOCK_EX | LOCK_NB) < 0; --tries) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Error::from_errno("lock {}", dir.path);
    if (tries <= 0)
      return Error::received(EBUSY, fmt::format("container {} is busy", dir.id))
          .with_hint("another skiff is creating, starting or deleting it");
    ::nanosleep(&kPause, nullptr);
  }
  // Whoever held the lock may have deleted the container, and another may have
  // made it anew: then ours is a directory that no path leads to.
  struct stat held {};
  struct stat named {};
  if (::fstat(dir.fd.get(), &held) < 0) return Error::from_errno("stat {}", dir.path);
  if (::stat(dir.path.c_str(), &named) < 0 || held.st_ino != named.st_ino ||
      held.st_dev != named.st_dev)
    return does_not_exist();
  return {};
}

Result<void> write_new_file(const StateDir& dir, const char* name, std::string_view text) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  const Fd file = TRY(sys::open_at(dir.fd, name, kFlags, 0600));
  return sys::write_all(file.get(), text, name);
}

Result<void> stage(const StateDir& dir, const Record& record) {
  return write_staged(dir, kStagedFile, to_json(record));
}

Result<void> commit(const StateDir& dir) { return rename(dir, kStagedFile, kRecordFile); }

Result<void> stage_config(const StateDir& dir, std::string_view text) {
  return write_staged(dir, kStagedConfig, text);
}

Result<void> commit_config(const StateDir& dir) { return rename(dir, kStagedConfig, kConfigFile); }

void unstage_config(const StateDir& dir) { (void)::unlinkat(dir.fd.get(), kStagedConfig, 0); }

Result<void> save_intent(const StateDir& dir, const Record& record) {
  return replace_file(dir, kIntentFile, to_json(record));
}

Result<Record> load(const StateDir& dir) {
  const char* name = kRecordFile;
  auto file = sys::open_at(dir.fd, name, O_RDONLY | O_NOFOLLOW);
  if (!file && file.error().is(ENOENT)) {
    name = kIntentFile;
    file = sys::open_at(dir.fd, name, O_RDONLY | O_NOFOLLOW);
  }
  if (!file) return std::move(file).error();
  std::string json = TRY(sys::read_all(*file, kMaxRecord, name));
  return record_from_json(std::move(json)).context("{}/{}", dir.path, name);
}

}  // namespace skiff::container
