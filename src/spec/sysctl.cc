#include "src/spec/sysctl.h"

#include <algorithm>

#include "src/base/text.h"

namespace skiff::spec {

Result<std::string> sysctl_file(std::string_view name) {
  std::string file(name);
  const size_t separator = file.find_first_of("./");
  if (separator != std::string::npos && file[separator] == '.') {
    for (char& c : file) {
      if (c == '.')
        c = '/';
      else if (c == '/')
        c = '.';
    }
  }
  const std::vector<std::string_view> parts = text::split(file, '/');
  const bool strange =
      std::any_of(file.begin(), file.end(), [](char c) { return c <= ' ' || c >= 0x7f; }) ||
      std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
        return part.empty() || part == "." || part == "..";
      });
  if (strange) return Error::invalid("{} is not the name of a kernel parameter", text::quote(name));
  return file;
}

}  // namespace skiff::spec
