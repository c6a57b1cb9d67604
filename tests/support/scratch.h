// A directory of a test's own.
#pragma once

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tests {

/// Made empty below /tmp, removed with all that is in it at the end.
class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/skiff-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    root_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(root_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& root() const { return root_; }
  std::string path(const std::string& below) const { return root_ + "/" + below; }
  /// Writes a file, and makes the directories above it.
  void put(const std::string& file, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(path(file)).parent_path());
    std::ofstream(path(file)) << content;
  }
  /// What is in a file; "" if it is not there.
  std::string content(const std::string& file) const {
    std::ifstream stream(path(file));
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::string root_;
};

}  // namespace tests
