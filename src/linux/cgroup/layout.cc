#include "src/linux/cgroup/layout.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <iterator>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/linux/cgroup/directory.h"

namespace skiff::cgroup {
namespace {

constexpr const char* kCgroupRoot = "/sys/fs/cgroup";

/// A line of /proc/self/cgroup: "4:cpu,cpuacct:/a" or "0::/a".
struct Membership {
  std::vector<std::string_view> controllers;  // none for v2
  std::string_view cgroup;
};

/// A line of /proc/self/mountinfo that mounts a cgroup file system.
struct Mounted {
  std::string root;  // the directory of the hierarchy that is mounted
  std::string mount_point;
  bool v2 = false;
  std::vector<std::string_view> options;  // of the super block: "rw", "cpu", "name=systemd"
};

std::vector<Membership> memberships(std::string_view own_cgroups) {
  std::vector<Membership> found;
  for (const std::string_view line : text::split(own_cgroups, '\n')) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) continue;
    Membership membership;
    membership.cgroup = line.substr(second + 1);
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty()) membership.controllers = text::split(controllers, ',');
    found.push_back(std::move(membership));
  }
  return found;
}

/// mountinfo writes space, tab, newline and backslash as "\040" (proc(5)).
std::string unescape(std::string_view field) {
  std::string plain;
  for (size_t i = 0; i < field.size(); ++i) {
    const auto code = field[i] == '\\' ? text::parse_octal(field.substr(i + 1, 3)) : std::nullopt;
    plain += code ? static_cast<char>(*code) : field[i];
    if (code) i += 3;
  }
  return plain;
}

std::vector<Mounted> cgroup_mounts(std::string_view mountinfo) {
  std::vector<Mounted> found;
  for (const std::string_view line : text::split(mountinfo, '\n')) {
    // The optional fields vary in number; " - " ends them.
    const size_t separator = line.find(" - ");
    if (separator == std::string_view::npos) continue;
    const auto front = text::split(line.substr(0, separator), ' ');
    const auto back = text::split(line.substr(separator + 3), ' ');
    if (front.size() < 6 || back.size() < 3 || !back[0].starts_with("cgroup")) continue;
    Mounted mounted;
    mounted.root = unescape(front[3]);
    mounted.mount_point = unescape(front[4]);
    mounted.v2 = back[0] == "cgroup2";
    mounted.options = text::split(back[2], ',');
    found.push_back(std::move(mounted));
  }
  return found;
}

bool mounts_hierarchy(const Mounted& mounted, const Membership& membership) {
  if (membership.controllers.empty()) return mounted.v2;
  const auto& options = mounted.options;
  return !mounted.v2 &&
         std::find(options.begin(), options.end(), membership.controllers.front()) != options.end();
}

/// How useful a mount is: the usual place first, as bind mounts of parts of a hierarchy
/// into other containers' root file systems may be in sight too; then the whole hierarchy.
int rank(const Mounted& mounted) {
  return (path::is_below(mounted.mount_point, kCgroupRoot) ? 2 : 0) + (mounted.root == "/" ? 1 : 0);
}

/// `cgroup` as a path below the mount's root, which inside a container without a cgroup
/// namespace is not the hierarchy's. "" if it lies outside the mount.
std::string below_mount(const std::string& root, std::string_view cgroup) {
  if (!cgroup.starts_with('/') || cgroup.starts_with("/..") || root.starts_with("/..")) return "";
  if (!path::is_below(cgroup, root)) return "";
  if (root == "/") return path::clean(cgroup);
  return path::clean("/" + std::string(cgroup.substr(root.size())));
}

LayoutKind kind_of(const std::vector<Hierarchy>& hierarchies) {
  if (hierarchies.empty()) return LayoutKind::None;
  if (!hierarchies.back().v2) return LayoutKind::V1;
  return hierarchies.size() == 1 ? LayoutKind::V2 : LayoutKind::Hybrid;
}

/// Whether /sys/fs/cgroup shows the v2 hierarchy from its very root, whose inode is
/// always number 1: then /proc/self/cgroup's path can be used as it is.
bool is_whole_hierarchy() {
  struct stat status {};
  return ::stat(kCgroupRoot, &status) == 0 && status.st_ino == 1;
}

}  // namespace

Layout layout_from(std::string_view own_cgroups, std::string_view mountinfo) {
  const std::vector<Mounted> mounts = cgroup_mounts(mountinfo);
  Layout layout;
  for (const Membership& membership : memberships(own_cgroups)) {
    const Mounted* best = nullptr;
    for (const Mounted& mounted : mounts)
      if (mounts_hierarchy(mounted, membership) && (!best || rank(mounted) > rank(*best)))
        best = &mounted;
    if (!best) continue;
    Hierarchy hierarchy;
    hierarchy.mount_point = best->mount_point;
    hierarchy.v2 = best->v2;
    hierarchy.own_path = below_mount(best->root, membership.cgroup);
    hierarchy.controllers.assign(membership.controllers.begin(), membership.controllers.end());
    layout.hierarchies.push_back(std::move(hierarchy));
  }
  std::stable_sort(layout.hierarchies.begin(), layout.hierarchies.end(),
                   [](const Hierarchy& a, const Hierarchy& b) { return a.v2 < b.v2; });
  layout.kind = kind_of(layout.hierarchies);
  return layout;
}

std::string own_v2_cgroup(std::string_view own_cgroups) {
  for (const Membership& membership : memberships(own_cgroups))
    if (membership.controllers.empty()) return std::string(membership.cgroup);
  return "";
}

Result<Layout> read_layout() {
  const std::string own_cgroups = TRY(read_file(AT_FDCWD, "/proc/self/cgroup"));
  struct statfs root {};
  if (::statfs(kCgroupRoot, &root) == 0 && root.f_type == CGROUP2_SUPER_MAGIC) {
    const std::string own = own_v2_cgroup(own_cgroups);
    if (own == "/" || (!own.empty() && !own.starts_with("/..") && is_whole_hierarchy())) {
      Hierarchy hierarchy;
      hierarchy.mount_point = kCgroupRoot;
      hierarchy.v2 = true;
      hierarchy.own_path = own;
      Layout layout;
      layout.kind = LayoutKind::V2;
      layout.hierarchies.push_back(std::move(hierarchy));
      return layout;
    }
  }
  const std::string mountinfo = TRY(read_file(AT_FDCWD, "/proc/self/mountinfo"));
  Layout layout = layout_from(own_cgroups, mountinfo);
  if (root.f_type != CGROUP2_SUPER_MAGIC || layout.kind != LayoutKind::Hybrid) return layout;
  // v1 mounts elsewhere, or hidden below the v2 one, do not make a v2 host a hybrid one.
  layout.hierarchies.erase(layout.hierarchies.begin(), std::prev(layout.hierarchies.end()));
  layout.kind = LayoutKind::V2;
  return layout;
}

namespace {

/// Engines hand "slice:prefix:name" to the systemd manager only, so that with this one
/// it is a mistake, never a directory's name.
bool is_systemd_form(std::string_view cgroups_path) {
  return cgroups_path.find('/') == std::string_view::npos &&
         std::count(cgroups_path.begin(), cgroups_path.end(), ':') == 2;
}

Result<std::string> path_in(const Hierarchy& hierarchy, const std::string& cgroups_path) {
  // Cleaned as an absolute path: ".." stops at the root, or at this process's own cgroup.
  const std::string below = path::clean("/" + cgroups_path);
  if (below == "/")
    return Error::invalid("linux.cgroupsPath: {} leaves no name for the container's cgroup",
                          text::quote(cgroups_path));
  if (cgroups_path.starts_with('/')) return below;
  if (hierarchy.own_path.empty())
    return Error::invalid(
        "linux.cgroupsPath: {} is relative to the caller's cgroup, which lies outside {}",
        text::quote(cgroups_path), hierarchy.mount_point);
  return path::clean(hierarchy.own_path + below);
}

}  // namespace

Result<Paths> resolve(const Layout& layout, const std::string& cgroups_path,
                      const std::string& id) {
  if (is_systemd_form(cgroups_path))
    return Error::invalid(
               "linux.cgroupsPath: {} has the systemd form slice:prefix:name, not a path",
               text::quote(cgroups_path))
        .with_hint("that is for --systemd-cgroup; give a path such as \"/web\"");
  Paths paths;
  if (layout.kind == LayoutKind::None) {
    if (cgroups_path.empty()) return paths;
    return Error::invalid("linux.cgroupsPath: no cgroup hierarchy is mounted on this host");
  }
  const std::string wanted = cgroups_path.empty() ? "/" + id : cgroups_path;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    const std::string below = TRY(path_in(hierarchy, wanted));
    const std::string directory = path::clean(hierarchy.mount_point + below);
    if (hierarchy.v2 || paths.path.empty()) paths.path = below;
    if (hierarchy.v2) paths.directories.emplace_back("", directory);
    for (const std::string& controller : hierarchy.controllers)
      paths.directories.emplace_back(controller, directory);
  }
  return paths;
}

Paths v2_below(const Paths& paths, const std::string& below) {
  Paths found;
  for (const auto& [controller, directory] : paths.directories) {
    if (!controller.empty()) continue;
    found.path = paths.path + "/" + below;
    found.directories.emplace_back(controller, directory + "/" + below);
  }
  return found;
}

Paths with_v2_below(Paths paths, const std::string& below) {
  for (auto& [controller, directory] : paths.directories) {
    if (!controller.empty()) continue;
    paths.path += "/" + below;
    directory += "/" + below;
  }
  return paths;
}

Result<void> add_systemd_hierarchy(Paths& paths) {
  constexpr const char* kName = "name=systemd";
  if (paths.directories.empty())
    return Error::invalid("the container has no cgroup that could be shown");
  for (const auto& [controller, directory] : paths.directories)
    if (controller == kName) return {};
  const std::string own_cgroups = TRY(read_file(AT_FDCWD, "/proc/self/cgroup"));
  const std::string mountinfo = TRY(read_file(AT_FDCWD, "/proc/self/mountinfo"));
  for (const Hierarchy& hierarchy : layout_from(own_cgroups, mountinfo).hierarchies) {
    const auto& names = hierarchy.controllers;
    if (std::find(names.begin(), names.end(), kName) == names.end()) continue;
    paths.directories.emplace(paths.directories.begin(), kName,
                              path::clean(hierarchy.mount_point + paths.path));
    return {};
  }
  return Error::invalid("the cgroup v1 hierarchy name=systemd is not mounted on this host")
      .with_hint(
          "mkdir /sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd,xattr cgroup "
          "/sys/fs/cgroup/systemd");
}

}  // namespace skiff::cgroup
