// Properties of systemd's units as D-Bus values. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/result.h"

namespace skiff::systemd {

/// What a limit is set to that is none; the same for bytes, tasks and microseconds.
inline constexpr uint64_t kInfinity = UINT64_MAX;

/// A value and its type.
struct Value {
  std::string type;          // the D-Bus signature: "b", "t", "as", "a(st)"
  uint64_t number = 0;       // of the basic types but strings; the bits of a double
  std::string text;          // of "s", "o" and "g"; the bytes of "ay"
  std::vector<Value> items;  // of the other arrays, of structures and of a variant

  // Not inline: these are copied and compared in many places.
  Value();
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();
  bool operator==(const Value& other) const;
};

Value boolean(bool value);
Value unsigned32(uint32_t value);
Value unsigned64(uint64_t value);
Value string(std::string_view value);
Value bytes(std::string value);
/// An array whose items are of `type`; it may be empty.
Value array(std::string_view type, std::vector<Value> items);
Value structure(std::vector<Value> members);

struct Property {
  std::string name;
  Value value;
};
using Properties = std::vector<Property>;

/// Sets a property, in the place of one of that name.
void set(Properties& properties, std::string_view name, Value value);
const Value* find(const Properties& properties, std::string_view name);

/// Those of `wanted` that `present` has not as they are, and what undoes those of `present` that
/// are not wanted any more.
Properties changes(const Properties& present, const Properties& wanted);

/// A value as people write it: GVariant's text format without dictionaries and maybes
/// (`true`, `5`, `uint64 5`, `'text'`, `['a', 'b']`, `('a', 1)`, `@as []`, `<'text'>`, `b'bytes'`).
Result<Value> parse_value(std::string_view text);

/// The properties that annotations "org.systemd.property.NAME" ask for. A NAME that ends in "Sec"
/// is what systemd's own files call a time: it becomes "…USec", its number microseconds. What
/// places the unit and its processes cannot be set. Errors begin with the annotation.
Result<Properties> properties_from(
    const std::vector<std::pair<std::string, std::string>>& annotations);

}  // namespace skiff::systemd
