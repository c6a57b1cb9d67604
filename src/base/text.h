// Words and numbers in strings.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skiff::text {

/// The whole of `word` as a decimal number; no sign, no space, no overflow.
std::optional<uint64_t> parse_unsigned(std::string_view word);
/// As parse_unsigned, with an optional leading '-'.
std::optional<int64_t> parse_signed(std::string_view word);
/// The whole of `word` as an octal number.
std::optional<uint32_t> parse_octal(std::string_view word);

/// A span of time in microseconds: "5s", "1.5s", "1m30s", "150ms", or seconds without a unit. The
/// units are h, m, s, ms, us and ns; what is below a microsecond is cut off.
std::optional<uint64_t> parse_duration(std::string_view word);

/// The parts of `line` between `separator`s; "" has one empty part.
std::vector<std::string_view> split(std::string_view line, char separator);
/// The parts would outlive the text.
template <std::same_as<std::string> Temporary>
std::vector<std::string_view> split(Temporary&& line, char separator) = delete;
std::string_view trim(std::string_view line);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string upper(std::string_view word);
/// The one of `known` that `word` was probably meant to be: one that it begins, or one that few
/// changed, missing, added or swapped letters away, whatever their case; "" if none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);
/// `text` between double quotes, control characters and quotes escaped, so that
/// a message stays on one line whatever a configuration holds.
std::string quote(std::string_view text);
/// `text` with control characters escaped as in quote(): whatever it repeats of a
/// configuration or a container, it stays on one line and commands no terminal.
std::string one_line(std::string_view text);

/// The bytes that `word` means in base64 (RFC 4648, section 4), with or without padding; nullopt
/// for anything else.
std::optional<std::string> decode_base64(std::string_view word);

}  // namespace skiff::text
