#include "src/base/path.h"

#include <vector>

#include "src/base/text.h"

namespace skiff::path {

std::string clean(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> kept;
  for (const std::string_view part : text::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.push_back(part);
    } else if (!kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (!absolute) {
      kept.push_back(part);
    }
  }
  std::string cleaned;
  for (const std::string_view part : kept) {
    if (absolute || !cleaned.empty()) cleaned += '/';
    cleaned += part;
  }
  if (!cleaned.empty()) return cleaned;
  return absolute ? "/" : ".";
}

std::string join(std::string_view base, std::string_view path) {
  if (path.starts_with('/')) return clean(path);
  return clean(std::string(base).append("/").append(path));
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string parent(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

bool is_below(std::string_view path, std::string_view directory) {
  const std::string inner = clean(path);
  const std::string outer = clean(directory);
  if (inner == outer) return true;
  if (outer == "/") return inner.starts_with('/');
  if (outer == ".") return !inner.starts_with('/') && inner != ".." && !inner.starts_with("../");
  return inner.starts_with(outer) && inner[outer.size()] == '/';
}

}  // namespace skiff::path
