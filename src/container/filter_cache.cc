#include <dirent.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <tuple>

#include "src/base/log.h"
#include "src/container/filter.h"
#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

constexpr uint64_t kMagic = 0x3170'6d6f'6363'6573;  // "seccomp1": the form of a file
constexpr size_t kMostFiles = 64;
constexpr size_t kMostFileBytes = 20u << 20;  // a configuration may have 16 MiB

struct Header {
  uint64_t magic = kMagic;
  uint64_t checksum = 0;  // of what follows the header
  uint64_t key_size = 0;
};

/// Names files and finds torn ones; whoever could make two keys with one hash gains nothing.
uint64_t hash(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kPrime = 0x9e37'79b9'7f4a'7c15;
  uint64_t state = seed ^ (bytes.size() * kPrime);
  const auto mix = [&](uint64_t word) {
    state = (state ^ word) * kPrime;
    state ^= state >> 29;
  };
  size_t at = 0;
  uint64_t word = 0;
  for (; bytes.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    mix(word);
  }
  word = 0;
  std::memcpy(&word, bytes.data() + at, bytes.size() - at);
  mix(word);
  return state;
}

/// Everything a filter depends on besides the profile. The kernel is told by its build: what it
/// can do does not change while it runs.
std::string surroundings() {
  utsname kernel{};
  ::uname(&kernel);
  std::string text = "skiff " SKIFF_VERSION;
  for (const std::string_view part :
       {std::string_view(kernel.release), std::string_view(kernel.version),
        std::string_view(kernel.machine)}) {
    text += '\0';
    text += part;
  }
  text += '\0';
  text += seccomp::library_version();
  text += '\0';
  return text;
}

bool is_ours_alone(const Fd& fd, mode_t type, mode_t mode) {
  struct stat status {};
  return ::fstat(fd.get(), &status) == 0 && (status.st_mode & S_IFMT) == type &&
         status.st_uid == ::geteuid() && (status.st_mode & 07777) == mode &&
         (type != S_IFREG || status.st_nlink == 1);
}

/// The directory, if nobody else could have put anything into it.
Result<Fd> open_directory(const std::string& path) {
  Fd directory = TRY(sys::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (is_ours_alone(directory, S_IFDIR, 0700)) return directory;
  return Error::invalid("{}: not a directory of mode 0700 that belongs to this user", path);
}

Result<std::string> read_file(const std::string& path, const std::string& name) {
  const Fd directory = TRY(open_directory(path));
  const Fd file = TRY(sys::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!is_ours_alone(file, S_IFREG, 0600))
    return Error::invalid("not a file of mode 0600 that belongs to this user");
  return sys::read_all(file, kMostFileBytes, name);
}

/// The program in `bytes`, if it was made from all that `key` says.
Result<seccomp::Program> program_in(std::string_view bytes, std::string_view key) {
  Header header;
  if (bytes.size() < sizeof header) return Error::invalid("malformed");
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.remove_prefix(sizeof header);
  if (header.magic != kMagic || header.key_size != key.size() || bytes.size() < key.size() ||
      bytes.substr(0, key.size()) != key)
    return Error::invalid("made of another profile");
  if (header.checksum != hash(bytes, kMagic)) return Error::invalid("malformed");
  return seccomp::from_bytes(bytes.substr(key.size()));
}

/// Makes room for one more file: the oldest goes.
void make_room(const Fd& directory) {
  const int copy = ::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(copy < 0 ? nullptr : ::fdopendir(copy),
                                                    [](DIR* open) { return ::closedir(open); });
  if (!listing) return;
  ::rewinddir(listing.get());
  size_t count = 0;
  std::string oldest;
  timespec oldest_time{};
  while (const dirent* entry = ::readdir(listing.get())) {
    struct stat status {};
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." ||
        ::fstatat(directory.get(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
      continue;
    ++count;
    const timespec& time = status.st_mtim;
    const bool older =
        std::tie(time.tv_sec, time.tv_nsec) < std::tie(oldest_time.tv_sec, oldest_time.tv_nsec);
    if (!oldest.empty() && !older) continue;
    oldest = name;
    oldest_time = time;
  }
  if (count >= kMostFiles) ::unlinkat(directory.get(), oldest.c_str(), 0);
}

}  // namespace

bool FilterCache::find(std::string_view profile) {
  key_ = surroundings();
  key_ += profile;
  name_ = fmt::format("{:016x}", hash(key_, 0));
  found_.reset();
  const auto bytes = read_file(directory_, name_);
  if (!bytes) return false;  // not there, as a rule
  auto program = program_in(*bytes, key_);
  if (program)
    found_ = *std::move(program);
  else
    log::debug("{}/{}: {}", directory_, name_, program.error().text());
  return found_.has_value();
}

void FilterCache::keep(const seccomp::Program& program) const {
  if (name_.empty()) return;
  const auto written = write(program);
  if (!written) log::debug("seccomp cache: {}, ignoring", written.error().text());
}

Result<void> FilterCache::write(const seccomp::Program& program) const {
  if (::mkdir(directory_.c_str(), 0700) < 0 && errno != EEXIST)
    return Error::from_errno("mkdir {}", directory_);
  const Fd directory = TRY(open_directory(directory_));
  make_room(directory);
  Header header;
  header.key_size = key_.size();
  const std::string content = key_ + seccomp::to_bytes(program);
  header.checksum = hash(content, kMagic);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += content;

  // Complete before it has its name; the pid keeps simultaneous writers apart.
  const std::string temporary = fmt::format(".{}.{}", name_, ::getpid());
  const Fd file =
      TRY(sys::open_at(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  auto written = sys::write_all(file.get(), bytes, temporary);
  if (written && ::renameat(directory.get(), temporary.c_str(), directory.get(), name_.c_str()) < 0)
    written = Error::from_errno("rename {}", temporary);
  if (!written) ::unlinkat(directory.get(), temporary.c_str(), 0);
  return written;
}

}  // namespace skiff::container
