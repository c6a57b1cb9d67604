// A connection to systemd over D-Bus, and the calls made over it. Every wait has a deadline.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/linux/systemd/property.h"

struct DBusConnection;
struct DBusMessage;

namespace skiff::systemd {

/// Where systemd, or a bus that it is on, listens.
struct Address {
  std::string address;  // as D-Bus writes them: "unix:path=/run/dbus/system_bus_socket"
  bool direct = false;  // systemd itself, no bus between
};

struct Call {
  std::string path = "/org/freedesktop/systemd1";
  std::string interface = "org.freedesktop.systemd1.Manager";
  std::string method;
  std::vector<Value> arguments;
};

/// One connection. Nothing of libdbus runs before there is one. Errors of the other side have
/// the errno value that says the same, where there is one: EEXIST for a unit that exists, ENOENT
/// for one that does not, ETIMEDOUT, EACCES, ENOSYS, EINVAL; else 0.
class Bus {
 public:
  /// `milliseconds` bound each call, and the greeting.
  static Result<Bus> connect(const Address& address, int milliseconds);
  Bus(Bus&& other) noexcept;
  Bus& operator=(Bus&&) = delete;
  ~Bus();

  /// The first value of the answer, out of its variant; an empty one if there is none or it is
  /// neither a string nor a number.
  Result<Value> call(const Call& call);
  /// From now on the ends of jobs about `unit` are told.
  void watch_jobs(const std::string& unit);
  /// Waits for the end of the job that a call has named: "done", "failed", "timeout"…
  Result<std::string> wait_job(const std::string& job);

 private:
  Bus(DBusConnection* connection, bool direct, int milliseconds)
      : connection_(connection), direct_(direct), milliseconds_(milliseconds) {}
  Result<void> greet();
  Result<DBusMessage*> receive(std::chrono::steady_clock::time_point deadline);
  Result<Value> send(DBusMessage* message);
  bool note_job(DBusMessage* message);

  DBusConnection* connection_;
  bool direct_;
  int milliseconds_;
  std::vector<std::pair<std::string, std::string>> ended_;  // jobs, and how
};

}  // namespace skiff::systemd
