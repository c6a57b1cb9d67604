#include "src/spec/mount_options.h"

#include <linux/mount.h>

#include <algorithm>
#include <catch2/catch.hpp>

using namespace skiff;
using spec::MountOptions;
using spec::parse_mount_options;

namespace {

MountOptions parse(const std::vector<std::string>& words) {
  auto options = parse_mount_options(words);
  if (!options) FAIL(options.error().text());
  return *std::move(options);
}

}  // namespace

TEST_CASE("every option of mount(8) that is a flag sets or clears it", "[spec]") {
  struct Row {
    const char* word;
    unsigned long flags;
    unsigned long cleared;
  };
  const Row table[] = {
      {"async", 0, MS_SYNCHRONOUS},
      {"atime", 0, MS_NOATIME},
      {"bind", MS_BIND, 0},
      {"defaults", 0, 0},
      {"dev", 0, MS_NODEV},
      {"diratime", 0, MS_NODIRATIME},
      {"dirsync", MS_DIRSYNC, 0},
      {"exec", 0, MS_NOEXEC},
      {"iversion", MS_I_VERSION, 0},
      {"lazytime", MS_LAZYTIME, 0},
      {"loud", 0, MS_SILENT},
      {"mand", MS_MANDLOCK, 0},
      {"noatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME},
      {"nodev", MS_NODEV, 0},
      {"nodiratime", MS_NODIRATIME, 0},
      {"noexec", MS_NOEXEC, 0},
      {"noiversion", 0, MS_I_VERSION},
      {"nolazytime", 0, MS_LAZYTIME},
      {"nomand", 0, MS_MANDLOCK},
      {"norelatime", 0, MS_RELATIME},
      {"nostrictatime", 0, MS_STRICTATIME},
      {"nosuid", MS_NOSUID, 0},
      {"nosymfollow", MS_NOSYMFOLLOW, 0},
      {"rbind", MS_BIND | MS_REC, 0},
      {"relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
      {"remount", MS_REMOUNT, 0},
      {"ro", MS_RDONLY, 0},
      {"rw", 0, MS_RDONLY},
      {"silent", MS_SILENT, 0},
      {"strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
      {"suid", 0, MS_NOSUID},
      {"symfollow", 0, MS_NOSYMFOLLOW},
      {"sync", MS_SYNCHRONOUS, 0},
  };
  for (const Row& row : table) {
    CAPTURE(row.word);
    const MountOptions options = parse({row.word});
    CHECK(options.flags == row.flags);
    CHECK(options.cleared == row.cleared);
    CHECK(options.propagation == 0);
    CHECK(options.data.empty());
  }
  const auto known = spec::known_mount_options();
  CHECK(known.size() == std::size(table) + 8 + 18 + 5 + 6);  // and those of the tests below
  CHECK(std::is_sorted(known.begin(), known.end()));
}

TEST_CASE("propagation is apart from the flags, and the last word is it", "[spec]") {
  const std::pair<const char*, unsigned long> table[] = {
      {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
      {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
      {"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
      {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
  };
  const auto known = spec::known_mount_options();
  for (const auto& [word, propagation] : table) {
    CAPTURE(word);
    CHECK(parse({"rshared", word}).propagation == propagation);
    CHECK(parse({word}).flags == 0);
    CHECK(std::binary_search(known.begin(), known.end(), word));
  }
}

TEST_CASE("later words win over earlier ones", "[spec]") {
  MountOptions options = parse({"ro", "nosuid", "noexec", "rw", "exec"});
  CHECK(options.flags == MS_NOSUID);
  CHECK(options.cleared == (MS_RDONLY | MS_NOEXEC));

  options = parse({"rw", "ro"});
  CHECK(options.flags == MS_RDONLY);
  CHECK(options.cleared == 0);

  CHECK(parse({"rbind", "bind"}).flags == MS_BIND);
  CHECK(parse({"bind", "rbind"}).flags == (MS_BIND | MS_REC));
}

TEST_CASE("of the modes for access times the last remains", "[spec]") {
  CHECK(parse({"noatime", "strictatime"}).flags == MS_STRICTATIME);
  const MountOptions options = parse({"strictatime", "noatime"});
  CHECK(options.flags == MS_NOATIME);
  CHECK(options.cleared == (MS_STRICTATIME | MS_RELATIME));
  CHECK(parse({"relatime", "noatime", "relatime"}).flags == MS_RELATIME);
}

TEST_CASE("what is no flag is the file system's data", "[spec]") {
  const MountOptions options =
      parse({"nosuid", "strictatime", "mode=755", "", "size=65536k", "noacl", "RO"});
  CHECK(options.flags == (MS_NOSUID | MS_STRICTATIME));
  CHECK(options.data == "mode=755,size=65536k,noacl,RO");
}

TEST_CASE("data longer than the kernel takes is an error", "[spec]") {
  CHECK(parse({std::string(4000, 'x'), std::string(94, 'y')}).data.size() == 4095);
  const auto options = parse_mount_options({std::string(4000, 'x'), std::string(95, 'y')});
  REQUIRE_FALSE(options);
  CHECK(options.error().text() == "4096 bytes of file system options, the kernel takes 4095");
}

TEST_CASE("words with an r hold for the whole tree", "[spec]") {
  struct Row {
    const char* word;
    unsigned long set;
    unsigned long cleared;
  };
  const Row table[] = {
      {"rro", MS_RDONLY, 0},
      {"rrw", 0, MS_RDONLY},
      {"rsuid", 0, MS_NOSUID},
      {"rnosuid", MS_NOSUID, 0},
      {"rdev", 0, MS_NODEV},
      {"rnodev", MS_NODEV, 0},
      {"rexec", 0, MS_NOEXEC},
      {"rnoexec", MS_NOEXEC, 0},
      {"ratime", 0, MS_NOATIME},
      {"rnoatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME},
      {"rdiratime", 0, MS_NODIRATIME},
      {"rnodiratime", MS_NODIRATIME, 0},
      {"rrelatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
      {"rnorelatime", 0, MS_RELATIME},
      {"rstrictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
      {"rnostrictatime", 0, MS_STRICTATIME},
      {"rsymfollow", 0, MS_NOSYMFOLLOW},
      {"rnosymfollow", MS_NOSYMFOLLOW, 0},
  };
  const auto known = spec::known_mount_options();
  for (const Row& row : table) {
    CAPTURE(row.word);
    const MountOptions options = parse({row.word});
    CHECK(options.tree_flags == row.set);
    CHECK(options.tree_cleared == row.cleared);
    CHECK(options.flags == 0);
    CHECK(options.cleared == 0);
    CHECK(std::binary_search(known.begin(), known.end(), row.word));
  }
  CHECK(parse({"rsync", "rdirsync", "rmand"}).flags == (MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK));
  CHECK(parse({"rasync", "rnomand"}).cleared == (MS_SYNCHRONOUS | MS_MANDLOCK));
}

TEST_CASE("between a mount's own flag and its tree's the later word wins", "[spec]") {
  MountOptions options = parse({"rw", "noexec", "rro"});
  CHECK(options.tree_flags == MS_RDONLY);
  CHECK(options.flags == MS_NOEXEC);
  CHECK(options.cleared == 0);

  options = parse({"rro", "rw"});
  CHECK(options.tree_flags == MS_RDONLY);
  CHECK(options.cleared == MS_RDONLY);

  options = parse({"rro", "rrw"});
  CHECK(options.tree_flags == 0);
  CHECK(options.tree_cleared == MS_RDONLY);

  options = parse({"noatime", "rstrictatime"});
  CHECK(options.flags == 0);
  CHECK(options.cleared == 0);
  CHECK(options.tree_flags == MS_STRICTATIME);
}

TEST_CASE("words that are for skiff itself", "[spec]") {
  const MountOptions options =
      parse({"tmpcopyup", "copy-symlink", "src-nofollow", "dest-nofollow", "mode=700"});
  CHECK(options.copy_up);
  CHECK(options.copy_symlink);
  CHECK(options.source_nofollow);
  CHECK(options.target_nofollow);
  CHECK(options.data == "mode=700");
  CHECK(parse({"tmpcopyup=1", "rro=1", "idmapped=1"}).data == "tmpcopyup=1,rro=1,idmapped=1");
}

TEST_CASE("an id mapping, plain and as crun writes it", "[spec]") {
  CHECK_FALSE(parse({"rbind"}).idmap);
  CHECK_FALSE(parse({"idmap"}).idmap->recursive);
  CHECK(parse({"ridmap"}).idmap->recursive);
  CHECK(parse({"idmap", "ridmap"}).idmap->recursive);

  const auto option = parse({"idmap=uids=0-1-10#@10-11-5;gids=7-100-2"}).idmap;
  REQUIRE(option);
  CHECK_FALSE(option->recursive);
  REQUIRE(option->uids.size() == 2);
  CHECK(option->uids[0].mapping.container_id == 0);
  CHECK(option->uids[0].mapping.host_id == 1);
  CHECK(option->uids[0].mapping.size == 10);
  CHECK_FALSE(option->uids[0].relative);
  CHECK(option->uids[1].relative);
  REQUIRE(option->gids.size() == 1);
  CHECK(option->gids[0].mapping.host_id == 100);
  CHECK(parse({"ridmap=gids=0-0-1"}).idmap->uids.empty());
}

TEST_CASE("a malformed id mapping is named", "[spec]") {
  const std::pair<const char*, const char*> table[] = {
      {"idmap=", "idmap: \"\" is not \"uids=…\" or \"gids=…\", each once"},
      {"idmap=users=0-1-1", "idmap: \"users=0-1-1\" is not \"uids=…\" or \"gids=…\", each once"},
      {"idmap=uids=0-1-1;uids=2-3-1",
       "idmap: \"uids=2-3-1\" is not \"uids=…\" or \"gids=…\", each once"},
      {"ridmap=uids=", "ridmap: \"\" is not FROM-TO-COUNT"},
      {"idmap=uids=0-1", "idmap: \"0-1\" is not FROM-TO-COUNT"},
      {"idmap=uids=0-1-0", "idmap: \"0-1-0\" is not FROM-TO-COUNT"},
      {"idmap=uids=0-1-1-1", "idmap: \"0-1-1-1\" is not FROM-TO-COUNT"},
      {"idmap=gids=0--1-1", "idmap: \"0--1-1\" is not FROM-TO-COUNT"},
      {"idmap=gids=0-4294967290-9", "idmap: \"0-4294967290-9\" is not FROM-TO-COUNT"},
      {"idmap=gids=0-1-1#", "idmap: \"\" is not FROM-TO-COUNT"},
  };
  for (const auto& [word, error] : table) {
    CAPTURE(word);
    const auto options = parse_mount_options({word});
    REQUIRE_FALSE(options);
    CHECK(options.error().text() == error);
  }
}

TEST_CASE("what makes a bind mount", "[spec]") {
  const auto is_bind = [](const char* type, const char* source, const char* option) {
    spec::Mount mount;
    mount.type = type;
    mount.source = source;
    return spec::is_bind(mount, parse({option}));
  };
  CHECK(is_bind("none", "/x", "bind"));
  CHECK(is_bind("tmpfs", "/x", "rbind"));
  CHECK(is_bind("bind", "/x", "ro"));
  CHECK(is_bind("", "/x", "ro"));
  CHECK_FALSE(is_bind("", "", "ro"));
  CHECK_FALSE(is_bind("", "/x", "remount"));
  CHECK_FALSE(is_bind("tmpfs", "tmpfs", "ro"));
}
