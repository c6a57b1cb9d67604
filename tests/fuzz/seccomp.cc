// linux.seccomp: decoded and compiled.
#include "src/linux/seccomp.h"

#include "src/base/json.h"
#include "src/spec/decode_parts.h"
#include "tests/fuzz/fuzz.h"

using namespace skiff;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto document = json::Document::parse(std::string(fuzz::text(data, size)));
  if (!document) {
    fuzz::require_one_line(document.error());
    return 0;
  }
  const auto profile = spec::decode_seccomp(document->root("linux.seccomp"));
  if (!profile) {
    fuzz::require_one_line(profile.error());
    return 0;
  }
  const auto program = seccomp::compile(*profile);
  if (!program)
    fuzz::require_one_line(program.error());
  else
    // The kernel's limit, BPF_MAXINSNS.
    fuzz::require(!program->instructions.empty() && program->instructions.size() <= 4096,
                  "a program is one that the kernel takes");
  return 0;
}
