#include "src/linux/capabilities.h"

#include <sys/capability.h>

#include "src/spec/capability.h"

namespace skiff::capabilities {

std::optional<unsigned> number(std::string_view name) { return spec::capability_number(name); }

std::string name(unsigned number) { return spec::capability_name(number); }

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  // A kernel newer than libcap has capabilities that have no name here.
  for (unsigned n = 0; n < static_cast<unsigned>(::cap_max_bits()) && n <= CAP_LAST_CAP; ++n)
    names.push_back(spec::capability_name(n));
  return names;
}

}  // namespace skiff::capabilities
