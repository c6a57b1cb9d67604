#include "src/launch/sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/json.h"
#include "src/base/text.h"

namespace skiff::launch {
namespace {

/// `word` as it is where it is one word, else quoted.
std::string shown(std::string_view word) {
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
  });
  return plain && !word.empty() ? std::string(word) : text::quote(word);
}

class TextSheet final : public Sheet {
 public:
  void begin(std::string_view name) override {
    heads_.push_back(fmt::format("{:{}}{}\n", "", 2 * heads_.size(), name));
  }
  void end() override { heads_.pop_back(), told_ = std::min(told_, heads_.size()); }
  void field(std::string_view name, std::string_view value) override {
    if (!value.empty()) line("{}: {}", name, shown(value));
  }
  void field(std::string_view name, uint64_t value) override { line("{}: {}", name, value); }
  void flag(std::string_view name, bool value) override {
    if (value) line("{}", name);
  }
  void list(std::string_view name, const std::vector<std::string>& items) override {
    if (items.empty()) return;
    std::vector<std::string> words;
    words.reserve(items.size());
    for (const std::string& item : items) words.push_back(shown(item));
    line("{}: {}", name, text::join(words, " "));
  }
  void table(std::string_view name, const std::vector<Row>& rows) override {
    if (rows.empty()) return;
    begin(name);
    for (const Row& row : rows) {
      std::string words;
      for (const auto& [key, value] : row) {
        if (value.empty()) continue;
        if (!words.empty()) words += fmt::format(" {}=", key);
        words += shown(value);
      }
      line("{}", words);
    }
    end();
  }
  std::string take() override { return std::move(text_); }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    // A heading is told with its first line: without one it has nothing to say.
    for (; told_ < heads_.size(); ++told_) text_ += heads_[told_];
    text_ += fmt::format("{:{}}", "", 2 * heads_.size());
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  std::string text_;
  std::vector<std::string> heads_;
  size_t told_ = 0;  // of heads_
};

class JsonSheet final : public Sheet {
 public:
  JsonSheet() : json_(json::Style::Indented) { json_.begin_object(); }

  void begin(std::string_view name) override {
    json_.key(name);
    json_.begin_object();
  }
  void end() override { json_.end_object(); }
  void field(std::string_view name, std::string_view value) override {
    if (!value.empty()) json_.field(name, value);
  }
  void field(std::string_view name, uint64_t value) override { json_.field(name, value); }
  void flag(std::string_view name, bool value) override {
    if (value) json_.field(name, true);
  }
  void list(std::string_view name, const std::vector<std::string>& items) override {
    if (!items.empty()) json_.array(name, items);
  }
  void table(std::string_view name, const std::vector<Row>& rows) override {
    if (rows.empty()) return;
    json_.key(name);
    json_.begin_array();
    for (const Row& row : rows) {
      json_.begin_object();
      for (const auto& [key, value] : row)
        if (!value.empty()) json_.field(key, value);
      json_.end_object();
    }
    json_.end_array();
  }
  std::string take() override {
    json_.end_object();
    return json_.take() + '\n';
  }

 private:
  json::Writer json_;
};

}  // namespace

std::unique_ptr<Sheet> text_sheet() { return std::make_unique<TextSheet>(); }
std::unique_ptr<Sheet> json_sheet() { return std::make_unique<JsonSheet>(); }

}  // namespace skiff::launch
