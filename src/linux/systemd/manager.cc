#include "src/linux/systemd/manager.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff::systemd {
namespace {

/// How long one call may take: systemd answers within milliseconds, unless it is stuck.
constexpr int kDeadlineMs = 30000;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

/// `uid` as the user namespace above this one knows it, and whether there is one.
struct Outside {
  uid_t uid = 0;
  bool is_other = false;
};

Outside outside(uid_t uid, std::string_view uid_map) {
  for (const std::string_view line : text::split(text::trim(uid_map), '\n')) {
    std::vector<uint64_t> numbers;
    for (const std::string_view word : text::split(line, ' '))
      if (const auto number = text::parse_unsigned(word)) numbers.push_back(*number);
    if (numbers.size() != 3 || uid < numbers[0] || uid - numbers[0] >= numbers[2]) continue;
    return {static_cast<uid_t>(numbers[1] + (uid - numbers[0])), numbers[2] != UINT32_MAX};
  }
  return {uid, false};
}

Value property_list(const Properties& properties) {
  std::vector<Value> list;
  for (const Property& property : properties) {
    Value variant;
    variant.type = "v";
    variant.items = {property.value};
    list.push_back(structure({string(property.name), variant}));
  }
  return array("(sv)", std::move(list));
}

}  // namespace

Caller caller() {
  const uid_t uid = ::geteuid();
  const auto file = sys::open("/proc/self/uid_map", O_RDONLY);
  if (!file) return {uid != 0, uid};
  const auto map = sys::read_all(*file, 65536, "/proc/self/uid_map");
  if (!map) return {uid != 0, uid};
  const Outside found = outside(uid, *map);
  return {uid != 0 || found.is_other, found.uid};
}

std::vector<Address> addresses(const Surroundings& around) {
  if (!around.bus_address.empty()) return {{around.bus_address, false}};
  std::string run = around.runtime_dir;
  if (around.caller.is_user) {
    if (run.empty()) run = fmt::format("/run/user/{}", around.caller.outer_uid);
    return {{"unix:path=" + run + "/bus", false}, {"unix:path=" + run + "/systemd/private", true}};
  }
  return {{"unix:path=/run/dbus/system_bus_socket", false},
          {"unix:path=/run/systemd/private", true}};
}

Result<Manager> Manager::connect() {
  Surroundings around;
  around.caller = caller();
  const bool user = around.caller.is_user;
  around.bus_address = environment(user ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS");
  around.runtime_dir = environment("XDG_RUNTIME_DIR");
  const auto candidates = addresses(around);
  constexpr std::string_view kPath = "unix:path=";
  for (const Address& candidate : candidates) {
    const bool sure = candidates.size() == 1;
    if (!sure && !is_there(candidate.address.substr(kPath.size()))) continue;
    auto bus = Bus::connect(candidate, kDeadlineMs);
    if (!bus)
      return std::move(bus)
          .context("systemd: connect to the {} bus", user ? "user" : "system")
          .error();
    return Manager(*std::move(bus));
  }
  return Error::invalid("systemd: there is no {} bus: no {}", user ? "user" : "system",
                        candidates.front().address.substr(kPath.size()))
      .with_hint(user ? "--cgroup-manager cgroupfs, or a login session with a systemd of its own"
                      : "--cgroup-manager cgroupfs where systemd does not run");
}

Result<std::string> Manager::property(const std::string& name) {
  Call call;
  call.interface = "org.freedesktop.DBus.Properties";
  call.method = "Get";
  call.arguments = {string("org.freedesktop.systemd1.Manager"), string(name)};
  const Value value = TRY(bus_.call(call).context("systemd: property {} of the manager", name));
  return value.text;
}

Result<Facts> Manager::facts() {
  Facts facts;
  std::string version = TRY(property("Version"));  // "252.39-1~deb12u1", long ago "systemd 219"
  const size_t digits = version.find_first_of("0123456789");
  if (digits != std::string::npos) {
    const size_t end = version.find_first_not_of("0123456789", digits);
    const auto number = text::parse_unsigned(version.substr(digits, end - digits));
    facts.version = static_cast<unsigned>(number.value_or(0));
  }
  facts.control_group = TRY(property("ControlGroup"));
  return facts;
}

Result<void> Manager::finish(const std::string& unit, Call call) {
  bus_.watch_jobs(unit);
  const Value job = TRY(bus_.call(call));
  const std::string result = TRY(bus_.wait_job(job.text).context("{}", call.method));
  if (result == "done") return {};
  return Error::invalid("{}: its job ended with {}", call.method, text::quote(result))
      .with_hint(fmt::format("journalctl --unit {} may know more", unit));
}

Result<void> Manager::start(const std::string& unit, const Properties& properties) {
  Call call;
  call.method = "StartTransientUnit";
  call.arguments = {string(unit), string("fail"), property_list(properties), array("(sa(sv))", {})};
  return finish(unit, std::move(call)).context("systemd: unit {}", unit);
}

Result<void> Manager::reset(const std::string& unit) {
  Call call;
  call.method = "ResetFailedUnit";
  call.arguments = {string(unit)};
  auto answer = bus_.call(call);
  if (!answer && !answer.error().is(ENOENT)) return std::move(answer).error();
  return {};
}

Result<void> Manager::stop(const std::string& unit) {
  Call call;
  call.method = "StopUnit";
  call.arguments = {string(unit), string("replace")};
  auto stopped = finish(unit, std::move(call));
  if (!stopped && !stopped.error().is(ENOENT))
    return std::move(stopped).context("systemd: unit {}", unit);
  if (!stopped) return {};
  return reset(unit).context("systemd: unit {}", unit);
}

Result<void> Manager::set(const std::string& unit, const Properties& properties) {
  if (properties.empty()) return {};
  Call call;
  call.method = "SetUnitProperties";
  call.arguments = {string(unit), boolean(true), property_list(properties)};
  TRY(bus_.call(call).context("systemd: unit {}", unit));
  // The answer comes before the cgroup is written to, which systemd does before it reads another
  // message.
  TRY(property("Version"));
  return {};
}

Result<void> Manager::attach(const std::string& unit, const std::string& below, pid_t pid) {
  Call call;
  call.method = "AttachProcessesToUnit";
  call.arguments = {string(unit), string(below),
                    array("u", {unsigned32(static_cast<uint32_t>(pid))})};
  TRY(bus_.call(call).context("systemd: unit {}", unit));
  return {};
}

Result<std::string> Manager::state_of(const std::string& unit) {
  Call call;
  call.method = "GetUnit";
  call.arguments = {string(unit)};
  const auto path = bus_.call(call);
  if (!path && path.error().is(ENOENT)) return std::string();
  if (!path) return path.error();
  call.path = path->text;
  call.interface = "org.freedesktop.DBus.Properties";
  call.method = "Get";
  call.arguments = {string("org.freedesktop.systemd1.Unit"), string("ActiveState")};
  auto state = bus_.call(call);
  if (!state && !state.error().is(0) && !state.error().is(ETIMEDOUT)) return std::string();
  return TRY(std::move(state).context("systemd: unit {}", unit)).text;
}

}  // namespace skiff::systemd
