// What the fuzz targets have in common. libFuzzer calls LLVMFuzzerTestOneInput with inputs of its
// own making, under AddressSanitizer and UndefinedBehaviorSanitizer; a target that finds a rule
// broken ends the process as a crash would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace fuzz {

inline std::string_view text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the process unless `holds`.
inline void require(bool holds, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "broken rule: %s\n", rule);
  std::abort();
}

/// Whatever is wrong with an input is told on one line.
inline void require_one_line(const skiff::Error& error) {
  require(!error.text().empty(), "an error says something");
  require(error.text().find('\n') == std::string::npos, "an error is one line");
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
