// Options of mounts beyond the flags: whole trees, copies, links, places, what file systems say.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <catch2/catch.hpp>

#include "tests/integration/support/container.h"
#include "tests/integration/support/leftovers.h"

namespace tests {
namespace {

/// Loads its module, if there is one.
bool kernel_knows(const char* type) {
  return static_cast<bool>(skiff::Fd(::fsopen(type, FSOPEN_CLOEXEC)));
}

TEST_CASE("words with an r hold for every mount below", "[mounts]") {
  struct Row {
    const char* words;
    const char* shown;  // "!x": not shown
  };
  for (const Row& row :
       {Row{"rro", "ro"}, Row{"rnosuid", "nosuid"}, Row{"rnodev", "nodev"},
        Row{"rnoexec", "noexec"}, Row{"rnoatime", "noatime"}, Row{"rnodiratime", "nodiratime"},
        Row{"rrelatime", "relatime"}, Row{"rnosymfollow", "nosymfollow"}}) {
    INFO(row.words);
    if (!testing(Program::Skiff) && std::string(row.words) == "rnosymfollow") continue;
    Bundle bundle;
    make_directories(bundle.file("tree"));
    const HostMount top(bundle.file("tree"));
    const HostMount below(bundle.file("tree/below"));
    bundle.mount("/tree", "bind", bundle.file("tree"), std::string("rbind,") + row.words);
    const auto mounts = mounts_inside(bundle);
    CHECK(has_option(find_mount(mounts, "/tree").options, row.shown));
    CHECK(has_option(find_mount(mounts, "/tree/below").options, row.shown));
    // The host's own mounts are as they were.
    const auto host = parse_mountinfo(read_file("/proc/self/mountinfo"));
    CHECK(find_mount(host, bundle.file("tree/below")).options == "rw,relatime");
  }
}

TEST_CASE("words with an r take flags away from every mount below", "[mounts]") {
  DIFFERS(Crun, "1.8.1 leaves the top as it is");
  DIFFERS(Runc, "1.1.5 fails on a source that is read-only");
  Bundle bundle;
  const unsigned long all =
      MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME;
  make_directories(bundle.file("tree"));
  const HostMount top(bundle.file("tree"));
  const HostMount below(bundle.file("tree/below"), all);
  bundle.mount("/tree", "bind", bundle.file("tree"), "rbind,rrw,rsuid,rdev,rexec,ratime,rdiratime");
  CHECK(find_mount(mounts_inside(bundle), "/tree/below").options == "rw,relatime");
  const auto host = parse_mountinfo(read_file("/proc/self/mountinfo"));
  CHECK(has_option(find_mount(host, bundle.file("tree/below")).options, "noexec"));

  Bundle strict;
  make_directories(strict.file("tree"));
  const HostMount top2(strict.file("tree"));
  const HostMount below2(strict.file("tree/below"));
  strict.mount("/tree", "bind", strict.file("tree"), "rbind,rstrictatime");
  CHECK(find_mount(mounts_inside(strict), "/tree/below").options == "rw");
}

TEST_CASE("ro with rbind is for the top, rro for all, and the last word decides", "[mounts]") {
  SKIFF_ONLY("keeps the order of words");
  struct Row {
    const char* words;
    const char* top;
    const char* below;
  };
  for (const Row& row : {Row{"rbind,ro", "ro", "rw"}, Row{"rbind,rro", "ro", "ro"},
                         Row{"rbind,rro,rw", "rw", "ro"}, Row{"rbind,rw,rro", "ro", "ro"},
                         Row{"rbind,rro,rrw", "rw", "rw"}, Row{"bind,rro", "ro", ""}}) {
    INFO(row.words);
    Bundle bundle;
    make_directories(bundle.file("tree"));
    const HostMount top(bundle.file("tree"));
    const HostMount below(bundle.file("tree/below"));
    bundle.mount("/tree", "bind", bundle.file("tree"), row.words);
    const auto mounts = mounts_inside(bundle);
    CHECK(has_option(find_mount(mounts, "/tree").options, row.top));
    CHECK((find_mount(mounts, "/tree/below").target == "") == (row.below == std::string()));
    if (*row.below != '\0') CHECK(has_option(find_mount(mounts, "/tree/below").options, row.below));
  }
}

TEST_CASE("a new file system takes the words for trees as well", "[mounts]") {
  SKIFF_ONLY("does so for every type");
  Bundle bundle;
  bundle.mount("/t", "tmpfs", "tmpfs", "rro,rnoexec,rnosuid,rnodev,rnoatime,rnosymfollow");
  bundle.mount("/u", "tmpfs", "tmpfs", "rnoexec,exec");
  const auto mounts = mounts_inside(bundle);
  for (const char* option : {"ro", "noexec", "nosuid", "nodev", "noatime", "nosymfollow"})
    CHECK(has_option(find_mount(mounts, "/t").options, option));
  CHECK_FALSE(has_option(find_mount(mounts, "/u").options, "noexec"));
}

TEST_CASE("nosymfollow stops symbolic links, and symfollow does not", "[mounts]") {
  DIFFERS(Crun, "1.8.1 does not know it");
  Bundle bundle;
  write_file(bundle.file("dir/file"), "x\n");
  make_link("file", bundle.file("dir/link").c_str());
  bundle.mount("/no", "bind", bundle.file("dir"), "bind,nosymfollow");
  bundle.mount("/yes", "bind", bundle.file("dir"), "bind,nosymfollow,symfollow");
  bundle.mount("/new", "tmpfs", "tmpfs", "nosymfollow");
  CHECK(output_of(bundle,
                  "cat /yes/link; readlink /no/link; cat /no/link 2>/dev/null || echo stopped; "
                  "ln -s /etc/passwd /new/link; cat /new/link 2>/dev/null || echo stopped") ==
        "x\nfile\nstopped\nstopped\n");
}

TEST_CASE("the options of a superblock reach it", "[mounts]") {
  DIFFERS(Crun, "1.8.1 takes some for data");
  DIFFERS(Runc, "1.1.5 is older than some");
  Bundle bundle;
  bundle.mount("/a", "tmpfs", "tmpfs", "sync,dirsync,lazytime,iversion,silent");
  bundle.mount("/b", "tmpfs", "tmpfs",
               "sync,dirsync,lazytime,iversion,async,nolazytime,noiversion,loud,nomand");
  const auto mounts = mounts_inside(bundle);
  for (const char* option : {"sync", "dirsync", "lazytime"})
    CHECK(has_option(find_mount(mounts, "/a").super_options, option));
  CHECK_FALSE(has_option(find_mount(mounts, "/b").super_options, "sync"));
  CHECK_FALSE(has_option(find_mount(mounts, "/b").super_options, "lazytime"));
}

TEST_CASE("every option of the specification is taken, for binds and file systems", "[mounts]") {
  SKIFF_ONLY("is measured by this list");
  for (const char* option : {"async",        "atime",         "defaults",
                             "dev",          "diratime",      "dirsync",
                             "exec",         "iversion",      "lazytime",
                             "loud",         "mand",          "noatime",
                             "nodev",        "nodiratime",    "noexec",
                             "noiversion",   "nolazytime",    "nomand",
                             "norelatime",   "nostrictatime", "nosuid",
                             "private",      "ratime",        "rdev",
                             "rdiratime",    "relatime",      "rexec",
                             "rnoatime",     "rnodiratime",   "rnoexec",
                             "rnorelatime",  "rnosuid",       "ro",
                             "rprivate",     "rrelatime",     "rro",
                             "rrw",          "rshared",       "rslave",
                             "rsuid",        "runbindable",   "rw",
                             "shared",       "silent",        "slave",
                             "strictatime",  "suid",          "sync",
                             "unbindable",   "symfollow",     "nosymfollow",
                             "rsymfollow",   "rnosymfollow",  "rnostrictatime",
                             "rstrictatime", "rnodev"}) {
    INFO(option);
    Bundle bundle;
    make_directories(bundle.file("dir"));
    bundle.mount("/bound", "bind", bundle.file("dir"), std::string("rbind,") + option);
    bundle.mount("/made", "tmpfs", "tmpfs", option);
    CHECK(Container(bundle.args({"/bin/true"})).run().ok());
  }
}

TEST_CASE("an option of the file system on a bind mount is said to be without effect", "[mounts]") {
  SKIFF_ONLY("warns");
  Bundle bundle;
  make_directories(bundle.file("dir"));
  bundle.mount("/bound", "bind", bundle.file("dir"), "bind,sync").args({"/bin/true"});
  const Output output = Container(bundle).run();
  CHECK(output.ok());
  CHECK_THAT(output.err, Catch::Contains("mounts[6].options") && Catch::Contains("ignoring"));
}

TEST_CASE("remount changes a mount and leaves the rest of it alone", "[mounts]") {
  SKIFF_ONLY("keeps what is not named");
  Bundle bundle;
  bundle.mount("/t", "tmpfs", "tmpfs", "nosuid,size=64k,mode=755");
  bundle.mount("/t", "tmpfs", "tmpfs", "remount,noexec,size=128k");
  bundle.mount("/u", "tmpfs", "tmpfs", "nodev");
  bundle.mount("/u", "", "", "remount,bind,nosuid,ro");
  const auto mounts = mounts_inside(bundle);
  CHECK(find_mount(mounts, "/t").options == "rw,nosuid,noexec,relatime");
  CHECK(has_option(find_mount(mounts, "/t").super_options, "size=128k"));
  CHECK(find_mount(mounts, "/u").options == "ro,nosuid,nodev,relatime");
}

TEST_CASE("remount of what is no mount is an error", "[mounts]") {
  SKIFF_ONLY("has these messages");
  Bundle bundle;
  make_directories(bundle.rootfs() + "/plain");
  bundle.mount("/plain", "", "", "remount,noexec");
  CHECK_THAT(refusal(bundle),
             Catch::Contains("mounts[6]: remount /plain: remount: Invalid argument "
                             "(hint: there must be a mount"));
  Bundle missing;
  missing.mount("/missing", "", "", "remount,noexec");
  CHECK_THAT(refusal(missing), Catch::Contains("mounts[6]: remount /missing: open /missing in "
                                               "rootfs: No such file or directory"));
}

TEST_CASE("copy-symlink makes the source's link anew", "[mounts]") {
  DIFFERS(Runc, "does not know it");
  for (const bool user_namespace : {false, true}) {
    INFO(user_namespace);
    if (user_namespace && testing(Program::Crun)) continue;
    Bundle bundle;
    write_file(bundle.rootfs() + "/real", "inside\n");
    if (user_namespace) bundle.user_namespace();
    make_link("/real", bundle.file("link").c_str());
    write_file(bundle.file("plain"), "plain\n");
    bundle.mount("/made/link", "bind", bundle.file("link"), "bind,copy-symlink");
    bundle.mount("/made/plain", "bind", bundle.file("plain"), "bind,copy-symlink");
    CHECK(output_of(bundle, "readlink /made/link; cat /made/link /made/plain") ==
          "/real\ninside\nplain\n");
    // Once more, over what is there now.
    CHECK(output_of(bundle, "readlink /made/link") == "/real\n");
  }
}

TEST_CASE("copy-symlink does not replace anything else", "[mounts]") {
  SKIFF_ONLY("has this message");
  Bundle bundle;
  make_link("/real", bundle.file("link").c_str());
  write_file(bundle.rootfs() + "/there", "x");
  bundle.mount("/there", "bind", bundle.file("link"), "bind,copy-symlink");
  CHECK_THAT(refusal(bundle), Catch::Contains("mounts[6]: link /there to \"/real\": File exists"));
}

TEST_CASE("src-nofollow binds the link itself", "[mounts]") {
  DIFFERS(Runc, "does not know it");
  for (const bool user_namespace : {false, true}) {
    if (user_namespace && testing(Program::Crun)) continue;
    Bundle bundle;
    write_file(bundle.rootfs() + "/real", "inside\n");
    if (user_namespace) bundle.user_namespace();
    make_link("/real", bundle.file("link").c_str());
    bundle.mount("/shown", "bind", bundle.file("link"), "bind,src-nofollow");
    CHECK(
        output_of(bundle, "readlink /shown; cat /shown; grep -c ' /shown ' /proc/self/mountinfo") ==
        "/real\ninside\n1\n");
  }
}

TEST_CASE("dest-nofollow mounts on the link itself", "[mounts]") {
  DIFFERS(Runc, "does not know it");
  Bundle bundle;
  write_file(bundle.rootfs() + "/target", "untouched\n");
  make_link("/target", bundle.rootfs() + "/link");
  write_file(bundle.file("file"), "mounted\n");
  bundle.mount("/link", "bind", bundle.file("file"), "bind,dest-nofollow");
  bundle.mount("/new", "bind", bundle.file("file"), "bind,dest-nofollow");
  CHECK(output_of(bundle, "cat /link /target /new") == "mounted\nuntouched\nmounted\n");
}

TEST_CASE("a mount on / is the container's root", "[mounts]") {
  DIFFERS(Runc, "refuses it");
  Bundle bundle;
  write_file(bundle.rootfs() + "/lower", "x");
  // A root of its own, bound over the one in root.path.
  Bundle other;
  write_file(other.rootfs() + "/upper", "y");
  bundle.mount("/after", "tmpfs", "tmpfs");
  bundle.set("/mounts/0", "{\"destination\": \"/\", \"type\": \"bind\", \"source\": " +
                              quote(other.rootfs()) + ", \"options\": [\"rbind\"]}");
  bundle.mount("/proc", "proc", "proc");
  CHECK(output_of(bundle, "ls -d /upper /lower /after 2>/dev/null; echo $(ls /dev/null)") ==
        "/after\n/upper\n/dev/null\n");
  CHECK_FALSE(exists(bundle.rootfs() + "/after"));
  bundle.sh("ls -d /upper; cd /; ls -d ../../upper");
  CHECK(Container(bundle).run({"--no-pivot"}).out == "/upper\n../../upper\n");
  // A root that is read-only is the one on top.
  bundle.set("/root/readonly", "true").sh("touch /x");
  CHECK_THAT(Container(bundle).run().err, Catch::Contains("Read-only file system"));
}

TEST_CASE("an overlay on / makes an image's changes go elsewhere", "[mounts]") {
  DIFFERS(Runc, "refuses it");
  NEEDS(kernel_knows("overlay"), "the kernel has no overlay file system");
  Bundle bundle;
  const HostMount layers(bundle.file("l"));
  for (const char* name : {"l/up", "l/work"}) make_directories(bundle.file(name));
  // The bundle's own directory is where relative paths begin.
  bundle.set("/mounts/0", R"({"destination": "/", "type": "overlay", "source": "overlay",
                 "options": ["lowerdir=rootfs", "upperdir=l/up", "workdir=l/work"]})");
  bundle.mount("/proc", "proc", "proc");
  if (testing(Program::Crun)) return;
  CHECK(output_of(bundle, "echo x > /new; cat /new") == "x\n");
  CHECK(read_file(bundle.file("l/up/new")) == "x\n");
  CHECK_FALSE(exists(bundle.rootfs() + "/new"));
}

TEST_CASE("overlay: layers, relative ones, and commas in their names", "[mounts]") {
  NEEDS(kernel_knows("overlay"), "the kernel has no overlay file system");
  Bundle bundle;
  const HostMount layers(bundle.file("l"));
  write_file(bundle.file("l/one/a"), "1\n");
  write_file(bundle.file("l/t,w:o/b"), "2\n");
  for (const char* name : {"l/up", "l/work"}) make_directories(bundle.file(name));
  const std::string directory = bundle.file("l");
  bundle.mount("/merged", "overlay", "overlay");
  bundle.set("/mounts/6/options",
             json_list({"lowerdir=" + directory + "/one:" + directory + "/t\\,w\\:o",
                        "upperdir=" + directory + "/up", "workdir=" + directory + "/work"}));
  CHECK(output_of(bundle, "cat /merged/a /merged/b; echo 3 > /merged/c") == "1\n2\n");
  CHECK(read_file(bundle.file("l/up/c")) == "3\n");
  if (!testing(Program::Skiff)) return;
  bundle.set("/mounts/6/options", json_list({"lowerdir=l/one:l/up"}));
  CHECK(output_of(bundle, "cat /merged/a /merged/c") == "1\n3\n");
  bundle.set("/mounts/6/options", json_list({"lowerdir=l/missing:l/one"}));
  const std::string error = refusal(bundle);
  CHECK_THAT(error, Catch::Contains("mounts[6]: mount overlay at /merged: ") &&
                        Catch::Contains("No such file or directory"));
}

TEST_CASE("ramfs, devpts and mqueue as types of their own", "[mounts]") {
  Bundle bundle;
  bundle.mount("/ram", "ramfs", "ramfs", "mode=0711,noexec");
  bundle.mount("/pts", "devpts", "devpts", "newinstance,ptmxmode=0600,mode=0600,noexec");
  bundle.mount("/queues", "mqueue", "mqueue", "nosuid,nodev,noexec");
  const auto mounts = mounts_inside(bundle);
  CHECK(find_mount(mounts, "/ram").type == "ramfs");
  CHECK(has_option(find_mount(mounts, "/ram").options, "noexec"));
  CHECK(has_option(find_mount(mounts, "/pts").super_options, "ptmxmode=600"));
  CHECK(output_of(bundle,
                  "stat -c %a /ram; touch /queues/one; ls /dev/mqueue; echo x > /ram/f; "
                  "cat /ram/f") == "711\none\nx\n");
}

TEST_CASE("a fuse file system is served through a descriptor that is passed", "[mounts]") {
  DIFFERS(Runc, "closes the descriptor before");
  NEEDS(kernel_knows("fuse"), "the kernel has no fuse file system");
  Bundle bundle;
  struct stat status {};
  std::string device = "/dev/fuse";
  if (::stat(device.c_str(), &status) < 0) {
    device = bundle.file("fuse");
    REQUIRE(::mknod(device.c_str(), S_IFCHR | 0600, makedev(10, 229)) == 0);
  }
  const skiff::Fd fuse(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  NEEDS(fuse, "/dev/fuse cannot be opened");
  bundle.mount("/fuse", "fuse.skiff", "skiff", "fd=3,rootmode=40000,user_id=0,group_id=0,nosuid");
  CommandOptions options;
  options.descriptors = {{fuse.get(), 3}};
  options.seconds = 10;
  // Nobody serves it: only the mount table may be looked at.
  bundle.sh("grep ' /fuse ' /proc/self/mountinfo");
  const Output output = Container(bundle).run({"--preserve-fds", "1"}, options);
  INFO(output.err);
  CHECK(output.ok());
  const MountLine line = find_mount(parse_mountinfo(output.out), "/fuse");
  CHECK(line.type == "fuse.skiff");
  CHECK(has_option(line.options, "nosuid"));
}

TEST_CASE("proc and sysfs may be read-only", "[mounts]") {
  DIFFERS(Runc, "writes sysctls through the container's own /proc");
  Bundle bundle;
  bundle.set("/mounts/0", R"({"destination": "/proc", "type": "proc", "source": "proc",
                              "options": ["ro", "nosuid"]})");
  bundle.set("/linux/sysctl", R"({"net.ipv4.ip_forward": "1"})");
  bundle.sh(
      "cat /proc/sys/net/ipv4/ip_forward; echo x > /proc/sys/kernel/hostname; "
      "echo 0 > /proc/self/oom_score_adj; "
      "for f in /proc /sys; do grep \" $f \" /proc/self/mountinfo | cut -d' ' -f6; done");
  const Output output = Container(bundle).run();
  CHECK_THAT(output.out, Catch::StartsWith("1\nro,nosuid") && Catch::Contains("\nro,"));
  CHECK(count(output.err, "Read-only file system") == 2);
}

TEST_CASE("what the kernel has to say of a failed mount is told", "[mounts]") {
  SKIFF_ONLY("has these messages");
  struct Row {
    const char* type;
    const char* options;
    const char* error;
  };
  for (const Row& row : {
           Row{"tmpfs", "no_such_option=1",
               "mounts[6]: mount tmpfs at /mnt: tmpfs: Unknown parameter 'no_such_option'"},
           Row{"tmpfs", "size=much", "mounts[6]: mount tmpfs at /mnt: tmpfs: Bad value for 'size'"},
           Row{"nosuchfs", "ro", "mounts[6]: mount nosuchfs at /mnt: "},
           Row{"proc", "hidepid=maybe", "mounts[6]: mount proc at /mnt: "},
       }) {
    INFO(row.options);
    Bundle bundle;
    bundle.mount("/mnt", row.type, "none", row.options);
    CHECK_THAT(refusal(bundle), Catch::Contains(row.error));
  }
  Bundle bundle;
  bundle.mount("/mnt", "nosuchfs", "none");
  CHECK_THAT(refusal(bundle), Catch::Contains("No such device (hint: the kernel does not know this "
                                              "type of file system"));
}

TEST_CASE("what a user namespace may not mount is told with what it needs", "[mounts][userns]") {
  SKIFF_ONLY("has these messages");
  struct Row {
    const char* type;
    const char* shared;
  };
  for (const Row& row : {Row{"sysfs", "network"}, Row{"proc", "pid"}, Row{"mqueue", "ipc"}}) {
    INFO(row.type);
    Bundle bundle;
    bundle.user_namespace();
    bundle.ns(row.shared, "-");
    if (std::string(row.type) == "mqueue") bundle.ns("uts");
    bundle.mount("/mnt", row.type, row.type);
    const std::string error = refusal(bundle);
    CHECK_THAT(error, Catch::Contains(std::string(": mount ") + row.type + " at /") &&
                          Catch::Contains("Operation not permitted (hint: in a user namespace " +
                                          std::string(row.type) + " needs a"));
  }
}

TEST_CASE("more options than the kernel takes are an error", "[mounts]") {
  SKIFF_ONLY("has this message");
  Bundle bundle;
  bundle.mount("/mnt", "tmpfs", "tmpfs", "x=" + std::string(5000, 'y'));
  CHECK_THAT(refusal(bundle),
             Catch::Contains("mounts[6].options: 5002 bytes of file system options,"
                             " the kernel takes 4095"));
}

TEST_CASE("mounts that say nothing usable are refused before anything is made", "[mounts]") {
  SKIFF_ONLY("has these messages");
  struct Row {
    const char* type;
    const char* source;
    const char* options;
    const char* error;
  };
  for (const Row& row : {
           Row{"", "", "", "mounts[6].type: missing"},
           Row{"bind", "", "bind", "mounts[6].source: missing"},
           Row{"bind", "/", "bind,size=1k", "mounts[6].options: \"size=1k\" means nothing to a"},
           Row{"ramfs", "x", "tmpcopyup", "mounts[6].options: \"tmpcopyup\" means nothing without"},
           Row{"bind", "/", "bind,idmap", "mounts[6].options: idmap needs uidMappings"},
           Row{"tmpfs", "x", "copy-symlink", "mounts[6].options: \"copy-symlink\" means nothing"},
       }) {
    INFO(row.error);
    Bundle bundle;
    bundle.mount("/mnt", row.type, row.source, row.options);
    CHECK_THAT(refusal(bundle), Catch::Contains(row.error));
  }
}

TEST_CASE("without SELinux a mount label is an error", "[mounts]") {
  SKIFF_ONLY("fails closed");
  struct statfs status {};
  NEEDS(::statfs("/sys/fs/selinux", &status) != 0, "SELinux is here");
  Bundle bundle;
  bundle.set("/linux/mountLabel", "\"system_u:object_r:container_file_t:s0\"");
  CHECK_THAT(refusal(bundle),
             Catch::Contains("linux.mountLabel: SELinux is not enabled on this host"));
}

TEST_CASE("an image's links do not lead a mount into /proc: CVE-2019-16884", "[mounts][attack]") {
  DIFFERS(Crun, "1.8.1 mounts there");
  DIFFERS(Runc, "1.1.5 looks at /proc itself alone");
  for (const char* type : {"tmpfs", "bind"}) {
    for (const char* link : {"/proc", "/proc/self", "../proc/sys"}) {
      INFO(type << " on a link to " << link);
      Bundle bundle;
      make_directories(bundle.file("fake"));
      make_link(link, (bundle.rootfs() + "/data").c_str());
      bundle.mount("/data", type, bundle.file("fake"), std::string(type) == "bind" ? "bind" : "");
      const Leftovers leftovers(bundle);
      const Output output = Container(bundle).create();
      CHECK(output.status == 1);
      if (testing(Program::Skiff))
        CHECK_THAT(output.err, Catch::Contains("mounts[6]") &&
                                   Catch::Contains("symbolic link into a proc file system"));
      CHECK(leftovers.found() == "");
    }
  }
}

}  // namespace
}  // namespace tests
