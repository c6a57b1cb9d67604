#include "src/base/text.h"

#include <algorithm>
#include <charconv>

#include "src/base/result.h"

namespace skiff::text {
namespace {

template <class Number>
std::optional<Number> parse(std::string_view word, int base) {
  Number number{};
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number, base);
  if (word.empty() || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

void append_printable(std::string& text, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n')
    text += "\\n";
  else if (byte < 0x20 || byte == 0x7f)
    text += fmt::format("\\x{:02x}", byte);
  else
    text += c;
}

}  // namespace

std::optional<uint64_t> parse_unsigned(std::string_view word) { return parse<uint64_t>(word, 10); }
std::optional<int64_t> parse_signed(std::string_view word) { return parse<int64_t>(word, 10); }
std::optional<uint32_t> parse_octal(std::string_view word) { return parse<uint32_t>(word, 8); }

std::optional<uint64_t> parse_duration(std::string_view word) {
  constexpr struct {
    std::string_view name;
    uint64_t nanoseconds;
  } kUnits[] = {{"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
                {"ms", 1'000'000},        {"us", 1'000},         {"ns", 1}};
  constexpr std::string_view kDigits = "0123456789";
  constexpr uint64_t kMost = uint64_t{1} << 62;  // nanoseconds: 146 years
  if (const auto seconds = parse_unsigned(word); seconds && *seconds <= kMost / 1'000'000'000)
    return *seconds * 1'000'000;
  uint64_t sum = 0;
  if (word.empty()) return std::nullopt;
  while (!word.empty()) {
    const std::string_view number = word.substr(0, word.find_first_not_of("0123456789."));
    const std::string_view rest = word.substr(number.size());
    const std::string_view unit = rest.substr(0, rest.find_first_of("0123456789."));
    word = rest.substr(unit.size());
    const std::string_view whole = number.substr(0, number.find('.'));
    const std::string_view part = number.substr(std::min(whole.size() + 1, number.size()));
    const auto amount = parse_unsigned(whole);
    const bool sane = part.size() <= 9 && part.find_first_not_of(kDigits) == part.npos;
    uint64_t nanoseconds = 0;
    for (const auto& known : kUnits)
      if (known.name == unit) nanoseconds = known.nanoseconds;
    if (!amount || !sane || nanoseconds == 0 || *amount > kMost / nanoseconds) return std::nullopt;
    sum += *amount * nanoseconds;
    for (const char digit : part) {
      nanoseconds /= 10;
      sum += nanoseconds * static_cast<uint64_t>(digit - '0');
    }
    if (sum > kMost) return std::nullopt;
  }
  return sum / 1000;
}

std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = line.find(separator);
    parts.push_back(line.substr(0, at));
    if (at == std::string_view::npos) return parts;
    line.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = line.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kSpace) - first + 1);
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) joined += separator;
    joined += part;
  }
  return joined;
}

std::string upper(std::string_view word) {
  std::string result(word);
  for (char& c : result)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return result;
}

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) append_printable(line, c);
  return line;
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    append_printable(quoted, c);
  }
  return quoted += '"';
}

namespace {

/// Damerau's distance without repeated edits of one place ("optimal string alignment").
size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      size_t& least = rows[i][j];
      least = std::max(i, j);
      if (i == 0 || j == 0) continue;
      least = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1,
                        rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        least = std::min(least, rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  constexpr size_t kLongest = 64;  // no name that we know is longer
  if (word.empty() || word.size() > kLongest) return {};
  // An abbreviation is the likeliest slip.
  for (const std::string_view name : known)
    if (word.size() > 1 && name.starts_with(word)) return name;
  const std::string given = upper(word);
  std::string_view best;
  size_t least = std::max<size_t>(word.size() / 3, 1) + 1;
  for (const std::string_view name : known) {
    const size_t edits = distance(given, upper(name));
    if (edits >= least) continue;
    least = edits;
    best = name;
  }
  return best;
}

std::optional<std::string> decode_base64(std::string_view word) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (word.size() % 4 == 0 && word.ends_with('=')) word.remove_suffix(word.ends_with("==") ? 2 : 1);
  if (word.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  uint32_t bits = 0;
  unsigned count = 0;  // of bits at hand
  for (const char digit : word) {
    const size_t value = kDigits.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  const uint32_t unused = (1u << count) - 1;
  if ((bits & unused) != 0) return std::nullopt;
  return bytes;
}

}  // namespace skiff::text
