#include "src/linux/systemd/bus.h"

#include <dbus/dbus.h>

#include <bit>
#include <memory>

#include "src/base/text.h"

namespace skiff::systemd {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kBusInterface = "org.freedesktop.DBus";
constexpr const char* kManagerInterface = "org.freedesktop.systemd1.Manager";

struct Unref {
  void operator()(DBusMessage* message) const { ::dbus_message_unref(message); }
};
using Message = std::unique_ptr<DBusMessage, Unref>;

class Failure {
 public:
  Failure() { ::dbus_error_init(&error_); }
  Failure(const Failure&) = delete;
  Failure& operator=(const Failure&) = delete;
  ~Failure() { ::dbus_error_free(&error_); }
  DBusError* get() { return &error_; }
  bool is_set() const { return ::dbus_error_is_set(&error_) != 0; }
  bool is(const char* name) const { return ::dbus_error_has_name(&error_, name) != 0; }

  std::string text() const {
    if (!is_set()) return "no memory";
    return text::one_line(fmt::format("{} ({})", error_.message, error_.name));
  }

  int code() const {
    struct Meaning {
      const char* name;
      int code;
    };
    static constexpr Meaning kMeanings[] = {
        {"org.freedesktop.systemd1.UnitExists", EEXIST},
        {"org.freedesktop.systemd1.NoSuchUnit", ENOENT},
        {"org.freedesktop.systemd1.NoSuchProcess", ESRCH},
        {"org.freedesktop.systemd1.UnixProcessIdUnknown", ESRCH},
        {DBUS_ERROR_UNIX_PROCESS_ID_UNKNOWN, ESRCH},
        {DBUS_ERROR_NO_REPLY, ETIMEDOUT},
        {DBUS_ERROR_TIMEOUT, ETIMEDOUT},
        {DBUS_ERROR_ACCESS_DENIED, EACCES},
        {DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, EACCES},
        {DBUS_ERROR_UNKNOWN_METHOD, ENOSYS},
        {DBUS_ERROR_INVALID_ARGS, EINVAL},
        {DBUS_ERROR_PROPERTY_READ_ONLY, EINVAL},
        {DBUS_ERROR_UNKNOWN_PROPERTY, EINVAL},
        {DBUS_ERROR_DISCONNECTED, ECONNRESET},
    };
    for (const Meaning& meaning : kMeanings)
      if (is(meaning.name)) return meaning.code;
    return 0;
  }

 private:
  DBusError error_;
};

bool append(DBusMessageIter* to, const Value& value);

bool append_basic(DBusMessageIter* to, const Value& value) {
  const int type = static_cast<unsigned char>(value.type.front());
  const auto add = [&](const void* at) {
    return ::dbus_message_iter_append_basic(to, type, at) != 0;
  };
  const char* text = value.text.c_str();
  const auto byte = static_cast<unsigned char>(value.number);
  const auto half = static_cast<dbus_uint16_t>(value.number);
  const auto word = static_cast<dbus_uint32_t>(value.number);
  const auto real = std::bit_cast<double>(value.number);
  switch (type) {
    case DBUS_TYPE_STRING:
      // The library ends the program over a text that is none.
      return ::dbus_validate_utf8(text, nullptr) != 0 && add(&text);
    case DBUS_TYPE_OBJECT_PATH:
      return ::dbus_validate_path(text, nullptr) != 0 && add(&text);
    case DBUS_TYPE_SIGNATURE:
      return ::dbus_signature_validate(text, nullptr) != 0 && add(&text);
    case DBUS_TYPE_BYTE:
      return add(&byte);
    case DBUS_TYPE_INT16:
    case DBUS_TYPE_UINT16:
      return add(&half);
    case DBUS_TYPE_BOOLEAN:
    case DBUS_TYPE_INT32:
    case DBUS_TYPE_UINT32:
      return add(&word);
    case DBUS_TYPE_DOUBLE:
      return add(&real);
    default:
      return add(&value.number);
  }
}

bool append_bytes(DBusMessageIter* to, const std::string& content) {
  const char* data = content.data();
  return ::dbus_message_iter_append_fixed_array(to, DBUS_TYPE_BYTE, static_cast<const void*>(&data),
                                                static_cast<int>(content.size())) != 0;
}

bool append_container(DBusMessageIter* to, const Value& value) {
  const char first = value.type.front();
  const int kind = first == 'a' ? DBUS_TYPE_ARRAY : first == '(' ? DBUS_TYPE_STRUCT : first;
  std::string inner;
  if (kind == DBUS_TYPE_ARRAY) inner = value.type.substr(1);
  if (kind == DBUS_TYPE_VARIANT) inner = value.items.front().type;
  DBusMessageIter below{};
  if (!::dbus_message_iter_open_container(to, kind, inner.empty() ? nullptr : inner.c_str(),
                                          &below))
    return false;
  bool done = value.type != "ay" || append_bytes(&below, value.text);
  for (const Value& item : value.items) done = done && append(&below, item);
  if (done) return ::dbus_message_iter_close_container(to, &below) != 0;
  ::dbus_message_iter_abandon_container(to, &below);
  return false;
}

bool append(DBusMessageIter* to, const Value& value) {
  const char kind = value.type.front();
  return kind == 'a' || kind == '(' || kind == 'v' ? append_container(to, value)
                                                   : append_basic(to, value);
}

/// The value under `at`, if it is a string or a number.
Value read_basic(DBusMessageIter* at) {
  Value value;
  const int type = ::dbus_message_iter_get_arg_type(at);
  if (!::dbus_type_is_basic(type) || type == DBUS_TYPE_UNIX_FD) return value;
  DBusBasicValue basic{};
  ::dbus_message_iter_get_basic(at, &basic);
  value.type = static_cast<char>(type);
  const bool is_text =
      type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH || type == DBUS_TYPE_SIGNATURE;
  if (is_text)
    value.text = basic.str;
  else
    value.number = type == DBUS_TYPE_BOOLEAN || type == DBUS_TYPE_UINT32 ? basic.u32 : basic.u64;
  return value;
}

Value first_value(DBusMessage* message) {
  DBusMessageIter at{};
  if (!::dbus_message_iter_init(message, &at)) return {};
  if (::dbus_message_iter_get_arg_type(&at) != DBUS_TYPE_VARIANT) return read_basic(&at);
  DBusMessageIter inner{};
  ::dbus_message_iter_recurse(&at, &inner);
  return read_basic(&inner);
}

Error no_memory() { return Error::from_code(ENOMEM, "D-Bus message"); }

}  // namespace

Result<Bus> Bus::connect(const Address& address, int milliseconds) {
  // Whether SIGPIPE is ignored is inherited by the container; the library sends without it anyway.
  ::dbus_connection_set_change_sigpipe(0);
  Failure failure;
  DBusConnection* connection =
      ::dbus_connection_open_private(address.address.c_str(), failure.get());
  if (!connection)
    return Error::received(ECONNREFUSED, fmt::format("{}: {}", address.address, failure.text()));
  Bus bus(connection, address.direct, milliseconds);
  if (!address.direct) TRY(bus.greet().context("{}", address.address));
  return bus;
}

Bus::Bus(Bus&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      direct_(other.direct_),
      milliseconds_(other.milliseconds_) {}

Bus::~Bus() {
  if (!connection_) return;
  ::dbus_connection_close(connection_);
  ::dbus_connection_unref(connection_);
}

Result<void> Bus::greet() {
  const Message hello(::dbus_message_new_method_call(kBusInterface, "/org/freedesktop/DBus",
                                                     kBusInterface, "Hello"));
  if (!hello) return no_memory();
  TRY(send(hello.get()).context("Hello"));
  return {};
}

/// The next message; fails when it is not there until the deadline. The library's own ways to wait
/// for an answer wait without one for the other side to read.
Result<DBusMessage*> Bus::receive(std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    if (DBusMessage* message = ::dbus_connection_pop_message(connection_)) return message;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          deadline - std::chrono::steady_clock::now())
                          .count();
    if (left <= 0)
      return Error::received(ETIMEDOUT,
                             fmt::format("no answer within {} s", milliseconds_ / 1000.0));
    if (!::dbus_connection_get_is_connected(connection_))
      return Error::received(ECONNRESET, "the other side hung up");
    ::dbus_connection_read_write(connection_, static_cast<int>(left));
  }
}

Result<Value> Bus::send(DBusMessage* message) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds_);
  dbus_uint32_t serial = 0;
  if (!::dbus_connection_send(connection_, message, &serial)) return no_memory();
  for (;;) {
    const Message answer(TRY(receive(deadline)));
    if (note_job(answer.get())) continue;
    if (::dbus_message_get_reply_serial(answer.get()) != serial) continue;
    Failure failure;
    if (!::dbus_set_error_from_message(failure.get(), answer.get()))
      return first_value(answer.get());
    return Error::received(failure.code(), failure.text());
  }
}

Result<Value> Bus::call(const Call& call) {
  const Message message(::dbus_message_new_method_call(
      kService, call.path.c_str(), call.interface.c_str(), call.method.c_str()));
  if (!message) return no_memory();
  DBusMessageIter arguments{};
  ::dbus_message_iter_init_append(message.get(), &arguments);
  for (const Value& argument : call.arguments)
    if (!append(&arguments, argument))
      return Error::invalid("{}: a text that is not UTF-8, or no memory", call.method);
  return send(message.get()).context("{}", call.method);
}

void Bus::watch_jobs(const std::string& unit) {
  if (direct_) return;  // systemd itself tells everything
  const std::string rule =
      fmt::format("type='signal',sender='{}',interface='{}',member='JobRemoved',arg2='{}'",
                  kService, kManagerInterface, unit);
  // Without an answer: the bus has it before it has the call that makes the job.
  ::dbus_bus_add_match(connection_, rule.c_str(), nullptr);
}

/// Remembers the end of a job, if `message` tells one; it may come before the answer that names it.
bool Bus::note_job(DBusMessage* message) {
  if (!::dbus_message_is_signal(message, kManagerInterface, "JobRemoved")) return false;
  dbus_uint32_t id = 0;
  const char* path = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  if (::dbus_message_get_args(message, nullptr, DBUS_TYPE_UINT32, &id, DBUS_TYPE_OBJECT_PATH, &path,
                              DBUS_TYPE_STRING, &unit, DBUS_TYPE_STRING, &result,
                              DBUS_TYPE_INVALID))
    ended_.emplace_back(path, result);
  return true;
}

Result<std::string> Bus::wait_job(const std::string& job) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds_);
  for (;;) {
    for (const auto& [path, result] : ended_)
      if (path == job) return result;
    ended_.clear();
    auto message = receive(deadline);
    if (!message && message.error().is(ETIMEDOUT))
      return Error::received(ETIMEDOUT,
                             fmt::format("its job is not done after {} s", milliseconds_ / 1000.0));
    const Message owned(TRY(std::move(message)));
    note_job(owned.get());
  }
}

}  // namespace skiff::systemd
