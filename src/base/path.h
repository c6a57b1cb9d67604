// Paths as text; nothing here looks at a file system.
#pragma once

#include <string>
#include <string_view>

namespace skiff::path {

/// `path` without empty, "." and ".." components. An absolute path stays
/// absolute and never climbs above "/"; a relative one keeps leading "..".
std::string clean(std::string_view path);
/// `path` itself if absolute, else below `base`; cleaned.
std::string join(std::string_view base, std::string_view path);
/// The part after the last '/'.
std::string_view base_name(std::string_view path);
/// The part before the last '/': "/" for "/a", "." for "a".
std::string parent(std::string_view path);
/// Whether the cleaned `path` is `directory` or lies below it.
bool is_below(std::string_view path, std::string_view directory);

}  // namespace skiff::path
