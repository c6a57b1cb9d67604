#include "src/base/result.h"

#include <cstring>

namespace skiff {

std::string_view errno_text(int code) {
  const char* text = ::strerrordesc_np(code);
  return text != nullptr ? text : "Unknown error";
}

}  // namespace skiff
