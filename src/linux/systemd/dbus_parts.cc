// What libdbus-1.a calls outside of itself and skiff does not want in a static binary; the build
// has it call these instead (dbus_parts.txt).
//
// Only unix sockets are spoken to, by one thread, as oneself. Looking up hosts would link the C
// library's resolver, and looking up users its name service: 120 kB that work only beside the
// shared libraries of the very C library that was linked. The rest is for servers, or for starting
// a bus, and costs another 40 kB. The answer is always that there is no such thing, which the
// library knows how to handle.
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdarg>

#include "src/linux/systemd/manager.h"

extern "C" {

/// The library says with it who it is, and a bus outside of this user namespace knows the caller by
/// another number.
uid_t dbus_parts_geteuid() { return skiff::systemd::caller().outer_uid; }

int dbus_parts_getaddrinfo(const char*, const char*, const addrinfo*, addrinfo** found) {
  *found = nullptr;
  return EAI_FAIL;
}
void dbus_parts_freeaddrinfo(addrinfo*) {}
const char* dbus_parts_gai_strerror(int) { return "only unix sockets are spoken to"; }
int dbus_parts_getnameinfo(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int) {
  return EAI_FAIL;
}
const char* dbus_parts_inet_ntop(int, const void*, char*, socklen_t) {
  errno = EAFNOSUPPORT;
  return nullptr;
}

int dbus_parts_getpwnam_r(const char*, passwd*, char*, size_t, passwd** found) {
  *found = nullptr;
  return 0;
}
int dbus_parts_getpwuid_r(uid_t, passwd*, char*, size_t, passwd** found) {
  *found = nullptr;
  return 0;
}
int dbus_parts_getgrouplist(const char*, gid_t group, gid_t* groups, int* count) {
  if (*count < 1) return -1;
  groups[0] = group;
  *count = 1;
  return 1;
}

int dbus_parts_sd_listen_fds(int) { return 0; }
int dbus_parts_sd_is_socket(int, int, int, int) { return 0; }
void dbus_parts_openlog(const char*, int, int) {}
void dbus_parts_vsyslog(int, int, const char*, va_list) {}
int dbus_parts_execvp(const char*, char* const*) {
  errno = ENOSYS;
  return -1;
}
pid_t dbus_parts_fork() {
  errno = ENOSYS;
  return -1;
}

/// For the path of a socket; the C library has one for each kind of processor.
char* dbus_parts_strncpy(char* to, const char* from, size_t size) {
  size_t at = 0;
  for (; at < size && from[at] != '\0'; ++at) to[at] = from[at];
  for (; at < size; ++at) to[at] = '\0';
  return to;
}

// Nobody else is there to be waited for, so that nothing ever waits.
int dbus_parts_cond_init(pthread_cond_t*, const pthread_condattr_t*) { return 0; }
int dbus_parts_cond_destroy(pthread_cond_t*) { return 0; }
int dbus_parts_cond_signal(pthread_cond_t*) { return 0; }
int dbus_parts_cond_wait(pthread_cond_t*, pthread_mutex_t*) { return 0; }
int dbus_parts_cond_timedwait(pthread_cond_t*, pthread_mutex_t*, const timespec*) {
  return ETIMEDOUT;
}

}  // extern "C"
