#include "src/spec/capability.h"

#include <sys/capability.h>

#include <algorithm>
#include <memory>

#include "src/base/text.h"

namespace skiff::spec {

std::optional<unsigned> capability_number(std::string_view name) {
  // cap_from_name(3) also takes numbers and ignores what follows a name it knows.
  const bool is_word = std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (!is_word) return std::nullopt;
  std::string full = text::upper(name);
  if (!full.starts_with("CAP_")) full.insert(0, "CAP_");
  cap_value_t number = 0;
  if (::cap_from_name(full.c_str(), &number) != 0) return std::nullopt;
  return static_cast<unsigned>(number);
}

std::string capability_name(unsigned number) {
  const std::unique_ptr<char, int (*)(void*)> name(::cap_to_name(static_cast<cap_value_t>(number)),
                                                   ::cap_free);
  return text::upper(name.get());
}

}  // namespace skiff::spec
