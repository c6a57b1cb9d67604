#include "src/base/json.h"

#define RAPIDJSON_HAS_STDSTRING 1
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "src/base/text.h"

namespace skiff::json {

/// Where a value stands. The path is spelled out only when an error needs it:
/// a profile of 400 system calls would otherwise format 400 paths in vain.
struct Place {
  const View& parent;
  std::string_view name;
  std::optional<size_t> index = std::nullopt;

  std::string path() const {
    return index ? fmt::format("{}[{}]", parent.path_of(name), *index) : parent.path_of(name);
  }
};

namespace {

using Value = rapidjson::Value;

const Value& as_value(const void* value) { return *static_cast<const Value*>(value); }

std::string_view type_name(const Value& value) {
  switch (value.GetType()) {
    case rapidjson::kNullType:
      return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return "boolean";
    case rapidjson::kObjectType:
      return "object";
    case rapidjson::kArrayType:
      return "array";
    case rapidjson::kStringType:
      return "string";
    case rapidjson::kNumberType:
      break;
  }
  if (value.IsUint64()) return "unsigned integer";
  if (value.IsInt64()) return "negative integer";
  return std::abs(value.GetDouble()) >= 0x1p63 ? "number beyond 64 bits" : "fractional number";
}

Error mismatch(const std::string& path, std::string_view expected, const Value& found) {
  return Error::invalid("{}: expected {}, found {}", path, expected, type_name(found));
}

template <class Number>
Result<Number> unsigned_number(const Value& value, const Place& place) {
  if (!value.IsUint64()) return mismatch(place.path(), "unsigned integer", value);
  if (value.GetUint64() > std::numeric_limits<Number>::max())
    return Error::invalid("{}: {} is out of range, at most {}", place.path(), value.GetUint64(),
                          std::numeric_limits<Number>::max());
  return static_cast<Number>(value.GetUint64());
}

template <class Number>
Result<Number> signed_number(const Value& value, const Place& place) {
  constexpr auto kLeast = std::numeric_limits<Number>::min();
  constexpr auto kMost = std::numeric_limits<Number>::max();
  if (value.IsUint64() && value.GetUint64() > static_cast<uint64_t>(kMost))
    return Error::invalid("{}: {} is out of range, at most {}", place.path(), value.GetUint64(),
                          kMost);
  if (!value.IsInt64()) return mismatch(place.path(), "integer", value);
  if (value.GetInt64() < kLeast)
    return Error::invalid("{}: {} is out of range, at least {}", place.path(), value.GetInt64(),
                          kLeast);
  return static_cast<Number>(value.GetInt64());
}

/// What a range-for over GetObject() would give, but for RapidJSON's comparison of iterators, which
/// is ambiguous in C++20.
std::span<rapidjson::Value::Member> members_of(rapidjson::Value& object) {
  return {object.MemberBegin().operator->(), object.MemberCount()};
}

/// "line 3, column 7" of the byte at `offset`.
std::string position(std::string_view text, size_t offset) {
  size_t line = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < offset; ++i) {
    if (text[i] != '\n') continue;
    ++line;
    line_start = i + 1;
  }
  return fmt::format("line {}, column {}", line, offset - line_start + 1);
}

}  // namespace

struct Document::Impl {
  using Member = rapidjson::Value::Member;

  // In-place parsing rewrites escapes, among them those of line ends: an error is located in the
  // text as it was.
  explicit Impl(std::string source) : original(source), text(std::move(source)) {
    // RapidJSON takes up to three bytes more after one that begins a sequence of UTF-8.
    text.append(3, '\0');
  }

  /// The last of the members at `path`, and the object it is in; null where there is none.
  std::pair<Value*, Member*> find(std::initializer_list<std::string_view> path) {
    Value* object = nullptr;
    Member* found = nullptr;
    for (const std::string_view name : path) {
      object = found == nullptr ? &tree : &found->value;
      found = nullptr;
      if (!object->IsObject()) break;
      for (Member& member : members_of(*object))
        if (std::string_view(member.name.GetString(), member.name.GetStringLength()) == name)
          found = &member;
      if (found == nullptr) break;
    }
    return {object, found};
  }

  std::string original;
  std::string text;  // strings of the tree point into it
  rapidjson::Document tree;
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string text) {
  auto impl = std::make_unique<Impl>(std::move(text));
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag |
                              rapidjson::kParseValidateEncodingFlag;
  impl->tree.ParseInsitu<kFlags>(impl->text.data());

  const std::string& original = impl->original;
  // The parser takes a NUL byte for the end of the text; JSON has no place for one.
  const size_t nul = original.find('\0');
  const bool failed = impl->tree.HasParseError();
  const size_t stopped = failed ? impl->tree.GetErrorOffset() : original.size();
  if (nul <= stopped && nul != std::string::npos)
    return Error::invalid("{}: NUL byte", position(original, nul));
  if (failed) {
    std::string_view reason = rapidjson::GetParseError_En(impl->tree.GetParseError());
    if (reason.ends_with('.')) reason.remove_suffix(1);
    return Error::invalid("{}: {}", position(original, stopped), reason);
  }
  if (!impl->tree.IsObject())
    return Error::invalid("expected object, found {}", type_name(impl->tree));
  return Document(std::move(impl));
}

View Document::root(std::string path, Survey* survey) const {
  return View(&impl_->tree, std::move(path), survey);
}

namespace {

/// Behind the string whose first character is at `at`.
const char* end_of_string(const char* at) {
  while (*at != '"') at += *at == '\\' ? 2 : 1;
  return at + 1;
}

/// Behind the object that begins at `at`, in text that was parsed.
const char* end_of_object(const char* at) {
  size_t depth = 0;
  do {
    const char found = *at++;
    if (found == '"')
      at = end_of_string(at);
    else if (found == '{')
      ++depth;
    else if (found == '}')
      --depth;
  } while (depth > 0);
  return at;
}

}  // namespace

std::string_view Document::text_of(std::initializer_list<std::string_view> path) const {
  const auto* member = impl_->find(path).second;
  if (member == nullptr || !member->value.IsObject()) return {};
  // The name stands where it was parsed, and its value follows it.
  const char* name = impl_->original.data() + (member->name.GetString() - impl_->text.data());
  const char* begin = end_of_string(name);
  while (*begin != '{') ++begin;
  return {begin, static_cast<size_t>(end_of_object(begin) - begin)};
}

void Document::drop(std::initializer_list<std::string_view> path) {
  const auto found = impl_->find(path);
  if (found.second == nullptr) return;
  const std::string_view name = *(path.end() - 1);
  const rapidjson::Value key(
      rapidjson::StringRef(name.data(), static_cast<rapidjson::SizeType>(name.size())));
  while (found.first->RemoveMember(key)) continue;
}

namespace {

std::string_view path_in(std::string_view text) { return text.substr(0, text.find(": ")); }

bool is_or_contains(std::string_view outer, std::string_view inner) {
  if (!inner.starts_with(outer)) return false;
  return inner.size() == outer.size() || inner[outer.size()] == '.' || inner[outer.size()] == '[';
}

}  // namespace

void Survey::add(Error error) {
  if (!follows(error.text())) errors_.push_back(std::move(error));
}

bool Survey::follows(std::string_view text) const {
  const std::string_view path = path_in(text);
  return std::any_of(errors_.begin(), errors_.end(), [&](const Error& known) {
    return is_or_contains(path, path_in(known.text()));
  });
}

void Survey::note(const void* object, const std::string& path, std::string_view name) {
  Visited& visited = visited_[object];
  visited.path = path;
  visited.asked.emplace_back(name);
}

std::vector<Survey::Unread> Survey::unread() const {
  std::vector<Unread> found;
  for (const auto& [object, visited] : visited_) {
    if (visited.whole) continue;
    for (const auto& member : as_value(object).GetObject()) {
      const std::string name(member.name.GetString(), member.name.GetStringLength());
      const auto& asked = visited.asked;
      if (std::find(asked.begin(), asked.end(), name) == asked.end())
        found.push_back({visited.path, name, asked});
    }
  }
  return found;
}

std::string View::path_of(std::string_view name) const {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"';
  });
  const std::string shown = plain ? std::string(name) : text::quote(name);
  return path_.empty() ? shown : fmt::format("{}.{}", path_, shown);
}

const void* View::find(std::string_view name) const {
  const Value& object = as_value(value_);
  if (!object.IsObject()) return nullptr;
  if (survey_ != nullptr) survey_->note(value_, path_, name);
  const Value* found = nullptr;
  for (const auto& member : object.GetObject())
    if (member.name.GetStringLength() == name.size() &&
        std::memcmp(member.name.GetString(), name.data(), name.size()) == 0)
      found = &member.value;
  return found == nullptr || found->IsNull() ? nullptr : found;
}

bool View::has(std::string_view name) const { return find(name) != nullptr; }

bool View::is_blank(std::string_view name) const {
  const void* found = find(name);
  if (found == nullptr) return true;
  const Value& value = as_value(found);
  if (value.IsString()) return value.GetStringLength() == 0;
  if (value.IsArray()) return value.Empty();
  if (value.IsObject()) return value.ObjectEmpty();
  if (value.IsNumber()) return value.GetDouble() == 0;
  return value.IsFalse();
}

Result<void> View::each_member(const std::function<Result<void>(std::string_view)>& visit) const {
  const Value& object = as_value(value_);
  if (survey_ != nullptr) survey_->visited_[value_].whole = true;
  for (const auto& member : object.GetObject())
    TRY(tolerate(visit({member.name.GetString(), member.name.GetStringLength()})));
  return {};
}

template <>
Result<bool> View::convert(const void* value, const Place& place) {
  if (!as_value(value).IsBool()) return mismatch(place.path(), "boolean", as_value(value));
  return as_value(value).GetBool();
}
template <>
Result<std::string> View::convert(const void* value, const Place& place) {
  if (!as_value(value).IsString()) return mismatch(place.path(), "string", as_value(value));
  std::string text(as_value(value).GetString(), as_value(value).GetStringLength());
  if (text.find('\0') != std::string::npos)
    return Error::invalid("{}: contains a NUL byte", place.path());
  return text;
}
template <>
Result<uint16_t> View::convert(const void* value, const Place& place) {
  return unsigned_number<uint16_t>(as_value(value), place);
}
template <>
Result<uint32_t> View::convert(const void* value, const Place& place) {
  return unsigned_number<uint32_t>(as_value(value), place);
}
template <>
Result<uint64_t> View::convert(const void* value, const Place& place) {
  return unsigned_number<uint64_t>(as_value(value), place);
}
template <>
Result<int32_t> View::convert(const void* value, const Place& place) {
  return signed_number<int32_t>(as_value(value), place);
}
template <>
Result<int64_t> View::convert(const void* value, const Place& place) {
  return signed_number<int64_t>(as_value(value), place);
}
template <>
Result<View> View::convert(const void* value, const Place& place) {
  if (!as_value(value).IsObject()) return mismatch(place.path(), "object", as_value(value));
  return View(value, place.path(), place.parent.survey_);
}

template <class T>
Result<T> View::required(std::string_view name) const {
  const void* found = find(name);
  Result<T> value = found != nullptr ? convert<T>(found, Place{*this, name})
                                     : Error::invalid("{}: missing", path_of(name));
  if constexpr (std::is_same_v<T, View>)
    return value;  // there is no blank object: its reader's caller goes on
  else
    return tolerate(std::move(value));
}

template <class T>
Result<std::optional<T>> View::optional(std::string_view name) const {
  const void* found = find(name);
  if (found == nullptr) return std::optional<T>();
  auto value = convert<T>(found, Place{*this, name});
  if (value) return std::optional<T>(*std::move(value));
  return tolerate(Result<std::optional<T>>(std::move(value).error()));
}

template <class T>
Result<std::vector<T>> View::list(std::string_view name) const {
  std::vector<T> items;
  const void* found = find(name);
  if (found == nullptr) return items;
  if (!as_value(found).IsArray())
    return tolerate(Result<std::vector<T>>(mismatch(path_of(name), "array", as_value(found))));
  const auto array = as_value(found).GetArray();
  items.reserve(array.Size());
  for (rapidjson::SizeType i = 0; i < array.Size(); ++i) {
    auto item = convert<T>(&array[i], Place{*this, name, i});
    if (item) {
      items.push_back(*std::move(item));
      continue;
    }
    TRY(complain(std::move(item).error()));
    // For a survey, which is to number the elements as they are.
    if constexpr (std::is_default_constructible_v<T>) items.emplace_back();
  }
  return items;
}

Result<std::vector<std::pair<std::string, std::string>>> View::string_map(
    std::string_view name) const {
  std::vector<std::pair<std::string, std::string>> entries;
  const std::optional<View> object = TRY(optional<View>(name));
  if (!object) return entries;
  if (survey_ != nullptr) survey_->visited_[object->value_].whole = true;
  for (const auto& member : as_value(object->value_).GetObject()) {
    std::string key(member.name.GetString(), member.name.GetStringLength());
    if (key.find('\0') != std::string::npos)
      return Error::invalid("{}: a name contains a NUL byte", object->path());
    std::string value = TRY(tolerate(convert<std::string>(&member.value, Place{*object, key})));
    entries.emplace_back(std::move(key), std::move(value));
  }
  return entries;
}

#define SKIFF_INSTANTIATE(T)                                                   \
  template Result<T> View::required<T>(std::string_view) const;                \
  template Result<std::optional<T>> View::optional<T>(std::string_view) const; \
  template Result<std::vector<T>> View::list<T>(std::string_view) const;
SKIFF_INSTANTIATE(std::string)
SKIFF_INSTANTIATE(uint16_t)
SKIFF_INSTANTIATE(uint32_t)
SKIFF_INSTANTIATE(uint64_t)
SKIFF_INSTANTIATE(int32_t)
SKIFF_INSTANTIATE(int64_t)
SKIFF_INSTANTIATE(View)
#undef SKIFF_INSTANTIATE
template Result<bool> View::required<bool>(std::string_view) const;
template Result<std::optional<bool>> View::optional<bool>(std::string_view) const;

Result<std::string> with_member(const std::string& text, const std::vector<std::string>& path,
                                std::string_view value) {
  rapidjson::Document tree;
  rapidjson::Document member(&tree.GetAllocator());
  tree.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  member.Parse<rapidjson::kParseIterativeFlag>(value.data(), value.size());
  if (tree.HasParseError() || member.HasParseError()) return Error::invalid("malformed JSON");
  Value* place = &tree;
  for (const std::string& name : path) {
    if (place->IsNull()) place->SetObject();
    if (!place->IsObject()) return mismatch(text::join(path, "."), "an object on the way", *place);
    // Of members with one name the last counts; a new one behind them would, too, but twice.
    Value* found = nullptr;
    for (Value::Member& entry : members_of(*place))
      if (std::string_view(entry.name.GetString(), entry.name.GetStringLength()) == name)
        found = &entry.value;
    if (found == nullptr) {
      place->AddMember(Value(name, tree.GetAllocator()), Value(), tree.GetAllocator());
      found = &(place->MemberEnd() - 1)->value;
    }
    place = found;
  }
  *place = static_cast<Value&>(member);
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  tree.Accept(out);
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace skiff::json
