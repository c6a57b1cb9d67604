#include "src/spec/number_list.h"

#include <optional>

#include "src/base/text.h"

namespace skiff::spec {
namespace {

constexpr uint64_t kMostNumbers = 65536;
constexpr size_t kWordBits = 64;

struct Range {
  uint64_t first = 0;
  uint64_t last = 0;
};

std::optional<Range> parse_range(std::string_view word) {
  const size_t dash = word.find('-');
  const auto first = text::parse_unsigned(text::trim(word.substr(0, dash)));
  const auto last = dash == std::string_view::npos
                        ? first
                        : text::parse_unsigned(text::trim(word.substr(dash + 1)));
  if (!first || !last) return std::nullopt;
  return Range{*first, *last};
}

bool contains(const NumberSet& set, size_t number) {
  return number / kWordBits < set.size() &&
         (set[number / kWordBits] >> number % kWordBits & 1) != 0;
}

}  // namespace

Result<NumberSet> parse_number_list(std::string_view list) {
  NumberSet set;
  if (text::trim(list).empty()) return set;
  for (const std::string_view word : text::split(list, ',')) {
    const std::optional<Range> range = parse_range(word);
    if (!range || range->first > range->last)
      return Error::invalid("{} is not a list of numbers like 0-3,7", text::quote(list));
    if (range->last >= kMostNumbers)
      return Error::invalid("{} is out of range, at most {}", range->last, kMostNumbers - 1);
    if (set.size() <= range->last / kWordBits) set.resize(range->last / kWordBits + 1);
    for (uint64_t number = range->first; number <= range->last; ++number)
      set[number / kWordBits] |= uint64_t{1} << number % kWordBits;
  }
  return set;
}

std::string number_list(const NumberSet& set) {
  std::string list;
  const size_t end = set.size() * kWordBits;
  for (size_t first = 0; first < end; ++first) {
    if (!contains(set, first)) continue;
    size_t last = first;
    while (contains(set, last + 1)) ++last;
    if (!list.empty()) list += ',';
    list += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
    first = last;
  }
  return list;
}

}  // namespace skiff::spec
