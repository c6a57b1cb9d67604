// GVariant's text format (GLib's "GVariant Text Format"), as much of it as properties need.
#include <bit>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "src/base/text.h"
#include "src/linux/systemd/property.h"

namespace skiff::systemd {
namespace {

constexpr int kMostLevels = 16;

struct Keyword {
  std::string_view word;
  const char* type;
};
constexpr Keyword kKeywords[] = {
    {"boolean", "b"}, {"byte", "y"},       {"int16", "n"},     {"uint16", "q"}, {"int32", "i"},
    {"uint32", "u"},  {"int64", "x"},      {"uint64", "t"},    {"double", "d"}, {"string", "s"},
    {"handle", "h"},  {"objectpath", "o"}, {"signature", "g"},
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '-' || c == '.';
}

/// The first complete type of `signature`; "" if there is none that we know.
std::string_view first_type(std::string_view signature, int level = 0) {
  constexpr std::string_view kBasic = "bynqiuxtdsogv";
  if (signature.empty() || level > kMostLevels) return "";
  if (kBasic.find(signature.front()) != std::string_view::npos) return signature.substr(0, 1);
  if (signature.front() == 'a') {
    const auto item = first_type(signature.substr(1), level + 1);
    return item.empty() ? "" : signature.substr(0, item.size() + 1);
  }
  if (signature.front() != '(') return "";
  size_t end = 1;
  while (end < signature.size() && signature[end] != ')') {
    const auto member = first_type(signature.substr(end), level + 1);
    if (member.empty()) return "";
    end += member.size();
  }
  return end == 1 || end >= signature.size() ? "" : signature.substr(0, end + 1);
}

struct Limits {
  uint64_t magnitude;  // of a negative number
  uint64_t highest;
};

Limits limits_of(char type) {
  switch (type) {
    case 'y':
      return {0, UINT8_MAX};
    case 'n':
      return {uint64_t{1} << 15, INT16_MAX};
    case 'q':
      return {0, UINT16_MAX};
    case 'i':
      return {uint64_t{1} << 31, INT32_MAX};
    case 'u':
      return {0, UINT32_MAX};
    case 'x':
      return {uint64_t{1} << 63, INT64_MAX};
    default:
      return {0, UINT64_MAX};
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Value> whole() {
    Value value = TRY(parse("", 0));
    skip_spaces();
    if (at_ != text_.size())
      return Error::invalid("{} behind the value", text::quote(text_.substr(at_)));
    return value;
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    skip_spaces();
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  Error unknown() const {
    if (at_ == text_.size()) return Error::invalid("{}: the value ends early", text::quote(text_));
    return Error::invalid("{}: expected a value in GVariant's text format at {}",
                          text::quote(text_), text::quote(text_.substr(at_)));
  }
  Error mismatch(std::string_view type) const {
    return Error::invalid("{}: not of type {}", text::quote(text_), text::quote(type));
  }

  std::string_view word() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  /// A value; of `type`, unless that is "".
  Result<Value> parse(std::string_view type, int level) {
    if (level > kMostLevels) return Error::invalid("{}: too deep", text::quote(text_));
    skip_spaces();
    const char c = peek();
    if (c == '@') return annotated(type, level);
    if (c == '[') return list(type, level);
    if (c == '(') return tuple(type, level);
    if (c == '<') return variant(type, level);
    if (c == '\'' || c == '"') return quoted(type);
    const bool is_bytes =
        c == 'b' && at_ + 1 < text_.size() && (text_[at_ + 1] == '\'' || text_[at_ + 1] == '"');
    if (is_bytes) return byte_string(type);
    return plain(type, level);
  }

  Result<Value> annotated(std::string_view type, int level) {
    const size_t begin = ++at_;
    while (at_ < text_.size() && !is_space(text_[at_])) ++at_;
    const std::string_view given = text_.substr(begin, at_ - begin);
    if (given.empty() || first_type(given) != given)
      return Error::invalid("{} is no type of a property", text::quote(given));
    if (!type.empty() && type != given) return mismatch(type);
    return parse(given, level + 1);
  }

  Result<Value> list(std::string_view type, int level) {
    if (!type.empty() && type.front() != 'a') return mismatch(type);
    ++at_;
    std::string item_type(type.empty() ? "" : type.substr(1));
    std::vector<Value> items;
    while (!take(']')) {
      if (!items.empty() && !take(',')) return unknown();
      items.push_back(TRY(parse(item_type, level + 1)));
      item_type = items.back().type;
    }
    if (item_type.empty())
      return Error::invalid("{}: an empty list needs its type, as in \"@as []\"",
                            text::quote(text_));
    if (item_type != "y") return array(item_type, std::move(items));
    std::string content;
    for (const Value& item : items) content += static_cast<char>(item.number);
    return bytes(std::move(content));
  }

  Result<Value> tuple(std::string_view type, int level) {
    if (!type.empty() && type.front() != '(') return mismatch(type);
    ++at_;
    std::string_view rest = type.empty() ? type : type.substr(1, type.size() - 2);
    std::vector<Value> members;
    while (!take(')')) {
      if (!members.empty() && !take(',')) return unknown();
      if (!members.empty() && take(')')) break;  // "(1,)" has one member
      const std::string_view member = type.empty() ? type : first_type(rest);
      if (!type.empty() && member.empty()) return mismatch(type);
      members.push_back(TRY(parse(member, level + 1)));
      rest.remove_prefix(member.size());
    }
    if (members.empty() || !rest.empty()) return mismatch(type.empty() ? "(…)" : type);
    return structure(std::move(members));
  }

  Result<Value> variant(std::string_view type, int level) {
    if (!type.empty() && type != "v") return mismatch(type);
    ++at_;
    Value value;
    value.type = "v";
    value.items.push_back(TRY(parse("", level + 1)));
    if (!take('>')) return unknown();
    return value;
  }

  Result<std::string> between_quotes() {
    const char quote = text_[at_++];
    std::string content;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\') {
        content += text_[at_++];
        continue;
      }
      if (++at_ == text_.size()) break;
      constexpr std::string_view kFrom = "abfnrtv";
      constexpr std::string_view kTo = "\a\b\f\n\r\t\v";
      const char escaped = text_[at_++];
      const size_t place = kFrom.find(escaped);
      if (escaped == 'u' || escaped == 'U' || (escaped >= '0' && escaped <= '7'))
        return Error::invalid("{}: escapes by number are not known", text::quote(text_));
      content += place == std::string_view::npos ? escaped : kTo[place];
    }
    if (at_ == text_.size()) return unknown();
    ++at_;
    if (content.find('\0') != std::string::npos)
      return Error::invalid("{}: a NUL in a string", text::quote(text_));
    return content;
  }

  Result<Value> quoted(std::string_view type) {
    if (!type.empty() && type != "s" && type != "o" && type != "g") return mismatch(type);
    Value value = string(TRY(between_quotes()));
    if (!type.empty()) value.type = type;
    return value;
  }

  Result<Value> byte_string(std::string_view type) {
    if (!type.empty() && type != "ay") return mismatch(type);
    ++at_;
    std::string content = TRY(between_quotes());
    content += '\0';  // GVariant's have it at their end
    return bytes(std::move(content));
  }

  Result<Value> plain(std::string_view type, int level) {
    const size_t begin = at_;
    const std::string_view found = word();
    for (const Keyword& keyword : kKeywords) {
      if (found != keyword.word || found == "handle") continue;
      if (!type.empty() && type != keyword.type) return mismatch(type);
      return parse(keyword.type, level + 1);
    }
    if (found == "true" || found == "false") {
      if (!type.empty() && type != "b") return mismatch(type);
      return boolean(found == "true");
    }
    at_ = begin;
    return number(type);
  }

  Result<Value> number(std::string_view type) {
    const size_t begin = at_;
    const std::string found(word());
    std::string_view digits = found;
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.remove_prefix(1);
    const bool hexadecimal = digits.starts_with("0x");
    const bool fraction = !hexadecimal && digits.find_first_of(".eE") != std::string_view::npos;
    if (digits.empty() ||
        ((fraction || type == "d") && !(digits.front() >= '0' && digits.front() <= '9'))) {
      at_ = begin;
      return unknown();
    }
    if (type == "d" || (type.empty() && fraction)) return real(found);
    const char kind = type.empty() ? 'i' : type.front();
    if (type.size() > 1 || std::string_view("ynqiuxt").find(kind) == std::string_view::npos)
      return mismatch(type);
    int base = 10;
    if (hexadecimal) {
      base = 16;
      digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits.front() == '0') {
      base = 8;
    }
    uint64_t magnitude = 0;
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, magnitude, base);
    if (error == std::errc::invalid_argument || end != last) {
      at_ = begin;
      return unknown();
    }
    const Limits limits = limits_of(kind);
    if (error != std::errc() || magnitude > (negative ? limits.magnitude : limits.highest))
      return Error::invalid("{}: out of range for type \"{}\"", found, kind);
    Value value;
    value.type = kind;
    value.number = negative ? ~magnitude + 1 : magnitude;
    return value;
  }

  Result<Value> real(const std::string& word) const {
    char* end = nullptr;
    const double value = std::strtod(word.c_str(), &end);
    if (*end != '\0') return unknown();
    Value made;
    made.type = "d";
    made.number = std::bit_cast<uint64_t>(value);
    return made;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Value> parse_value(std::string_view text) { return Parser(text).whole(); }

}  // namespace skiff::systemd
