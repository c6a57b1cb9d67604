// JSON, read with the path of every value at hand and written without a tree.
// This header and json.cc are the only users of RapidJSON.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "src/base/result.h"

namespace skiff::json {

struct Place;

/// What is wrong with a whole text, for a reader that goes on where others stop at the first
/// error, and which members nobody asked for.
class Survey {
 public:
  /// Keeps `error`, unless it may follow from one that is kept: about the same value or a part of
  /// it.
  void add(Error error);
  /// Whether an error's text is about the value of one that is kept, or contains it.
  bool follows(std::string_view text) const;
  const std::vector<Error>& errors() const { return errors_; }
  /// What is no error and still worth saying: "path: text".
  const std::vector<std::string>& remarks() const { return remarks_; }

  struct Unread {
    std::string path;
    std::string name;
    std::vector<std::string> known;  // the members that were asked for beside it
  };
  /// Members that exist and that no reader asked for, of every object that was read.
  std::vector<Unread> unread() const;

 private:
  friend class View;
  struct Visited {
    std::string path;
    std::vector<std::string> asked;
    bool whole = false;  // the names are the user's, or nobody came to the end
  };
  void note(const void* object, const std::string& path, std::string_view name);

  std::vector<Error> errors_;
  std::vector<std::string> remarks_;
  std::map<const void*, Visited> visited_;
};

/// A value inside a Document, which must outlive it, and the path to it. A
/// member whose value is null counts as absent, as Go's decoder has it; of
/// members with one name the last counts. A string with a NUL byte is an error.
class View {
 public:
  /// The member `name`; missing or of another type is an Error that names its
  /// path. T: bool, std::string, int32_t, uint16_t, uint32_t, int64_t, uint64_t, View
  /// (View demands an object).
  template <class T>
  Result<T> required(std::string_view name) const;
  /// As required(), nullopt when absent.
  template <class T>
  Result<std::optional<T>> optional(std::string_view name) const;
  /// The elements of the array `name`; empty when absent. Elements of a
  /// list<View> must be objects; their paths end in "[i]".
  template <class T>
  Result<std::vector<T>> list(std::string_view name) const;
  /// The string members of the object `name`, in their order; empty when absent.
  Result<std::vector<std::pair<std::string, std::string>>> string_map(std::string_view name) const;

  /// `result`; for a survey, which keeps the error, always a value.
  template <class T>
  Result<T> tolerate(Result<T> result) const {
    if (result || survey_ == nullptr) return result;
    survey_->add(std::move(result).error());
    if constexpr (std::is_void_v<T>)
      return {};
    else
      return T();
  }
  /// A fault after which the reader can go on, and does so for a survey, which keeps it.
  Result<void> complain(Error fault) const { return tolerate(Result<void>(std::move(fault))); }
  /// Tells the survey that the reader of this object gave up, so that members it did not come to
  /// are not taken for unread.
  void abandon() const {
    if (survey_ != nullptr) survey_->visited_[value_].whole = true;
  }
  /// Leaves `text` with the survey; false if there is none.
  bool remark(std::string text) const {
    if (survey_ != nullptr) survey_->remarks_.push_back(std::move(text));
    return survey_ != nullptr;
  }

  /// Whether the member exists and is not null.
  bool has(std::string_view name) const;
  /// Whether the member is absent or says nothing: null, "", [], {}, 0 or false.
  bool is_blank(std::string_view name) const;
  /// Calls `visit` for each member of this object with its name.
  Result<void> each_member(const std::function<Result<void>(std::string_view)>& visit) const;

  /// "process.user"; empty for the root.
  const std::string& path() const { return path_; }
  /// The path of the member `name`, which is quoted if a message could not hold it.
  std::string path_of(std::string_view name) const;

 private:
  friend class Document;
  View(const void* value, std::string path, Survey* survey)
      : value_(value), path_(std::move(path)), survey_(survey) {}

  const void* find(std::string_view name) const;
  template <class T>
  static Result<T> convert(const void* value, const Place& place);

  const void* value_;  // a rapidjson::Value
  std::string path_;
  Survey* survey_;  // or null
};

/// A parsed text. Parsing is iterative: no depth of nesting exhausts the stack.
class Document {
 public:
  /// Fails on malformed text with line and column, and if the root is not an object.
  static Result<Document> parse(std::string text);
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  /// The root object; `path` begins the paths of its members. With a `survey`, which must outlive
  /// the views, wrong values are kept there and read as blank.
  View root(std::string path = "", Survey* survey = nullptr) const;

  /// The text of the object at `path`, member within member, as it was parsed; "" where there is
  /// no object.
  std::string_view text_of(std::initializer_list<std::string_view> path) const;
  /// Takes the member at `path` out of the tree; absent is fine.
  void drop(std::initializer_list<std::string_view> path);

 private:
  struct Impl;
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// `text`, whose root is an object, compact, with `value`, which is JSON text, as its member at
/// `path` ({"linux", "resources"}); objects that are not there are made on the way. Fails on
/// malformed text, and where something on the way is not an object.
Result<std::string> with_member(const std::string& text, const std::vector<std::string>& path,
                                std::string_view value);

enum class Style { Compact, Indented };

/// Writes one JSON text; begin/end calls must pair and keys precede values.
class Writer {
 public:
  explicit Writer(Style style);
  ~Writer();

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(bool truth);
  void value(int number) { value(static_cast<int64_t>(number)); }
  void value(unsigned number) { value(static_cast<uint64_t>(number)); }
  void value(int64_t number);
  void value(uint64_t number);
  void null();
  /// A value that is JSON text already.
  void raw(std::string_view json);

  template <class T>
  void field(std::string_view name, const T& what) {
    key(name);
    value(what);
  }
  template <class T>
  void array(std::string_view name, const T& items) {
    key(name);
    begin_array();
    for (const auto& item : items) value(item);
    end_array();
  }

  /// The finished text, without a final newline.
  std::string take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skiff::json
