#include "src/commands/list.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/log.h"
#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/commands/output.h"
#include "src/commands/values.h"
#include "src/container/listing.h"
#include "src/container/state.h"

namespace skiff::commands {
namespace {

using container::ContainerStore;
using container::Listed;
using container::Status;

constexpr Option kOptions[] = {
    {"format", 'f', "table|json", "how to print them (default table)", check_listing_format},
    {"quiet", 'q', "", "print the ids alone"},
};

/// The containers there are. Others make and delete containers meanwhile: one
/// that vanished is none, and one that cannot be read must not hide the rest.
Result<std::vector<Listed>> look_at_all(const ContainerStore& store) {
  std::vector<Listed> all;
  for (const std::string& id : TRY(store.ids())) {
    Result<Listed> listed = container::look_at(store, id);
    if (listed)
      all.push_back(*std::move(listed));
    else if (store.open(id))
      log::warn("list: {}: {}, ignoring", id, listed.error().text());
  }
  return all;
}

std::string read_passwd() {
  const Fd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  if (!file) return {};  // a host may do without: owners are shown by number
  Result<std::string> text = read_all(file.get());
  return text ? *std::move(text) : std::string();
}

/// The names of owners, most of whom are the same.
class Owners {
 public:
  const std::string& name(uint32_t uid) {
    if (passwd_.empty()) passwd_ = read_passwd();
    if (name_.empty() || uid != uid_) name_ = user_name(uid, passwd_);
    uid_ = uid;
    return name_;
  }

 private:
  std::string passwd_;
  uint32_t uid_ = 0;
  std::string name_;
};

std::string as_table(const std::vector<Listed>& all) {
  Owners owners;
  std::vector<Row> rows = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const Listed& listed : all) {
    const container::Record& record = listed.record;
    const pid_t pid = listed.status == Status::Stopped ? 0 : record.pid;
    rows.push_back({record.id, std::to_string(pid), name(listed.status), record.bundle,
                    record.created, owners.name(record.owner)});
  }
  return format_table(rows);
}

std::string as_json(const std::vector<Listed>& all) {
  Owners owners;
  std::vector<std::string> states;
  states.reserve(all.size());
  for (const Listed& listed : all)
    states.push_back(container::state_json(listed.record, listed.status, true,
                                           owners.name(listed.record.owner)));
  return fmt::format("[{}]\n", text::join(states, ","));
}

Result<void> check_root_exists(const Invocation& call, const ContainerStore& store) {
  // A default root appears with the first container; a wrong --root is a mistake to tell.
  if (call.globals.arguments.get("root") && ::access(store.root().c_str(), F_OK) != 0)
    return Error::from_errno("--root: {}", store.root());
  return {};
}

Result<int> list(const Invocation& call) {
  const ContainerStore store = TRY(call.globals.store());
  TRY(check_root_exists(call, store));
  if (call.arguments.flag("quiet")) {
    std::string ids;
    for (const std::string& id : TRY(store.ids())) ids.append(id).append("\n");
    TRY(print(ids));
    return EXIT_SUCCESS;
  }
  const std::vector<Listed> all = TRY(look_at_all(store));
  TRY(print(call.arguments.get("format") == "json" ? as_json(all) : as_table(all)));
  return EXIT_SUCCESS;
}

std::string cell_text(const std::string& cell) {
  const bool plain = std::none_of(cell.begin(), cell.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return plain ? cell : text::quote(cell);
}

}  // namespace

std::string format_table(const std::vector<Row>& rows) {
  constexpr size_t kGap = 3;
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], cell_text(row[i]).size() + kGap);
  }
  std::string table;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = cell_text(row[i]);
      table += cell;
      if (i + 1 < row.size()) table.append(widths[i] - cell.size(), ' ');
    }
    table += '\n';
  }
  return table;
}

std::string user_name(uint32_t uid, std::string_view passwd) {
  for (const std::string_view line : text::split(passwd, '\n')) {
    const std::vector<std::string_view> fields = text::split(line, ':');
    if (fields.size() > 2 && !fields[0].empty() && text::parse_unsigned(fields[2]) == uid)
      return std::string(fields[0]);
  }
  return fmt::format("{}", uid);
}

constexpr Command kList = {
    .name = "list",
    .synopsis = "",
    .summary = "list the containers of this root directory",
    .details = "",
    .options = kOptions,
    .run = list,
};

}  // namespace skiff::commands
