#include "src/container/sources.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <memory>

#include "src/linux/filesystem.h"
#include "src/linux/idmap.h"
#include "src/linux/mounts.h"

namespace skiff::container {
namespace {

using launch::IdMapPlan;
using launch::MountKind;
using launch::MountPlan;

/// The user namespaces that stand for the mounts' id mappings, each made once.
class IdMaps {
 public:
  IdMaps(const std::vector<spec::Namespace>& joins, const std::vector<Fd>& opened)
      : joins_(joins), opened_(opened) {}

  Result<const Fd*> find(const MountPlan& mount) {
    const IdMapPlan& plan = *mount.idmap;
    if (plan.joined) return joined();
    const std::string key = idmap::map_lines(plan.uids) + '\n' + idmap::map_lines(plan.gids);
    for (const auto& made : made_)
      if (made->first == key) return &made->second;
    Fd fd =
        TRY(idmap::open_namespace(plan.uids, plan.gids, fmt::format("mounts[{}]", mount.index)));
    made_.push_back(std::make_unique<std::pair<std::string, Fd>>(key, std::move(fd)));
    return &made_.back()->second;
  }

 private:
  Result<const Fd*> joined() const {
    for (size_t i = 0; i < joins_.size(); ++i)
      if (joins_[i].type == spec::NamespaceType::User) return &opened_[i];
    return Error::invalid("no user namespace is joined");
  }

  const std::vector<spec::Namespace>& joins_;
  const std::vector<Fd>& opened_;
  std::vector<std::unique_ptr<std::pair<std::string, Fd>>> made_;
};

Result<Fd> make_mount(const MountPlan& mount) {
  if (mount.kind != MountKind::FileSystem)
    return mounts::clone_tree(mount.source, (mount.flags & MS_REC) != 0, mount.source_nofollow)
        .context("mounts[{}]: source {}", mount.index, mount.source);
  filesystem::Request request;
  request.type = mount.type;
  request.source = mount.source;
  request.flags = mount.flags;
  request.data = mount.data;
  return filesystem::make(request).context("mounts[{}]: mount {} at {}", mount.index, mount.type,
                                           mount.destination);
}

/// make_mount(), in words for whoever is not root.
Result<Fd> make_source(const MountPlan& mount) {
  auto made = make_mount(mount);
  if (made || !mount.idmap || !made.error().is(EPERM)) return made;
  return std::move(made).error().with_hint(
      "a mount to be id-mapped is made on the host, which takes CAP_SYS_ADMIN there");
}

/// EINVAL and EPERM say too little.
Error explain_idmap(Error error, const MountPlan& mount) {
  const bool bind = mount.kind != MountKind::FileSystem;
  if (error.is(EINVAL))
    return Error::from_code(EINVAL, "the file system {} cannot be id-mapped by this kernel{}",
                            bind ? filesystem::type_of(mount.source) : mount.type,
                            mount.idmap->recursive && bind ? ", or one that is mounted below" : "");
  if (error.is(EPERM))
    return std::move(error).with_hint(
        "it takes CAP_SYS_ADMIN where the file system was mounted, and a mount not mapped already");
  return error;
}

}  // namespace

Result<std::vector<Fd>> open_sources(const launch::RootfsPlan& plan,
                                     const std::vector<spec::Namespace>& joins,
                                     const std::vector<Fd>& opened) {
  std::vector<Fd> sources;
  if (plan.root_sent)
    sources.push_back(TRY(mounts::clone_tree(plan.path, true).context("root.path")));
  IdMaps maps(joins, opened);
  for (const MountPlan& mount : plan.mounts) {
    if (!mount.source_sent) continue;
    sources.push_back(TRY(make_source(mount)));
    if (!mount.idmap) continue;
    const Fd* user_namespace = TRY(maps.find(mount));
    auto mapped = mounts::set_idmap(sources.back(), *user_namespace, mount.idmap->recursive);
    if (!mapped)
      return Result<void>(explain_idmap(std::move(mapped).error(), mount))
          .context("mounts[{}]: id-map {}", mount.index, mount.destination)
          .error();
  }
  return sources;
}

}  // namespace skiff::container
