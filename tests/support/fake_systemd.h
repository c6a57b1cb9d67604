// A peer that speaks as a bus with systemd on it: one connection at a time, in a thread.
#pragma once

#include <dbus/dbus.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "src/base/fd.h"

namespace tests {

class FakeSystemd {
 public:
  /// What it does other than a systemd that is well.
  struct Manners {
    std::map<std::string, std::vector<std::string>> errors;  // a method's first answers
    std::set<std::string> silent;                            // methods that get no answer
    std::string job_result = "done";                         // "": jobs do not end
    std::set<std::string> hangs_up;                          // methods that end the connection
    std::string state = "active";                            // of units
    bool mute = false;                                       // not even greets
  };

  FakeSystemd(const std::string& path, Manners manners) : manners_(std::move(manners)) {
    listener_ = skiff::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    ::unlink(path.c_str());
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(listener_.get(), 4);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeSystemd() {
    stopping_ = true;
    thread_.join();
  }
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  /// The methods that were called, each with its first text.
  std::vector<std::string> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  void serve() {
    while (!stopping_) {
      pollfd ready = {listener_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 10) <= 0) continue;
      peer_ = skiff::Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      received_.clear();
      greeted_ = false;
      while (!stopping_ && peer_ && receive()) {
      }
    }
  }

  bool receive() {
    pollfd ready = {peer_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 10) <= 0) return true;
    char buffer[4096];
    const ssize_t size = ::read(peer_.get(), buffer, sizeof(buffer));
    if (size <= 0) return false;
    received_.append(buffer, static_cast<size_t>(size));
    if (manners_.mute) return true;
    if (!greeted_) authenticate();
    while (greeted_ && peer_ && take_message()) {
    }
    return static_cast<bool>(peer_);
  }

  void say(const std::string& bytes) {
    (void)!::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  void authenticate() {
    for (size_t end = received_.find("\r\n"); end != std::string::npos;
         end = received_.find("\r\n")) {
      const std::string line = received_.substr(0, end);
      received_.erase(0, end + 2);
      if (line.find("AUTH") != std::string::npos) say("OK 0123456789abcdef0123456789abcdef\r\n");
      if (line == "NEGOTIATE_UNIX_FD") say("AGREE_UNIX_FD\r\n");
      if (line != "BEGIN") continue;
      greeted_ = true;
      return;
    }
  }

  bool take_message() {
    if (received_.size() < 16) return false;
    const int needed =
        ::dbus_message_demarshal_bytes_needed(received_.data(), static_cast<int>(received_.size()));
    if (needed <= 0 || received_.size() < static_cast<size_t>(needed)) return false;
    DBusMessage* call = ::dbus_message_demarshal(received_.data(), needed, nullptr);
    received_.erase(0, static_cast<size_t>(needed));
    if (!call) return false;
    answer(call);
    ::dbus_message_unref(call);
    return true;
  }

  void send(DBusMessage* message) {
    ::dbus_message_set_serial(message, ++serial_);
    char* bytes = nullptr;
    int size = 0;
    ::dbus_message_marshal(message, &bytes, &size);
    say(std::string(bytes, static_cast<size_t>(size)));
    ::dbus_free(bytes);
    ::dbus_message_unref(message);
  }

  void answer(DBusMessage* call) {
    const std::string method = ::dbus_message_get_member(call);
    DBusMessageIter at{};
    const char* first = "";
    const bool has_text = ::dbus_message_iter_init(call, &at) &&
                          ::dbus_message_iter_get_arg_type(&at) == DBUS_TYPE_STRING;
    if (has_text) ::dbus_message_iter_get_basic(&at, &first);
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(method + " " + first);
    }
    if (manners_.hangs_up.count(method) != 0) return peer_.close();
    if (manners_.silent.count(method) != 0) return;
    auto& errors = manners_.errors[method];
    if (!errors.empty()) {
      send(::dbus_message_new_error(call, errors.front().c_str(), "says the fake"));
      errors.erase(errors.begin());
      return;
    }
    const std::string unit = first;
    const bool job = method == "StartTransientUnit" || method == "StopUnit";
    if (method == "Get") {
      const char* name = "";
      ::dbus_message_iter_next(&at);
      ::dbus_message_iter_get_basic(&at, &name);
      return send_property(call, name);
    }
    DBusMessage* reply = ::dbus_message_new_method_return(call);
    const char* path = "/job/7";
    const char* name = ":1.7";
    if (job || method == "GetUnit")
      ::dbus_message_append_args(reply, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
    if (method == "Hello")
      ::dbus_message_append_args(reply, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
    send(reply);
    if (job && !manners_.job_result.empty()) {
      send_job("/job/6", "other.scope", "failed");
      send_job(path, unit, manners_.job_result);
    }
  }

  void send_property(DBusMessage* call, const std::string& name) {
    DBusMessage* reply = ::dbus_message_new_method_return(call);
    DBusMessageIter to{};
    DBusMessageIter variant{};
    const char* value = name == "Version"        ? "252.39-1~deb12u1"
                        : name == "ControlGroup" ? ""
                                                 : manners_.state.c_str();
    ::dbus_message_iter_init_append(reply, &to);
    ::dbus_message_iter_open_container(&to, DBUS_TYPE_VARIANT, "s", &variant);
    ::dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, static_cast<void*>(&value));
    ::dbus_message_iter_close_container(&to, &variant);
    send(reply);
  }

  void send_job(const char* path, const std::string& unit, const std::string& result) {
    DBusMessage* signal = ::dbus_message_new_signal(
        "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved");
    const dbus_uint32_t id = 7;
    const char* name = unit.c_str();
    const char* word = result.c_str();
    ::dbus_message_append_args(signal, DBUS_TYPE_UINT32, &id, DBUS_TYPE_OBJECT_PATH, &path,
                               DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &word, DBUS_TYPE_INVALID);
    send(signal);
  }

  Manners manners_;
  skiff::Fd listener_;
  skiff::Fd peer_;
  std::string received_;
  bool greeted_ = false;
  dbus_uint32_t serial_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::string> calls_;
  std::thread thread_;
};

}  // namespace tests
