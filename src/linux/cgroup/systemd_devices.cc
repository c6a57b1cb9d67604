#include "src/linux/cgroup/systemd_devices.h"

#include <algorithm>
#include <string>
#include <vector>

#include "src/linux/cgroup/device_filter.h"

namespace skiff::cgroup {
namespace {

/// Since then nodes in /dev/char and /dev/block need not exist to be named.
constexpr unsigned kTakesNumbers = 240;

bool is_about_all(const spec::DeviceRule& rule) {
  return rule.type == 'a' || (!rule.major && !rule.minor);
}
bool matches_same(const spec::DeviceRule& a, const spec::DeviceRule& b) {
  return a.type == b.type && a.major == b.major && a.minor == b.minor;
}
bool is_whole(const spec::DeviceRule& rule) { return rule.read && rule.write && rule.mknod; }

void deny(std::vector<spec::DeviceRule>& allowed, const spec::DeviceRule& denial) {
  for (spec::DeviceRule& rule : allowed) {
    const bool covered = denial.type == 'a' || matches_same(rule, denial) ||
                         (is_about_all(denial) && rule.type == denial.type);
    if (!covered) continue;
    rule.read = rule.read && !denial.read;
    rule.write = rule.write && !denial.write;
    rule.mknod = rule.mknod && !denial.mknod;
  }
  std::erase_if(allowed, [](const spec::DeviceRule& rule) {
    return !rule.read && !rule.write && !rule.mknod;
  });
}

/// What `rules` allow, and perhaps more.
std::vector<spec::DeviceRule> allowed_by(const std::vector<spec::DeviceRule>& rules) {
  std::vector<spec::DeviceRule> allowed;
  for (const spec::DeviceRule& rule : rules) {
    if (!rule.allow) {
      deny(allowed, rule);
      continue;
    }
    const auto same =
        std::find_if(allowed.begin(), allowed.end(),
                     [&](const spec::DeviceRule& present) { return matches_same(present, rule); });
    if (same == allowed.end()) {
      allowed.push_back(rule);
      continue;
    }
    same->read |= rule.read;
    same->write |= rule.write;
    same->mknod |= rule.mknod;
  }
  return allowed;
}

/// What systemd calls the devices of a rule for characters ('c') or blocks.
std::string specifier(const spec::DeviceRule& rule, char type) {
  const std::string kind = type == 'b' ? "block" : "char";
  if (!rule.major) return kind + "-*";
  if (!rule.minor) return fmt::format("{}-{}", kind, *rule.major);
  return fmt::format("/dev/{}/{}:{}", kind, *rule.major, *rule.minor);
}

/// One entry for each name, as a later one takes the place of an earlier.
void add_access(systemd::Value& list, const std::string& name, const spec::DeviceRule& rule) {
  std::string* access = nullptr;
  for (systemd::Value& entry : list.items)
    if (entry.items[0].text == name) access = &entry.items[1].text;
  if (!access) {
    list.items.push_back(systemd::structure({systemd::string(name), systemd::string("")}));
    access = &list.items.back().items[1].text;
  }
  std::string both;
  const auto add = [&](bool is_set, char letter) {
    if (is_set || access->find(letter) != std::string::npos) both += letter;
  };
  add(rule.read, 'r');
  add(rule.write, 'w');
  add(rule.mknod, 'm');
  *access = std::move(both);
}

}  // namespace

Result<void> put_devices(systemd::Properties& to, const spec::Resources& resources,
                         const UnitFacts& facts) {
  const auto rules = TRY(device_rules(resources.devices));
  // Only the host's root can load programs.
  if (facts.is_user || facts.version < kTakesNumbers) return {};
  const auto allowed = allowed_by(rules);
  const bool everything = std::any_of(allowed.begin(), allowed.end(), [](const auto& rule) {
    return rule.type == 'a' && is_whole(rule);
  });
  systemd::Value list = systemd::array("(ss)", {});
  for (const spec::DeviceRule& rule : allowed) {
    if (everything) break;
    for (const char type : {'c', 'b'})
      if (rule.type == 'a' || rule.type == type) add_access(list, specifier(rule, type), rule);
  }
  set(to, "DevicePolicy", systemd::string(everything ? "auto" : "strict"));
  set(to, "DeviceAllow", std::move(list));
  return {};
}

}  // namespace skiff::cgroup
