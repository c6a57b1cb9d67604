#include "src/linux/filesystem.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cstring>

#include "src/base/text.h"
#include "src/linux/mounts.h"
#include "src/linux/syscalls.h"

namespace skiff::filesystem {
namespace {

struct SuperblockFlag {
  unsigned long flag;
  const char* option;
};

// As fs/fs_context.c names them; a file system may know more.
constexpr SuperblockFlag kSuperblockFlags[] = {
    {MS_RDONLY, "ro"},       {MS_SYNCHRONOUS, "sync"},  {MS_MANDLOCK, "mand"},
    {MS_DIRSYNC, "dirsync"}, {MS_LAZYTIME, "lazytime"}, {MS_I_VERSION, "iversion"},
};

/// What the kernel has logged about this file system: "e tmpfs: Unknown parameter 'x'" and the
/// like, joined (fsopen(2), "Message retrieval interface").
std::string take_messages(const Fd& context) {
  std::string all;
  char message[1024];
  for (;;) {
    const ssize_t size = ::read(context.get(), message, sizeof message);
    if (size <= 2) return all;
    std::string_view text(message, static_cast<size_t>(size));
    text.remove_prefix(2);  // its level
    if (!all.empty()) all += "; ";
    all += text::one_line(text::trim(text));
  }
}

Error explain(int code, const Fd& context, std::string_view step) {
  const std::string messages = take_messages(context);
  if (!messages.empty()) return Error::from_code(code, "{}", messages);
  Error error = Error::from_code(code, "{}", step);
  // Where a file system does not know this interface yet, as overlay until Linux 6.5.
  if (code != EINVAL) return error;
  return std::move(error).with_hint("the kernel's log, dmesg(1), may say more");
}

std::string_view unquoted(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    return value.substr(1, value.size() - 2);
  return value;
}

Result<void> set_option(const Fd& context, std::string_view option) {
  const size_t equals = option.find('=');
  const std::string key(option.substr(0, equals));
  const bool flag = equals == std::string_view::npos;
  const std::string value(flag ? std::string_view() : unquoted(option.substr(equals + 1)));
  constexpr size_t kMostValue = 255;
  if (value.size() > kMostValue)
    return Error::invalid("option {}: {} bytes, the kernel takes {} when a mount is made this way",
                          key, value.size(), kMostValue);
  const unsigned command = flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
  if (::fsconfig(context.get(), command, key.c_str(), flag ? nullptr : value.c_str(), 0) < 0)
    return explain(errno, context, fmt::format("option {}", text::quote(option)));
  return {};
}

Result<void> configure(const Fd& context, const Request& request) {
  if (::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", request.source.c_str(), 0) < 0)
    return explain(errno, context, fmt::format("source {}", text::quote(request.source)));
  for (const SuperblockFlag& entry : kSuperblockFlags)
    if ((request.flags & entry.flag) != 0) TRY(set_option(context, entry.option));
  for (const std::string_view option : split_options(request.data))
    TRY(set_option(context, option));
  return {};
}

Error with_known_hint(Error error, const Request& request) {
  if (error.is(ENODEV))
    return std::move(error).with_hint(
        "the kernel does not know this type of file system; perhaps its module is not loaded");
  if (!error.is(EPERM)) return error;
  if (request.type == "sysfs")
    return std::move(error).with_hint(
        "in a user namespace sysfs needs a network namespace of the container's own; "
        "/sys can be bound instead");
  if (request.type == "proc")
    return std::move(error).with_hint(
        "in a user namespace proc needs a pid namespace of the container's own; "
        "/proc can be bound instead");
  if (request.type == "mqueue")
    return std::move(error).with_hint(
        "in a user namespace mqueue needs an ipc namespace of the container's own");
  return error;
}

}  // namespace

std::vector<std::string_view> split_options(std::string_view data) {
  std::vector<std::string_view> options;
  bool quoted = false;
  size_t begin = 0;
  for (size_t at = 0; at <= data.size(); ++at) {
    if (at < data.size() && data[at] == '\\') {
      ++at;
      continue;
    }
    if (at < data.size() && data[at] == '"') quoted = !quoted;
    if (at < data.size() && (data[at] != ',' || quoted)) continue;
    if (at > begin) options.push_back(data.substr(begin, at - begin));
    begin = at + 1;
  }
  if (begin < data.size()) options.push_back(data.substr(begin));
  return options;
}

std::string_view find_option(std::string_view data, std::string_view name) {
  std::string_view found;
  for (const std::string_view option : split_options(data))
    if (option.starts_with(name) && option.substr(name.size()).starts_with('='))
      found = unquoted(option.substr(name.size() + 1));
  return found;
}

Result<Fd> make(const Request& request) {
  const Fd context(::fsopen(request.type.c_str(), FSOPEN_CLOEXEC));
  if (!context)
    return with_known_hint(Error::from_errno("fsopen {}", text::quote(request.type)), request);
  TRY(configure(context, request));
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return with_known_hint(explain(errno, context, "create the file system"), request);
  const mounts::Attributes attributes = mounts::attributes_from_flags(request.flags, 0);
  Fd made(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes.set)));
  if (!made) return with_known_hint(explain(errno, context, "fsmount"), request);
  return made;
}

Result<void> mount(const Request& request, const Fd& target) {
  if (::mount(request.source.c_str(), sys::fd_path(target).c_str(), request.type.c_str(),
              request.flags, request.data.c_str()) == 0)
    return {};
  const int code = errno;
  Error error = Error::from_code(code, "{}", request.type);
  // What mount(2) does not tell: once more, in steps that report. Only where the kernel is likely
  // to have said more, and not after a server's silence.
  if (code == EINVAL || code == ENOENT || code == EPERM || code == ENODEV) {
    auto again = make(request);
    if (!again && again.error().is(code)) return std::move(again).error();
  }
  return error;
}

Result<void> remount(const Fd& target, unsigned long flags, unsigned long cleared,
                     const std::string& data) {
  // A remount sets all flags anew (mount(2)), and would take nosuid away along the way. Those of
  // statfs(2) have the same values but for relatime, which is the default.
  constexpr unsigned long kKept = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS |
                                  MS_MANDLOCK | MS_NOATIME | MS_NODIRATIME;
  struct statfs status {};
  if (::fstatfs(target.get(), &status) < 0) return Error::from_errno("statfs");
  const auto present = static_cast<unsigned long>(status.f_flags) & kKept;
  const unsigned long all = flags | (present & ~cleared) | MS_REMOUNT;
  if (::mount("", sys::fd_path(target).c_str(), "", all, data.c_str()) == 0) return {};
  Error error = Error::from_errno("remount");
  if (!error.is(EINVAL)) return error;
  return std::move(error).with_hint("there must be a mount, and its file system know the options");
}

std::string type_of(const std::string& path) {
  struct statx status {};
  constexpr size_t kMostMounts = 64u << 20;  // bytes
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &status) < 0) return "?";
  const auto file = sys::open("/proc/self/mountinfo", O_RDONLY);
  if (!file) return "?";
  const auto mounts = sys::read_all(*file, kMostMounts, "mountinfo");
  if (!mounts) return "?";
  const std::string id = fmt::format("{} ", status.stx_mnt_id);
  for (const std::string_view line : text::split(*mounts, '\n')) {
    if (!line.starts_with(id)) continue;
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) break;
    return std::string(text::split(line.substr(dash + 3), ' ')[0]);
  }
  return "?";
}

}  // namespace skiff::filesystem
