#include "src/container/sample.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "src/linux/syscalls.h"

namespace skiff::container {
namespace {

constexpr size_t kMostInterfaces = 16u << 20;  // bytes of text

/// The text of a file that was read before, as it is now.
Result<std::string> read_again(const Fd& file) {
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return Error::from_errno("seek net/dev");
  return sys::read_all(file, kMostInterfaces, "net/dev");
}

bool has_own_network(const Record& record) {
  return std::any_of(
      record.namespaces.begin(), record.namespaces.end(),
      [](const spec::Namespace& entry) { return entry.type == spec::NamespaceType::Network; });
}

}  // namespace

Sampler::Sampler(const Record& record) : cgroup_(record.cgroup), resctrl_(record.resctrl) {
  if (!has_own_network(record) || record.pid == 0) return;
  auto file = sys::open(fmt::format("/proc/{}/net/dev", record.pid), O_RDONLY);
  if (file) interfaces_ = *std::move(file);  // else init is gone
}

Result<void> Sampler::take(Sample& sample) const {
  TRY(cgroup::read_stats(cgroup_, sample.cgroup));
  sample.resctrl = resctrl::read_stats(resctrl_);
  if (!interfaces_) return {};
  const std::string text = TRY(read_again(interfaces_));
  sample.interfaces = TRY(network::parse_interfaces(text));
  return {};
}

}  // namespace skiff::container
