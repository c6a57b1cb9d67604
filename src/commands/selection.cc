#include "src/commands/selection.h"

#include <regex.h>

#include "src/base/text.h"
#include "src/base/undo.h"

namespace skiff::commands {

Result<std::vector<std::string>> matching(const std::string& pattern,
                                          const std::vector<std::string>& ids) {
  regex_t compiled;
  if (const int code = ::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB); code != 0) {
    char reason[256];
    ::regerror(code, &compiled, reason, sizeof reason);
    return Error::invalid("--regex: {}: {}", text::quote(pattern), reason);
  }
  Undo free_pattern([&] { ::regfree(&compiled); });
  std::vector<std::string> matches;
  for (const std::string& id : ids)
    if (::regexec(&compiled, id.c_str(), 0, nullptr, 0) == 0) matches.push_back(id);
  return matches;
}

Result<void> for_each_match(const container::ContainerStore& store, const std::string& pattern,
                            const std::function<Result<void>(const std::string& id)>& act) {
  const std::vector<std::string> ids = TRY(store.ids());
  std::vector<std::string> failures;
  for (const std::string& id : TRY(matching(pattern, ids)))
    if (auto acted = act(id).context("{}", id); !acted) failures.push_back(acted.error().text());
  if (!failures.empty()) return Error::invalid("{}", text::join(failures, "; "));
  return {};
}

}  // namespace skiff::commands
