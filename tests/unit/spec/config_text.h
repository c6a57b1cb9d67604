// Texts of configurations that differ from a minimal valid one by a few members. Of members with
// one name the last counts, so a test can also replace what the minimum has.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "src/spec/decode.h"

namespace skiff::spec {

inline std::string with_top(const std::string& members) {
  return R"({"ociVersion": "1.0.0", "root": {"path": "rootfs"},)"
         R"( "linux": {"namespaces": [{"type": "mount"}]})" +
         (members.empty() ? "" : ", " + members) + "}";
}

inline std::string with_linux(const std::string& members) {
  return with_top(R"("linux": {"namespaces": [{"type": "mount"}], )" + members + "}");
}

inline std::string process_text(const std::string& members) {
  return R"({"args": ["sh"], "cwd": "/")" + (members.empty() ? "" : ", " + members) + "}";
}

inline std::string with_process(const std::string& members) {
  return with_top("\"process\": " + process_text(members));
}

/// The decoded `text`; fails the test where decode() does.
inline Spec decoded(const std::string& text) {
  auto spec = decode(text);
  if (!spec) FAIL(spec.error().text());
  return *std::move(spec);
}

/// decode()'s error for `text`; fails the test where there is none.
inline std::string refusal(const std::string& text) {
  const auto spec = decode(text);
  if (spec) FAIL("was taken: " << text);
  return spec.error().text();
}

/// The members of an object, and decode()'s error for them.
struct BadMembers {
  std::string members;
  std::string error;
};

}  // namespace skiff::spec
