// systemd, as far as making and ending units goes (org.freedesktop.systemd1(5)).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/linux/systemd/bus.h"
#include "src/linux/systemd/property.h"

namespace skiff::systemd {

/// As whom this process speaks.
struct Caller {
  bool is_user = false;  // not the host's root: its own systemd is asked, not the system's
  uid_t outer_uid = 0;   // the effective user as known outside of this user namespace
};
Caller caller();

/// Where systemd may be reached, in the order in which it is to be tried: where the variable of
/// the environment says and nowhere else, else the bus, else systemd's private socket. `is_there`
/// tells whether a path exists.
struct Surroundings {
  Caller caller;
  std::string bus_address;  // DBUS_SYSTEM_BUS_ADDRESS, for users DBUS_SESSION_BUS_ADDRESS
  std::string runtime_dir;  // XDG_RUNTIME_DIR
};
std::vector<Address> addresses(const Surroundings& surroundings);

/// systemd's own facts.
struct Facts {
  unsigned version = 0;       // 252; 0 if it tells nothing that begins with a number
  std::string control_group;  // below which its units are, "" for the hierarchy's root
};

/// A manager of units. Errors begin with "systemd: " and name the unit and the call.
class Manager {
 public:
  /// The caller's, for which a connection is made. Fails if there is none.
  static Result<Manager> connect();
  explicit Manager(Bus bus) : bus_(std::move(bus)) {}

  Result<Facts> facts();
  /// Makes the unit, starts it, and waits until it is.
  Result<void> start(const std::string& unit, const Properties& properties);
  /// Stops the unit and waits until it is stopped; one that failed is forgotten. A unit that does
  /// not exist is fine.
  Result<void> stop(const std::string& unit);
  /// Sets properties until the unit ends; they are in effect when this returns.
  Result<void> set(const std::string& unit, const Properties& properties);
  /// Moves a process of the caller's into the unit, to its cgroup `below` ("" or "/sub").
  Result<void> attach(const std::string& unit, const std::string& below, pid_t pid);
  /// "active", "failed"…; "" if there is no such unit.
  Result<std::string> state_of(const std::string& unit);

 private:
  Result<std::string> property(const std::string& name);
  Result<void> finish(const std::string& unit, Call call);
  Result<void> reset(const std::string& unit);

  Bus bus_;
};

}  // namespace skiff::systemd
