#include "src/container/inspect.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "src/base/path.h"
#include "src/base/text.h"
#include "src/container/listener.h"
#include "src/linux/cgroup/cgroup.h"
#include "src/linux/lsm.h"
#include "src/linux/namespaces.h"
#include "src/linux/rootdir.h"
#include "src/linux/seccomp.h"
#include "src/linux/seccomp/policy.h"
#include "src/linux/syscalls.h"
#include "src/spec/mount_options.h"

namespace skiff::container {
namespace {

using spec::Spec;

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

/// Whether a mount of the container hides what the root file system has at `path`.
bool is_mounted_over(const Spec& spec, std::string_view path) {
  return std::any_of(spec.mounts.begin(), spec.mounts.end(), [&](const spec::Mount& mount) {
    return is_below(path, path::clean(mount.destination));
  });
}

// ---- the program

/// The loader that an ELF program names, "" if it needs none or is no such program.
std::string loader_of(const Fd& file) {
  Elf64_Ehdr header{};
  if (::pread(file.get(), &header, sizeof header, 0) != sizeof header) return {};
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_phentsize != sizeof(Elf64_Phdr))
    return {};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const auto at = static_cast<off_t>(header.e_phoff + i * sizeof segment);
    if (::pread(file.get(), &segment, sizeof segment, at) != sizeof segment) return {};
    if (segment.p_type != PT_INTERP) continue;
    char name[4096];
    const size_t size = std::min<size_t>(segment.p_filesz, sizeof name - 1);
    const ssize_t got = ::pread(file.get(), name, size, static_cast<off_t>(segment.p_offset));
    return got > 0 ? std::string(name, ::strnlen(name, static_cast<size_t>(got))) : std::string();
  }
  return {};
}

/// The interpreter that a script's first line names, "" if it is none.
std::string interpreter_of(const Fd& file) {
  char head[256];
  const ssize_t size = ::pread(file.get(), head, sizeof head, 0);
  if (size < 3 || head[0] != '#' || head[1] != '!') return {};
  std::string_view line(head + 2, static_cast<size_t>(size) - 2);
  line = text::trim(line.substr(0, line.find('\n')));
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

std::string_view search_path(const std::vector<std::string>& env) {
  std::string_view found = "/bin:/usr/bin";
  for (const std::string& entry : env)
    if (entry.starts_with("PATH=")) found = std::string_view(entry).substr(5);
  return found;
}

/// Where the program may be, in the order of the search.
std::vector<std::string> candidates(const spec::Process& process) {
  const std::string& name = process.args.front();
  if (name.find('/') != std::string::npos) return {path::join(process.cwd, name)};
  std::vector<std::string> found;
  for (const std::string_view directory : text::split(search_path(process.env), ':'))
    found.push_back(path::join(path::join(process.cwd, std::string(directory)), name));
  return found;
}

bool is_executable(const Fd& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
         (status.st_mode & 0111) != 0;
}

void check_needs(const Spec& spec, const Fd& root, const std::string& program, const Fd& file,
                 Inspection& found) {
  const std::string interpreter = interpreter_of(file);
  const std::string needed = interpreter.empty() ? loader_of(file) : interpreter;
  if (needed.empty() || is_mounted_over(spec, needed)) return;
  if (rootdir::open_inside(root, needed, O_PATH)) return;
  found.errors.push_back(
      {"process.args[0]",
       fmt::format("{} needs {} {}, which is not in the root file system", program,
                   interpreter.empty() ? "the loader" : "the interpreter", text::quote(needed)),
       ""});
}

void check_program(const Spec& spec, const Fd& root, Inspection& found) {
  if (!spec.process || spec.process->args.empty()) return;
  bool denied = false;
  for (const std::string& path : candidates(*spec.process)) {
    if (is_mounted_over(spec, path)) return;  // it is in a file system that is not there yet
    const auto file = rootdir::open_inside(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file) {
      denied = denied || file.error().is(EACCES);
      continue;
    }
    if (is_executable(*file)) return check_needs(spec, root, path, *file, found);
    denied = true;
  }
  const std::string name = text::quote(spec.process->args.front());
  if (denied)
    found.errors.push_back({"process.args[0]", name + " is not an executable file", ""});
  else
    found.errors.push_back({"process.args[0]",
                            spec.process->args.front().find('/') != std::string::npos
                                ? name + " is not in the root file system"
                                : name + " is in no directory of PATH",
                            ""});
}

// ---- the file systems

void check_root(const std::string& bundle, const Spec& spec, Inspection& found) {
  const std::string path = path::join(bundle, spec.root.path);
  const auto root = sys::open(path, O_PATH | O_DIRECTORY);
  if (!root) {
    found.errors.push_back({"root.path", root.error().text(), ""});
    return;
  }
  check_program(spec, *root, found);
  if (!spec.process || is_mounted_over(spec, spec.process->cwd)) return;
  const auto cwd = rootdir::open_inside(*root, spec.process->cwd, O_PATH | O_DIRECTORY);
  if (cwd || !cwd.error().is(ENOTDIR)) return;
  found.errors.push_back(
      {"process.cwd", text::quote(spec.process->cwd) + " is not a directory", ""});
}

bool is_known_file_system(std::string_view type, std::string_view known) {
  for (const std::string_view line : text::split(known, '\n'))
    if (line.substr(line.rfind('\t') + 1) == type) return true;
  return false;
}

void check_mounts(const std::string& bundle, const Spec& spec, Inspection& found) {
  const auto list = sys::open("/proc/filesystems", O_RDONLY);
  const auto known = list ? sys::read_all(*list, 1u << 20, "/proc/filesystems")
                          : Result<std::string>(list.error());
  for (size_t i = 0; i < spec.mounts.size(); ++i) {
    const spec::Mount& mount = spec.mounts[i];
    const auto options = spec::parse_mount_options(mount.options);
    // A remount has no source, and what is no mount yet cannot be looked at.
    if (!options || (options->flags & MS_REMOUNT) != 0) continue;
    if (spec::is_bind(mount, *options)) {
      const std::string source = path::join(bundle, mount.source);
      struct stat status {};
      if (::lstat(source.c_str(), &status) < 0 && errno != EACCES)
        found.errors.push_back({fmt::format("mounts[{}].source", i),
                                fmt::format("{}: {}", source, errno_text(errno)), ""});
    } else if (known && !mount.type.empty() && mount.type != "none" && mount.type != "cgroup" &&
               !is_known_file_system(mount.type, *known)) {
      found.advice.push_back({fmt::format("mounts[{}].type", i),
                              fmt::format("{} is not among the kernel's file systems now; it "
                                          "fails unless a module brings it",
                                          text::quote(mount.type)),
                              "file-system"});
    }
  }
}

// ---- the kernel

void check_namespaces(const Spec& spec, Inspection& found) {
  for (size_t i = 0; i < spec.linux.namespaces.size(); ++i) {
    const spec::Namespace& entry = spec.linux.namespaces[i];
    if (!entry.path.empty()) {
      const auto opened = namespaces::open(entry);
      if (!opened && !opened.error().is(EACCES))
        found.errors.push_back(
            {fmt::format("linux.namespaces[{}].path", i), opened.error().text(), ""});
      continue;
    }
    const std::string own = std::string("/proc/self/ns/") + spec::proc_file(entry.type);
    if (::access(own.c_str(), F_OK) < 0 && errno == ENOENT)
      found.errors.push_back({fmt::format("linux.namespaces[{}].type", i),
                              fmt::format("this kernel has no {} namespaces", name(entry.type)),
                              ""});
  }
}

bool is_loaded(const std::string& profile) {
  const auto file = sys::open("/sys/kernel/security/apparmor/profiles", O_RDONLY);
  if (!file) return true;  // not for this user to know
  const auto list = sys::read_all(*file, 16u << 20, "profiles");
  return !list || ("\n" + *list).find("\n" + profile + " (") != std::string::npos;
}

void check_labels(const Spec& spec, Inspection& found) {
  if (!spec.linux.mount_label.empty() && !lsm::has_selinux())
    found.errors.push_back({"linux.mountLabel", "this host does not run SELinux", ""});
  if (!spec.process) return;
  const std::string& profile = spec.process->apparmor_profile;
  if (!profile.empty() && profile != "unconfined") {
    if (!lsm::has_apparmor())
      found.errors.push_back({"process.apparmorProfile", "this host does not run AppArmor", ""});
    else if (!is_loaded(profile))
      found.errors.push_back(
          {"process.apparmorProfile", text::quote(profile) + " is not loaded on this host", ""});
  }
  if (!spec.process->selinux_label.empty() && !lsm::has_selinux())
    found.errors.push_back({"process.selinuxLabel", "this host does not run SELinux", ""});
  const bool confined = !profile.empty() || !spec.process->selinux_label.empty();
  if (!confined && (lsm::has_apparmor() || lsm::has_selinux()))
    found.advice.push_back(
        {lsm::has_apparmor() ? "process.apparmorProfile" : "process.selinuxLabel",
         "missing: this host could confine the container further", "no-mandatory-access"});
}

void check_hooks(const Spec& spec, Inspection& found) {
  struct Kind {
    const char* name;
    const std::vector<spec::Hook>* hooks;
    bool inside;  // its path is the container's
  };
  const Kind kinds[] = {
      {"prestart", &spec.hooks.prestart, false},
      {"createRuntime", &spec.hooks.create_runtime, false},
      {"createContainer", &spec.hooks.create_container, false},
      {"startContainer", &spec.hooks.start_container, true},
      {"poststart", &spec.hooks.poststart, false},
      {"poststop", &spec.hooks.poststop, false},
  };
  for (const Kind& kind : kinds) {
    if (kind.inside) continue;
    for (size_t i = 0; i < kind.hooks->size(); ++i) {
      const std::string& path = (*kind.hooks)[i].path;
      if (::access(path.c_str(), X_OK) < 0)
        found.errors.push_back({fmt::format("hooks.{}[{}].path", kind.name, i),
                                fmt::format("{}: {}", path, errno_text(errno)), ""});
    }
  }
}

void check_resources(const Spec& spec, Inspection& found) {
  if (!spec.linux.resources) return;
  const auto layout = cgroup::read_layout();
  if (!layout) return;  // not a fault of the configuration
  for (const Error& fault : cgroup::find_faults(*layout, *spec.linux.resources))
    found.errors.push_back(spec::finding(fault.text()));
}

void check_seccomp(const std::string& bundle, const Spec& spec, Inspection& found) {
  if (!spec.linux.seccomp) return;
  const auto policy = seccomp::make_policy(*spec.linux.seccomp, seccomp::native_architecture());
  const auto program = seccomp::compile(*spec.linux.seccomp);
  if (!policy || !program) {
    found.errors.push_back(spec::finding((policy ? program.error() : policy.error()).text()));
    return;
  }
  if (!policy->unknown_calls.empty())
    found.advice.push_back({"linux.seccomp.syscalls",
                            "skipped, for libseccomp does not know them: " +
                                text::one_line(text::join(policy->unknown_calls, ", ")),
                            "unknown-syscall"});
  if (!program->notifies) return;
  const auto listener = find_listener_path(spec, bundle);
  if (!listener)
    found.errors.push_back(spec::finding(listener.error().text()));
  else if (::access(listener->c_str(), W_OK) < 0)
    found.errors.push_back(
        {"linux.seccomp.listenerPath", fmt::format("{}: {}", *listener, errno_text(errno)), ""});
}

}  // namespace

Inspection inspect(const std::string& bundle, const Spec& spec) {
  Inspection found;
  check_root(bundle, spec, found);
  check_mounts(bundle, spec, found);
  check_namespaces(spec, found);
  check_labels(spec, found);
  check_hooks(spec, found);
  check_resources(spec, found);
  check_seccomp(bundle, spec, found);
  return found;
}

}  // namespace skiff::container
