// File systems mounted: by mount(2), or as detached mounts (fsopen(2)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::filesystem {

struct Request {
  std::string type;
  std::string source;
  unsigned long flags = 0;  // MS_*
  std::string data;         // options of the file system, joined by commas
};

/// mount(2) on `target`. An Error holds what the kernel has to say about it, as far as it does.
Result<void> mount(const Request& request, const Fd& target);

/// The file system as a detached mount, which move_mount(2) attaches. An option's value may have
/// 255 bytes (fsconfig(2)). Needs CAP_SYS_ADMIN over the caller's mount namespace.
Result<Fd> make(const Request& request);

/// mount(2) with MS_REMOUNT on the mount whose root `target` is. What `flags` and `cleared` say
/// nothing of stays as it is.
Result<void> remount(const Fd& target, unsigned long flags, unsigned long cleared,
                     const std::string& data);

/// The type of the file system that holds `path`, as mountinfo has it (proc(5)); "?" if it cannot
/// be told. For messages.
std::string type_of(const std::string& path);

/// The options in `data`: a comma between double quotes (SELinux contexts) or after a backslash
/// (overlayfs) separates nothing.
std::vector<std::string_view> split_options(std::string_view data);
/// The value of the option `name` in `data`, its quotes taken off; null data() without one.
std::string_view find_option(std::string_view data, std::string_view name);

}  // namespace skiff::filesystem
