#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "src/base/json.h"

namespace skiff::json {

struct Writer::Impl {
  explicit Impl(Style s) : style(s), compact(buffer), indented(buffer) {
    indented.SetIndent(' ', 2);
  }

  template <class Action>
  void with(const Action& action) {
    if (style == Style::Compact)
      action(compact);
    else
      action(indented);
  }

  Style style;
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> compact;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> indented;
};

Writer::Writer(Style style) : impl_(std::make_unique<Impl>(style)) {}
Writer::~Writer() = default;

namespace {
rapidjson::SizeType size_of(std::string_view text) {
  return static_cast<rapidjson::SizeType>(text.size());
}
}  // namespace

void Writer::begin_object() {
  impl_->with([](auto& out) { out.StartObject(); });
}
void Writer::end_object() {
  impl_->with([](auto& out) { out.EndObject(); });
}
void Writer::begin_array() {
  impl_->with([](auto& out) { out.StartArray(); });
}
void Writer::end_array() {
  impl_->with([](auto& out) { out.EndArray(); });
}
void Writer::key(std::string_view name) {
  impl_->with([&](auto& out) { out.Key(name.data(), size_of(name)); });
}
void Writer::value(std::string_view text) {
  impl_->with([&](auto& out) { out.String(text.empty() ? "" : text.data(), size_of(text)); });
}
void Writer::value(bool truth) {
  impl_->with([&](auto& out) { out.Bool(truth); });
}
void Writer::value(int64_t number) {
  impl_->with([&](auto& out) { out.Int64(number); });
}
void Writer::value(uint64_t number) {
  impl_->with([&](auto& out) { out.Uint64(number); });
}
void Writer::null() {
  impl_->with([](auto& out) { out.Null(); });
}
void Writer::raw(std::string_view json) {
  impl_->with([&](auto& out) { out.RawValue(json.data(), json.size(), rapidjson::kObjectType); });
}

std::string Writer::take() {
  return std::string(impl_->buffer.GetString(), impl_->buffer.GetSize());
}

}  // namespace skiff::json
