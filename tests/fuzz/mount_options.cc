// The options of a mount, a word a line; then the data for the file system, divided again.
#include "src/spec/mount_options.h"

#include "src/base/text.h"
#include "src/linux/filesystem.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace skiff;

void check_division(const std::string& data) {
  size_t bytes = 0;
  for (const std::string_view option : filesystem::split_options(data)) {
    fuzz::require(!option.empty(), "an option is not empty");
    bytes += option.size();
  }
  fuzz::require(bytes <= data.size(), "no byte is used twice");
  (void)filesystem::find_option(data, "mode");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::string> words;
  for (const std::string_view line : text::split(fuzz::text(data, size), '\n'))
    words.emplace_back(line);
  const auto options = spec::parse_mount_options(words);
  if (!options) {
    fuzz::require_one_line(options.error());
    return 0;
  }
  fuzz::require((options->flags & options->cleared) == 0, "no flag is set and cleared");
  fuzz::require((options->tree_flags & options->tree_cleared) == 0,
                "no flag is set and cleared on the tree");
  fuzz::require(options->data.size() <= 4095, "data fits mount(2)");
  check_division(options->data);
  return 0;
}
