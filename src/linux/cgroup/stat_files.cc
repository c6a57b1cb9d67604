#include "src/linux/cgroup/stat_files.h"

#include <dirent.h>

#include <algorithm>
#include <memory>

#include "src/base/text.h"

namespace skiff::cgroup {
namespace {

using text::parse_unsigned;
using text::split;
using text::trim;

Error malformed(std::string_view line) {
  return Error::invalid("malformed line {}", text::quote(line));
}

/// The lines with something on them.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  std::erase_if(lines, [](std::string_view line) { return trim(line).empty(); });
  return lines;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words = split(line, ' ');
  std::erase(words, "");
  return words;
}

std::optional<uint64_t> number_or_max(std::string_view word) {
  return word == "max" ? kUnlimited : parse_unsigned(word);
}

/// "8:0"
bool parse_device(std::string_view word, BlockEntry& entry) {
  const size_t colon = word.find(':');
  if (colon == std::string_view::npos) return false;
  const auto major = parse_unsigned(word.substr(0, colon));
  const auto minor = parse_unsigned(word.substr(colon + 1));
  if (!major || !minor) return false;
  entry.major = *major;
  entry.minor = *minor;
  return true;
}

/// "0.25" as 25.
std::optional<uint32_t> parse_hundredths(std::string_view word) {
  const size_t point = word.find('.');
  if (point == std::string_view::npos || word.size() != point + 3) return std::nullopt;
  const auto whole = parse_unsigned(word.substr(0, point));
  const auto part = parse_unsigned(word.substr(point + 1));
  if (!whole || !part || *whole > 1000) return std::nullopt;
  return static_cast<uint32_t>(*whole * 100 + *part);
}

/// The words after "some" or "full".
std::optional<Psi::Line> parse_psi_words(const std::vector<std::string_view>& words) {
  Psi::Line line;
  const struct {
    std::string_view key;
    uint32_t* average;
  } averages[] = {{"avg10=", &line.avg10}, {"avg60=", &line.avg60}, {"avg300=", &line.avg300}};
  if (words.size() != 5 || !words[4].starts_with("total=")) return std::nullopt;
  for (size_t i = 0; i < 3; ++i) {
    const std::string_view word = words[i + 1];
    if (!word.starts_with(averages[i].key)) return std::nullopt;
    const auto average = parse_hundredths(word.substr(averages[i].key.size()));
    if (!average) return std::nullopt;
    *averages[i].average = *average;
  }
  const auto total = parse_unsigned(words[4].substr(6));
  if (!total) return std::nullopt;
  line.total = *total;
  return line;
}

}  // namespace

Result<void> parse_number(std::string_view text, uint64_t& field) {
  const std::string_view word = trim(text);
  const auto number = number_or_max(word);
  field = number.value_or(0);
  const bool negative = word.size() > 1 && word.front() == '-' &&
                        word.find_first_not_of("0123456789", 1) == std::string_view::npos;
  if (number || negative) return {};
  return malformed(word);
}

Result<void> parse_counters(std::string_view text, Counters& field) {
  for (const std::string_view line : lines_of(text)) {
    const auto words = words_of(line);
    const auto number = words.size() == 2 ? number_or_max(words[1]) : std::nullopt;
    if (!number) return malformed(line);
    field.emplace_back(words[0], *number);
  }
  return {};
}

Result<void> parse_keyed(std::string_view text, std::vector<Keyed>& field) {
  for (const std::string_view line : lines_of(text)) {
    bool named = false;
    for (const std::string_view word : words_of(line)) {
      const size_t equals = word.find('=');
      if (equals == std::string_view::npos) {
        field.emplace_back().name = word;
        named = true;
        continue;
      }
      // The cost model of io.stat has decimal fractions among its words: they are no counts.
      const std::string_view value = word.substr(equals + 1);
      const auto number = number_or_max(value);
      if (!named || (!number && value.find('.') == std::string_view::npos)) return malformed(line);
      if (number) field.back().counters.emplace_back(word.substr(0, equals), *number);
    }
  }
  return {};
}

Result<void> parse_block(std::string_view text, std::vector<BlockEntry>& field) {
  for (const std::string_view line : lines_of(text)) {
    const auto words = words_of(line);
    if (words.size() == 2 && words[0] == "Total") continue;
    BlockEntry& entry = field.emplace_back();
    const auto value = parse_unsigned(words.back());
    if (words.size() < 2 || words.size() > 3 || !parse_device(words[0], entry) || !value)
      return malformed(line);
    if (words.size() == 3) entry.op = words[1];
    entry.value = *value;
  }
  return {};
}

Result<void> parse_psi(std::string_view text, Psi& field) {
  for (const std::string_view line : lines_of(text)) {
    const auto words = words_of(line);
    const auto numbers = parse_psi_words(words);
    if (!numbers || (words[0] != "some" && words[0] != "full")) return malformed(line);
    (words[0] == "some" ? field.some : field.full) = numbers;
  }
  return {};
}

Result<void> parse_numbers(std::string_view text, std::vector<uint64_t>& field) {
  for (const std::string_view word : words_of(trim(text))) {
    const auto number = parse_unsigned(word);
    if (!number) return malformed(text);
    field.push_back(*number);
  }
  return {};
}

Result<void> parse_percpu(std::string_view text, CpuStats& cpu) {
  const auto lines = lines_of(text);
  for (size_t i = 1; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    const auto user = words.size() == 3 ? parse_unsigned(words[1]) : std::nullopt;
    const auto kernel = words.size() == 3 ? parse_unsigned(words[2]) : std::nullopt;
    if (!user || !kernel) return malformed(lines[i]);
    cpu.percpu_user.push_back(*user);
    cpu.percpu_kernel.push_back(*kernel);
  }
  return {};
}

uint64_t value_of(const Counters& counters, std::string_view name) {
  for (const auto& [key, value] : counters)
    if (key == name) return value;
  return 0;
}

bool StatReader::read(const char* file, std::string& text) {
  if (error_) return false;
  auto content = directory_.read(prefix_ + file);
  if (content) {
    text = *std::move(content);
    return true;
  }
  // EOPNOTSUPP: pressure is not accounted for (psi=0, cgroup.pressure).
  const Error& error = content.error();
  if (!Directory::is_absent(error) && !error.is(EOPNOTSUPP)) error_ = error;
  return false;
}

bool StatReader::number(const char* file, uint64_t& field) {
  return read(file, field, parse_number);
}
void StatReader::counters(const char* file, Counters& field) { read(file, field, parse_counters); }
void StatReader::psi(const char* file, Psi& field) { read(file, field, parse_psi); }
void StatReader::blocks(const char* file, std::vector<BlockEntry>& field) {
  read(file, field, parse_block);
}
void StatReader::keyed(const char* file, std::vector<Keyed>& field) {
  read(file, field, parse_keyed);
}

void StatReader::check(const char* file, Result<void> parsed) {
  if (!parsed) fail(file, std::move(parsed).error());
}

void StatReader::fail(const char* file, Error error) {
  if (error_) return;
  error_ = std::move(error);
  error_->add_context(prefix_ + file);
}

std::vector<std::string> StatReader::huge_page_sizes() const {
  constexpr std::string_view kPrefix = "hugetlb.";
  std::vector<std::string> sizes;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory_.path().c_str()),
                                                    ::closedir);
  if (!listing) return sizes;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(kPrefix)) continue;
    const std::string_view size =
        name.substr(kPrefix.size(), name.find('.', kPrefix.size()) - kPrefix.size());
    if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) sizes.emplace_back(size);
  }
  return sizes;
}

Result<void> StatReader::result() && {
  if (!error_) return {};
  error_->add_context("cgroup " + directory_.path());
  return *std::move(error_);
}

}  // namespace skiff::cgroup
