#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "src/container/filter.h"
#include "tests/support/scratch.h"

using namespace skiff;
using container::FilterCache;

namespace {

namespace fs = std::filesystem;

const std::string kProfile = R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1})";

seccomp::Program program_of(uint32_t answer) {
  seccomp::Program program;
  program.instructions = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}, {BPF_RET | BPF_K, 0, 0, answer}};
  program.flags = SECCOMP_FILTER_FLAG_LOG;
  program.notifies = true;
  return program;
}

/// A root directory.
struct Root : tests::Scratch {
  fs::path directory() const { return path(".seccomp:cache"); }
  /// The one file of the cache.
  fs::path file() const {
    const std::vector<fs::path> all = files();
    REQUIRE(all.size() == 1);
    return all.front();
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(directory())) found.push_back(entry.path());
    return found;
  }
};

void keep(const Root& root, const std::string& profile, uint32_t answer) {
  FilterCache cache(root.root());
  CHECK_FALSE(cache.find(profile));
  cache.keep(program_of(answer));
}

bool finds(const Root& root, const std::string& profile) {
  FilterCache cache(root.root());
  return cache.find(profile);
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

TEST_CASE("a filter that was kept is found whole", "[container][seccomp]") {
  const Root root;
  keep(root, kProfile, SECCOMP_RET_ALLOW);
  FilterCache cache(root.root());
  REQUIRE(cache.find(kProfile));
  const auto found = cache.take();
  REQUIRE(found);
  CHECK(found->flags == SECCOMP_FILTER_FLAG_LOG);
  CHECK(found->notifies);
  REQUIRE(found->instructions.size() == 2);
  CHECK(found->instructions[1].k == SECCOMP_RET_ALLOW);
  struct stat status {};
  REQUIRE(::stat(root.directory().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  REQUIRE(::stat(root.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("every byte of a profile counts", "[container][seccomp]") {
  const Root root;
  keep(root, kProfile, SECCOMP_RET_ALLOW);
  for (size_t i = 0; i < kProfile.size(); ++i) {
    std::string other = kProfile;
    ++other[i];
    CHECK_FALSE(finds(root, other));
  }
  CHECK_FALSE(finds(root, kProfile + " "));
  CHECK_FALSE(finds(root, kProfile.substr(1)));
  CHECK(finds(root, kProfile));
}

TEST_CASE("a file that was damaged is not used, and written anew", "[container][seccomp]") {
  const Root root;
  keep(root, kProfile, SECCOMP_RET_ALLOW);
  const std::string whole = read(root.file());
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    write(root.file(), damaged);
    CHECK_FALSE(finds(root, kProfile));
    write(root.file(), whole.substr(0, i));
    CHECK_FALSE(finds(root, kProfile));
  }
  write(root.file(), whole + "x");
  CHECK_FALSE(finds(root, kProfile));
  keep(root, kProfile, SECCOMP_RET_KILL_PROCESS);
  CHECK(finds(root, kProfile));
}

TEST_CASE("a cache that others could have written is not used", "[container][seccomp]") {
  const Root root;
  keep(root, kProfile, SECCOMP_RET_ALLOW);
  const fs::path file = root.file();
  const auto refuses = [&] { CHECK_FALSE(finds(root, kProfile)); };

  SECTION("the mode of the directory") {
    for (const mode_t mode : {0701, 0710, 0750, 0755, 0777, 01700}) {
      REQUIRE(::chmod(root.directory().c_str(), mode) == 0);
      refuses();
    }
  }
  SECTION("the mode of the file") {
    for (const mode_t mode : {0604, 0640, 0644, 0666, 04600}) {
      REQUIRE(::chmod(file.c_str(), mode) == 0);
      refuses();
    }
  }
  SECTION("a second name of the file") {
    fs::create_hard_link(file, root.path("other"));
    refuses();
  }
  SECTION("a symlink in place of the file") {
    fs::rename(file, root.path("other"));
    fs::create_symlink(root.path("other"), file);
    refuses();
  }
  SECTION("a symlink in place of the directory") {
    fs::rename(root.directory(), root.path("other"));
    fs::create_symlink(root.path("other"), root.directory());
    refuses();
  }
  SECTION("a FIFO in place of the file") {
    fs::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    refuses();
  }
  SECTION("another owner") {
    if (::geteuid() == 0) {
      REQUIRE(::chown(file.c_str(), 1000, 0) == 0);
      refuses();
      REQUIRE(::chown(file.c_str(), 0, 0) == 0);
      REQUIRE(::chown(root.directory().c_str(), 1000, 0) == 0);
      refuses();
    }
  }
}

TEST_CASE("the cache is bounded, and the oldest goes first", "[container][seccomp]") {
  const Root root;
  for (int i = 0; i < 70; ++i) {
    keep(root, kProfile + std::to_string(i), SECCOMP_RET_ALLOW);
    const timespec times[2] = {{1000 + i, 0}, {1000 + i, 0}};
    for (const fs::path& file : root.files())
      if (fs::last_write_time(file) > fs::file_time_type::clock::now() - std::chrono::hours(1))
        REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
  }
  CHECK(root.files().size() == 64);
  CHECK_FALSE(finds(root, kProfile + "0"));
  CHECK_FALSE(finds(root, kProfile + "5"));
  CHECK(finds(root, kProfile + "6"));
  CHECK(finds(root, kProfile + "69"));
}

TEST_CASE("a cache that cannot be written is none", "[container][seccomp]") {
  const Root root;
  SECTION("no root directory") { fs::remove(root.root()); }
  SECTION("a file in its place") { write(root.directory(), ""); }
  FilterCache cache(root.root());
  CHECK_FALSE(cache.find(kProfile));
  cache.keep(program_of(SECCOMP_RET_ALLOW));
  CHECK_FALSE(finds(root, kProfile));
}

TEST_CASE("program files hold programs and nothing else", "[container][seccomp]") {
  const std::string bytes = seccomp::to_bytes(program_of(SECCOMP_RET_ALLOW));
  const auto read = seccomp::from_bytes(bytes);
  REQUIRE(read);
  CHECK(read->instructions.size() == 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i % sizeof(sock_filter) != 0 || i <= sizeof(sock_filter))
      CHECK_FALSE(seccomp::from_bytes(bytes.substr(0, i)));
  }

  const auto is_taken = [](std::vector<sock_filter> instructions) {
    seccomp::Program program;
    program.instructions = std::move(instructions);
    return static_cast<bool>(seccomp::from_bytes(seccomp::to_bytes(program)));
  };
  const sock_filter end{BPF_RET | BPF_K, 0, 0, 0};
  CHECK(is_taken({end}));
  CHECK(is_taken({{BPF_JMP | BPF_JA, 0, 0, 0}, end}));
  CHECK_FALSE(is_taken({{BPF_JMP | BPF_JA, 0, 0, 1}, end}));
  CHECK_FALSE(is_taken({{BPF_JMP | BPF_JA, 0, 0, ~0u}, end}));
  CHECK_FALSE(is_taken({{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0}, end}));
  CHECK_FALSE(is_taken({{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0}, end}));
  CHECK_FALSE(is_taken({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 64}, end}));
  CHECK_FALSE(is_taken({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 2}, end}));
  CHECK_FALSE(is_taken({{BPF_LD | BPF_B | BPF_ABS, 0, 0, 0}, end}));
  CHECK_FALSE(is_taken({end, {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0}}));
  CHECK(is_taken(std::vector<sock_filter>(BPF_MAXINSNS, end)));
  CHECK_FALSE(is_taken(std::vector<sock_filter>(BPF_MAXINSNS + 1, end)));
}
