// One description, two shapes: indented lines and JSON. What has nothing to say is left out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skiff::launch {

class Sheet {
 public:
  using Row = std::vector<std::pair<std::string_view, std::string>>;

  virtual ~Sheet() = default;

  virtual void begin(std::string_view name) = 0;
  virtual void end() = 0;
  /// "" is left out.
  virtual void field(std::string_view name, std::string_view value) = 0;
  virtual void field(std::string_view name, uint64_t value) = 0;
  /// false is left out.
  virtual void flag(std::string_view name, bool value) = 0;
  /// None are left out.
  virtual void list(std::string_view name, const std::vector<std::string>& items) = 0;
  /// Objects of strings, a line each; blank members are left out.
  virtual void table(std::string_view name, const std::vector<Row>& rows) = 0;
  /// The finished text, with a newline at its end.
  virtual std::string take() = 0;
};

std::unique_ptr<Sheet> text_sheet();
std::unique_ptr<Sheet> json_sheet();

}  // namespace skiff::launch
