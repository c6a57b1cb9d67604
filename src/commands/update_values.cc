#include "src/commands/update_values.h"

#include <sys/resource.h>

#include <charconv>
#include <cmath>

#include "src/base/json.h"
#include "src/base/text.h"
#include "src/linux/rlimits.h"

namespace skiff::commands {
namespace {

/// The power of 1024 that `unit` stands for: "", "k", "KB", "MiB".
std::optional<int> power_of(std::string_view unit) {
  const std::string upper = text::upper(text::trim(unit));
  if (upper.empty() || upper == "B") return 0;
  constexpr std::string_view kLetters = "KMGTP";
  const size_t letter = kLetters.find(upper[0]);
  const std::string_view rest = std::string_view(upper).substr(1);
  if (letter == std::string_view::npos || (!rest.empty() && rest != "B" && rest != "IB"))
    return std::nullopt;
  return static_cast<int>(letter) + 1;
}

Result<uint64_t> parse_limit(std::string_view word) {
  if (word == "unlimited" || word == "infinity" || word == "-1") return RLIM_INFINITY;
  if (const auto number = text::parse_unsigned(word)) return *number;
  return Error::invalid("expected a number or unlimited, found {}", text::quote(word));
}

/// `word` in capitals and with `prefix`, which people leave out.
std::string with_prefix(std::string_view prefix, std::string_view word) {
  std::string name = text::upper(word);
  return name.starts_with(prefix) ? name : std::string(prefix) + name;
}

Result<std::optional<int64_t>> parse_device_number(std::string_view word) {
  if (word == "*") return std::optional<int64_t>();
  const auto number = text::parse_unsigned(word);
  if (!number || *number > UINT32_MAX)
    return Error::invalid("expected a number or *, found {}", text::quote(word));
  return std::optional<int64_t>(static_cast<int64_t>(*number));
}

}  // namespace

Result<int64_t> parse_bytes(std::string_view word) {
  if (word == "-1") return int64_t{-1};
  const size_t end = word.find_first_not_of("0123456789.");
  const std::string_view digits = word.substr(0, end);
  const auto power = power_of(end == std::string_view::npos ? "" : word.substr(end));
  double number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number,
                                             std::chars_format::fixed);
  if (!power || error != std::errc() || stop != digits.data() + digits.size())
    return Error::invalid("expected a number of bytes such as 64M, or -1, found {}",
                          text::quote(word));
  // Whole numbers of bytes keep all their digits.
  if (const auto whole = text::parse_unsigned(digits); whole && *power == 0 && *whole <= INT64_MAX)
    return static_cast<int64_t>(*whole);
  const double bytes = number * std::pow(1024, *power);
  if (bytes >= 0x1p63) return Error::invalid("{} are more bytes than there can be", word);
  return static_cast<int64_t>(bytes);
}

Result<spec::DeviceRule> parse_device_rule(std::string_view words) {
  std::vector<std::string_view> parts = text::split(text::trim(words), ' ');
  std::erase(parts, "");
  const Error unclear =
      Error::invalid("expected a rule such as \"c 10:229 rwm\", found {}", text::quote(words));
  if (parts.empty() || parts.size() > 3 || parts[0].size() != 1 ||
      std::string_view("abc").find(parts[0][0]) == std::string_view::npos)
    return unclear;
  spec::DeviceRule rule;
  rule.allow = true;
  rule.type = parts[0][0];
  if (parts.size() > 1) {
    const auto numbers = text::split(parts[1], ':');
    if (numbers.size() != 2) return unclear;
    rule.major = TRY(parse_device_number(numbers[0]));
    rule.minor = TRY(parse_device_number(numbers[1]));
  }
  const std::string_view access = parts.size() > 2 ? parts[2] : "rwm";
  if (access.find_first_not_of("rwm") != std::string_view::npos) return unclear;
  rule.read = access.find('r') != std::string_view::npos;
  rule.write = access.find('w') != std::string_view::npos;
  rule.mknod = access.find('m') != std::string_view::npos;
  return rule;
}

Result<spec::Rlimit> parse_rlimit(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos)
    return Error::invalid("expected TYPE=SOFT[:HARD], found {}", text::quote(word));
  const auto resource = rlimits::number(with_prefix("RLIMIT_", word.substr(0, equals)));
  if (!resource) return Error::invalid("unknown limit {}", text::quote(word.substr(0, equals)));
  const std::string_view values = word.substr(equals + 1);
  const size_t colon = values.find(':');
  spec::Rlimit limit;
  limit.resource = *resource;
  limit.soft = TRY(parse_limit(values.substr(0, colon)));
  limit.hard =
      colon == std::string_view::npos ? limit.soft : TRY(parse_limit(values.substr(colon + 1)));
  if (limit.soft > limit.hard)
    return Error::invalid("{}: the soft limit is above the hard one", text::quote(word));
  return limit;
}

Result<std::string> parse_scheduler(std::string_view word) {
  const std::vector<std::string_view> parts = text::split(word, ',');
  json::Writer out(json::Style::Compact);
  out.begin_object();
  out.field("policy", with_prefix("SCHED_", parts[0]));
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    const std::string_view name = parts[i].substr(0, equals);
    const auto value = equals == std::string_view::npos
                           ? std::nullopt
                           : text::parse_signed(parts[i].substr(equals + 1));
    const bool known = name == "nice" || name == "priority" || name == "runtime" ||
                       name == "deadline" || name == "period";
    if (!known || !value)
      return Error::invalid(
          "expected POLICY, then nice=, priority=, runtime=, deadline= or period=, found {}",
          text::quote(parts[i]));
    out.field(name, *value);
  }
  out.end_object();
  return out.take();
}

Result<std::string> parse_io_priority(std::string_view word) {
  const size_t colon = word.find(':');
  const std::string_view level = colon == std::string_view::npos ? "0" : word.substr(colon + 1);
  const auto number = text::parse_unsigned(level);
  if (!number || *number > 7)
    return Error::invalid("expected CLASS[:LEVEL] with a level from 0 to 7, found {}",
                          text::quote(word));
  json::Writer out(json::Style::Compact);
  out.begin_object();
  out.field("class", with_prefix("IOPRIO_CLASS_", word.substr(0, colon)));
  out.field("priority", *number);
  out.end_object();
  return out.take();
}

}  // namespace skiff::commands
