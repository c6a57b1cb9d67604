#include "src/linux/systemd/property.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "src/base/text.h"

namespace skiff::systemd {
namespace {

constexpr std::string_view kPrefix = "org.systemd.property.";
constexpr uint64_t kMicroseconds = 1000000;

Value number(const char* type, uint64_t value) {
  Value made;
  made.type = type;
  made.number = value;
  return made;
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Result<void> check_name(std::string_view name) {
  const bool valid =
      name.size() >= 3 && name.front() >= 'A' && name.front() <= 'Z' &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
  if (!valid) return Error::invalid("{} is not the name of a property", text::quote(name));
  // The process and the place of the container are the runtime's to say, and its promise that
  // systemd keeps away from what is below and does not stop it at shutdown before its engine.
  for (const char* own : {"PIDs", "Slice", "Delegate", "DefaultDependencies"})
    if (name == own) return Error::invalid("{} is set by the runtime", name);
  return {};
}

/// "TimeoutStopSec", but not "TimeoutStopUSec".
bool is_in_seconds(std::string_view name) {
  constexpr std::string_view kEnd = "Sec";
  return name.size() > kEnd.size() && name.ends_with(kEnd) &&
         name[name.size() - kEnd.size() - 1] >= 'a' && name[name.size() - kEnd.size() - 1] <= 'z';
}

Result<Value> microseconds(const Value& seconds) {
  constexpr std::string_view kIntegers = "nqiuxty";
  if (seconds.type == "d") {
    const double value = std::bit_cast<double>(seconds.number) * 1e6;
    if (!(value >= 0) || value >= 1.8e19) return Error::invalid("is not a time in seconds");
    return unsigned64(static_cast<uint64_t>(std::llround(value)));
  }
  if (seconds.type.size() != 1 || kIntegers.find(seconds.type) == std::string_view::npos)
    return Error::invalid("a time in seconds is a number");
  const bool is_negative = std::string_view("nix").find(seconds.type) != std::string_view::npos &&
                           static_cast<int64_t>(seconds.number) < 0;
  if (seconds.type == "t" && seconds.number == kInfinity) return seconds;
  if (is_negative || seconds.number > kInfinity / kMicroseconds)
    return Error::invalid("is not a time in seconds");
  return unsigned64(seconds.number * kMicroseconds);
}

Result<Property> property_from(std::string_view name, std::string_view text) {
  TRY(check_name(name));
  Property property;
  property.name = name;
  property.value = TRY(parse_value(text));
  if (!is_in_seconds(name)) return property;
  property.name.replace(property.name.size() - 3, 3, "USec");
  property.value = TRY(microseconds(property.value));
  return property;
}

/// What a unit has without the property.
Value unset(const Property& property) {
  const Value& value = property.value;
  if (value.type.starts_with('a')) return array(value.type.substr(1), {});
  // A guarantee that is not given, and not a limit that is not set.
  if (property.name == "MemoryLow" || property.name == "MemoryMin") return unsigned64(0);
  if (value.type == "t") return unsigned64(kInfinity);
  if (property.name == "DevicePolicy") return string("auto");
  if (property.name == "OOMPolicy") return string("continue");
  return value;
}

}  // namespace

Value::Value() = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;
// Not defaulted: clang 14 dies of that where a type holds itself.
bool Value::operator==(const Value& other) const {
  return type == other.type && number == other.number && text == other.text && items == other.items;
}

Value boolean(bool value) { return number("b", value ? 1 : 0); }
Value unsigned32(uint32_t value) { return number("u", value); }
Value unsigned64(uint64_t value) { return number("t", value); }

Value string(std::string_view value) {
  Value made;
  made.type = "s";
  made.text = value;
  return made;
}

Value bytes(std::string value) {
  Value made;
  made.type = "ay";
  made.text = std::move(value);
  return made;
}

Value array(std::string_view type, std::vector<Value> items) {
  Value made;
  made.type = "a" + std::string(type);
  made.items = std::move(items);
  return made;
}

Value structure(std::vector<Value> members) {
  Value made;
  made.type = "(";
  for (const Value& member : members) made.type += member.type;
  made.type += ")";
  made.items = std::move(members);
  return made;
}

void set(Properties& properties, std::string_view name, Value value) {
  for (Property& property : properties) {
    if (property.name != name) continue;
    property.value = std::move(value);
    return;
  }
  properties.push_back({std::string(name), std::move(value)});
}

const Value* find(const Properties& properties, std::string_view name) {
  for (const Property& property : properties)
    if (property.name == name) return &property.value;
  return nullptr;
}

Properties changes(const Properties& present, const Properties& wanted) {
  Properties changed;
  const auto empty_first = [&](const Property& property) {
    // systemd adds to a list; an empty one forgets what was in it.
    const bool list = property.value.type.starts_with("a(");
    if (list) changed.push_back({property.name, unset(property)});
  };
  for (const Property& property : wanted) {
    const Value* before = find(present, property.name);
    if (before && *before == property.value) continue;
    if (before && !property.value.items.empty()) empty_first(property);
    changed.push_back(property);
  }
  for (const Property& property : present)
    if (!find(wanted, property.name)) changed.push_back({property.name, unset(property)});
  return changed;
}

Result<Properties> properties_from(
    const std::vector<std::pair<std::string, std::string>>& annotations) {
  Properties properties;
  for (const auto& [key, text] : annotations) {
    if (!key.starts_with(kPrefix)) continue;
    auto property = property_from(std::string_view(key).substr(kPrefix.size()), text);
    if (!property) return std::move(property).context("annotations[{}]", text::quote(key)).error();
    set(properties, property->name, std::move(property->value));
  }
  return properties;
}

}  // namespace skiff::systemd
