#include <linux/mount.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/spec/mount_options.h"
#include "src/spec/validate_parts.h"

namespace skiff::spec {
namespace {

Error meaningless(const std::string& at, const char* option, const char* needed) {
  return Error::invalid("{}.options: \"{}\" means nothing without {}", at, option, needed);
}

/// mount(2) would ignore such options, and with them a misspelt "nosuid".
Result<void> options_fit_type(const std::string& at, const Mount& mount,
                              const MountOptions& options) {
  const bool bind = is_bind(mount, options);
  const bool remount = (options.flags & MS_REMOUNT) != 0;
  if (bind && !options.data.empty())
    return Error::invalid("{}.options: {} means nothing to a bind mount", at,
                          text::quote(options.data));
  if (!options.data.empty() && (mount.type == "cgroup" || mount.type == "cgroup2"))
    return Error::invalid("{}.options: {} means nothing to type {}", at, text::quote(options.data),
                          mount.type);
  if (options.copy_up && (bind || remount || mount.type != "tmpfs"))
    return meaningless(at, "tmpcopyup", "type tmpfs");
  const bool attached = bind && !remount;
  if (!attached && options.copy_symlink) return meaningless(at, "copy-symlink", "a bind mount");
  if (!attached && options.source_nofollow) return meaningless(at, "src-nofollow", "a bind mount");
  if (!attached && options.target_nofollow) return meaningless(at, "dest-nofollow", "a bind mount");
  return {};
}

/// Whether a list of ranges leaves something to the container's own mapping.
bool needs_container(const std::vector<IdMapRange>& ranges) {
  if (ranges.empty()) return true;
  for (const IdMapRange& range : ranges)
    if (range.relative) return true;
  return false;
}

/// config.md#posix-platform-mounts and the options idmap and ridmap.
Result<void> id_mapping_is_complete(const std::string& at, const Mount& mount,
                                    const MountOptions& options, bool user_namespace) {
  const bool listed = !mount.uid_mappings.empty() || !mount.gid_mappings.empty();
  if (listed && mount.gid_mappings.empty())
    return Error::invalid("{}.gidMappings: missing, uidMappings are given", at);
  if (listed && mount.uid_mappings.empty())
    return Error::invalid("{}.uidMappings: missing, gidMappings are given", at);
  if (!listed && !options.idmap) return {};
  if ((options.flags & MS_REMOUNT) != 0)
    return Error::invalid("{}.options: a mount that exists cannot be id-mapped", at);
  if (mount.type == "cgroup" || mount.type == "cgroup2")
    return Error::invalid("{}.options: type {} cannot be id-mapped", at, mount.type);
  if (listed) {
    if (options.idmap && (!options.idmap->uids.empty() || !options.idmap->gids.empty()))
      return Error::invalid("{}.options: an id mapping here, and another in uidMappings", at);
    return {};
  }
  if (user_namespace) return {};
  if (needs_container(options.idmap->uids) || needs_container(options.idmap->gids))
    return Error::invalid("{}.options: {} needs uidMappings and gidMappings or a user namespace",
                          at, options.idmap->recursive ? "ridmap" : "idmap");
  return {};
}

Result<void> check_mount(const std::string& at, const Mount& mount, bool user_namespace) {
  const MountOptions options = TRY(parse_mount_options(mount.options).context("{}.options", at));
  TRY(options_fit_type(at, mount, options));
  return id_mapping_is_complete(at, mount, options, user_namespace);
}

}  // namespace

void mounts_are_consistent(const Spec& spec, Faults& faults) {
  const bool user_namespace = spec.has_namespace(NamespaceType::User);
  for (size_t i = 0; i < spec.mounts.size(); ++i) {
    auto checked = check_mount(fmt::format("mounts[{}]", i), spec.mounts[i], user_namespace);
    if (!checked) faults.push_back(std::move(checked).error());
  }
}

void mount_label_is_one_word(const Spec& spec, Faults& faults) {
  // The label becomes a mount option between quotes.
  const std::string& label = spec.linux.mount_label;
  const bool strange = std::any_of(label.begin(), label.end(), [](char letter) {
    return letter <= ' ' || letter == '"' || letter == '\\' || letter == '\x7f';
  });
  if (strange)
    faults.push_back(
        Error::invalid("linux.mountLabel: {} is not a SELinux context", text::quote(label)));
  const std::string* type = find(spec.annotations, "run.oci.mount_context_type");
  if (type == nullptr) return;
  for (const char* known : {"context", "fscontext", "defcontext", "rootcontext"})
    if (*type == known) return;
  faults.push_back(
      Error::invalid("annotations.run.oci.mount_context_type: unknown {}", text::quote(*type))
          .with_hint("context, fscontext, defcontext or rootcontext"));
}

void devices_do_not_contradict(const Spec& spec, Faults& faults) {
  const std::vector<Device>& devices = spec.linux.devices;
  for (size_t i = 0; i < devices.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const Device& a = devices[i];
      const Device& b = devices[j];
      if (a.path == b.path && (a.type != b.type || a.major != b.major || a.minor != b.minor))
        faults.push_back(
            Error::invalid("linux.devices[{}].path: {} is another device in linux.devices[{}]", i,
                           text::quote(a.path), j));
    }
}

}  // namespace skiff::spec
