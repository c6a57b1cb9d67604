// Writes the inputs that fuzzing begins with: fuzz_seeds DIRECTORY CONFIG.json...
// One directory a target, one file an input, made of the given configurations.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "src/base/json.h"
#include "src/base/text.h"
#include "src/launch/channel.h"
#include "src/launch/plan.h"
#include "src/launch/wire.h"
#include "src/linux/syscalls.h"
#include "src/spec/decode.h"
#include "src/spec/mount_options.h"

namespace {

using namespace skiff;

constexpr size_t kMostBytes = 16u << 20;

class Seeds {
 public:
  explicit Seeds(std::string directory) : directory_(std::move(directory)) {}

  Result<void> write(const std::string& target, const std::string& bytes) {
    ::mkdir((directory_ + "/" + target).c_str(), 0755);
    const std::string path = fmt::format("{}/{}/seed-{}", directory_, target, ++count_);
    const Fd file = TRY(sys::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    return sys::write_all(file.get(), bytes, path);
  }

 private:
  std::string directory_;
  int count_ = 0;
};

/// The text of the object at the key "seccomp", which the samples have once.
std::string seccomp_of(const std::string& config) {
  const size_t key = config.find("\"seccomp\"");
  if (key == std::string::npos) return "";
  const size_t begin = config.find('{', key);
  int depth = 0;
  for (size_t at = begin; at < config.size(); ++at) {
    if (config[at] == '{') ++depth;
    if (config[at] == '}' && --depth == 0) return config.substr(begin, at - begin + 1);
  }
  return "";
}

Result<void> write_seeds(Seeds& seeds, const std::string& config) {
  TRY(seeds.write("config", config));
  if (const std::string profile = seccomp_of(config); !profile.empty())
    TRY(seeds.write("seccomp", profile));
  const spec::Spec spec = TRY(spec::decode(config));
  for (const spec::Mount& mount : spec.mounts)
    TRY(seeds.write("mount_options", text::join(mount.options, "\n")));

  launch::PlanOptions options;
  options.id = "seed";
  options.bundle = "/bundle";
  Host host;
  host.cgroups.kind = cgroup::LayoutKind::V2;
  host.cgroups.hierarchies = {{"/sys/fs/cgroup", {"cpu", "memory"}, true, "/"}};
  const auto plan = launch::plan_container(spec, host, {}, std::nullopt, options);
  if (plan) TRY(seeds.write("wire", '\1' + launch::encode(*plan)));
  return {};
}

Result<void> write_words(Seeds& seeds) {
  TRY(seeds.write("mount_options", text::join(spec::known_mount_options(), "\n")));
  for (const char* words :
       {"idmap=uids=0-1-10#@10-11-10;gids=0-100-10", "ridmap=gids=0-0-1\nrro\nrw",
        "lowerdir=/a\\,b:/c\nupperdir=/u\ncontext=\"a:b:c1,c2\""})
    TRY(seeds.write("mount_options", words));
  // A header as the channel has it: tag, size, descriptors.
  return seeds.write("wire", std::string("\0\5\0\0\0\3\0\0\0\0\0\0\0abc", 16));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: fuzz_seeds DIRECTORY CONFIG.json...\n", stderr);
    return EXIT_FAILURE;
  }
  ::mkdir(argv[1], 0755);
  Seeds seeds(argv[1]);
  auto written = write_words(seeds);
  for (int i = 2; written && i < argc; ++i) {
    const auto file = sys::open(argv[i], O_RDONLY);
    const auto config = file ? sys::read_all(*file, kMostBytes, argv[i]) : std::string();
    written = config ? write_seeds(seeds, *config) : Result<void>(config.error());
    if (!written) written = std::move(written).context("{}", argv[i]);
  }
  if (written) return EXIT_SUCCESS;
  std::fprintf(stderr, "fuzz_seeds: %s\n", written.error().text().c_str());
  return EXIT_FAILURE;
}
