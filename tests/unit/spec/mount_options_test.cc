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
  CHECK(known.size() == std::size(table) + 8);  // and the eight of the next test
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

TEST_CASE("options of the specification that have no support are named", "[spec]") {
  for (const std::string word :
       {"copy-symlink", "dest-nofollow", "idmap",       "idmap=uids=0-1000-1;gids=0-1000-1",
        "rasync",       "ratime",        "rdev",        "rdiratime",
        "rdirsync",     "rexec",         "ridmap",      "ridmap=uids=0-1-1",
        "rmand",        "rnoatime",      "rnodev",      "rnodiratime",
        "rnoexec",      "rnomand",       "rnorelatime", "rnostrictatime",
        "rnosuid",      "rnosymfollow",  "rrelatime",   "rro",
        "rrw",          "rstrictatime",  "rsuid",       "rsymfollow",
        "rsync",        "src-nofollow",  "tmpcopyup"}) {
    CAPTURE(word);
    const auto options = parse_mount_options({"nosuid", word});
    REQUIRE_FALSE(options);
    CHECK(options.error().text() == "\"" + word + "\": not supported yet");
  }
  CHECK(parse({"idmapped=1", "rro=1"}).data == "idmapped=1,rro=1");
}
