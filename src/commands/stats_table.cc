#include "src/commands/stats_table.h"

#include <algorithm>

#include "src/base/json.h"

namespace skiff::commands {
namespace {

constexpr size_t kColumns = 7;
constexpr size_t kGap = 2;
using Cells = std::string[kColumns];

/// "12.34"
std::string decimal(uint64_t hundredths) {
  std::string text = std::to_string(hundredths / 100) + '.';
  text += static_cast<char>('0' + hundredths / 10 % 10);
  text += static_cast<char>('0' + hundredths % 10);
  return text;
}

/// Per cent in at most five characters: "0.25", "99.9", "100", "12800".
std::string short_percentage(uint64_t hundredths) {
  std::string text = decimal(hundredths);
  if (text.size() > 4) text.pop_back();
  if (text.size() > 4) text.resize(text.size() - 2);
  return text;
}

/// Of the memory limit, in hundredths of a per cent; above 2^50 bytes in whole per cent.
uint64_t share(uint64_t part, uint64_t whole) {
  if (whole == 0) return 0;
  return part < uint64_t{1} << 50 ? part * 10'000 / whole : part / (whole / 100 + 1) * 100;
}

std::string pair_of(const std::string& first, const std::string& second) {
  return first + '/' + second;
}

void fill(const Consumption& of, Cells& cells) {
  cells[1] = short_percentage(of.cpu_hundredths);
  const auto limit = of.memory_limit;
  cells[2] = pair_of(short_amount(of.memory), limit ? short_amount(*limit) : "-");
  cells[3] = limit ? short_percentage(share(of.memory, *limit)) : "-";
  cells[4] = pair_of(short_amount(of.read), short_amount(of.written));
  cells[5] = pair_of(std::to_string(of.pids), of.pids_limit ? short_amount(*of.pids_limit) : "-");
  cells[6] = pair_of(short_amount(of.received), short_amount(of.sent));
}

void append_line(std::string& table, const Cells& cells, const size_t (&widths)[kColumns]) {
  for (size_t i = 0; i < kColumns; ++i) {
    const size_t blank = widths[i] - std::min(widths[i], cells[i].size());
    if (i == 0)
      table.append(cells[i]).append(blank, ' ');  // the others' numbers are flush right
    else
      table.append(blank + kGap, ' ').append(cells[i]);
  }
  table += '\n';
}

}  // namespace

std::string short_amount(uint64_t bytes) {
  constexpr std::string_view kUnits = "KMGTPE";
  if (bytes < 1000) return std::to_string(bytes);
  size_t unit = 0;
  uint64_t tenths = bytes;  // of the unit; below, so that nothing overflows
  for (; tenths >= uint64_t{1000} * 1024 && unit + 1 < kUnits.size(); ++unit) tenths /= 1024;
  tenths = tenths * 10 / 1024;
  std::string text = std::to_string(tenths / 10);
  if (tenths < 100) text.append(1, '.').append(1, static_cast<char>('0' + tenths % 10));
  return text + kUnits[unit];
}

std::string short_id(const std::string& id, size_t width) {
  constexpr size_t kShortDigest = 12;
  if (id.size() <= width) return id;
  const bool digest =
      id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (digest) return id.substr(0, std::min(width, kShortDigest));
  const size_t tail = (width - 1) / 2;
  return id.substr(0, width - 1 - tail) + '~' + id.substr(id.size() - tail);
}

std::string stats_table(const std::vector<Consumption>& all, size_t width) {
  constexpr size_t kNarrowest = 80;
  constexpr size_t kShortestId = 8;
  const Cells titles = {"ID", "CPU%", "MEM/LIMIT", "MEM%", "READ/WRITE", "PIDS", "RX/TX"};
  size_t widths[kColumns];
  for (size_t i = 0; i < kColumns; ++i) widths[i] = titles[i].size();
  Cells cells;
  for (const Consumption& of : all) {
    fill(of, cells);
    for (size_t i = 1; i < kColumns; ++i) widths[i] = std::max(widths[i], cells[i].size());
    widths[0] = std::max(widths[0], of.id.size());
  }
  size_t others = 0;
  for (size_t i = 1; i < kColumns; ++i) others += kGap + widths[i];
  const size_t room = std::max(width, kNarrowest) - others;
  widths[0] = std::min(widths[0], std::max(room, kShortestId));
  std::string table;
  append_line(table, titles, widths);
  for (const Consumption& of : all) {
    fill(of, cells);
    cells[0] = short_id(of.id, widths[0]);
    append_line(table, cells, widths);
  }
  return table;
}

std::string stats_json(const std::vector<Consumption>& all) {
  json::Writer out(json::Style::Compact);
  const auto limit = [&](std::string_view name, const std::optional<uint64_t>& value) {
    out.key(name);
    value ? out.value(*value) : out.null();
  };
  out.begin_array();
  for (const Consumption& of : all) {
    out.begin_object();
    out.field("id", of.id);
    out.key("cpuPercent");
    out.raw(decimal(of.cpu_hundredths));
    out.field("memory", of.memory);
    limit("memoryLimit", of.memory_limit);
    out.field("ioRead", of.read);
    out.field("ioWrite", of.written);
    out.field("pids", of.pids);
    limit("pidsLimit", of.pids_limit);
    out.field("networkRx", of.received);
    out.field("networkTx", of.sent);
    out.end_object();
  }
  out.end_array();
  return out.take() + '\n';
}

}  // namespace skiff::commands
