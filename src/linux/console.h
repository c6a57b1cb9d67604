// Pseudo-terminals: made inside the container, handed to the outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::console {

struct Pty {
  Fd master;
  Fd slave;
};

/// Opens a new pseudo-terminal through `ptmx`, an O_PATH or O_RDWR-openable path taken relative to
/// `devpts` (the container's /dev/pts directory): verified to be the ptmx of a devpts
/// instance (char 5:2 on DEVPTS_SUPER_MAGIC, CVE-2025-52565); the slave through TIOCGPTPEER,
/// never by name. Both ends O_NOCTTY|O_CLOEXEC.
Result<Pty> open_pty(const Fd& devpts);
/// As open_pty, from this process's own /dev/ptmx.
Result<Pty> open_host_pty();

/// rows and columns of the terminal; errors of fds that are no terminal are returned.
Result<void> set_size(const Fd& terminal, uint16_t rows, uint16_t columns);

/// Makes `slave` this process's controlling terminal and stdin, stdout and stderr.
/// The process must be a session leader without a terminal.
Result<void> adopt(const Fd& slave);

/// Connects to the AF_UNIX stream socket at `path` (of any length: through
/// /proc/self/fd/N of its directory) with close-on-exec.
Result<Fd> connect_socket(const std::string& path);
/// Sends `fd` over `socket` in one message with `payload` (SCM_RIGHTS); how much of that was taken:
/// all, if it is short.
Result<size_t> send_fd(const Fd& socket, int fd, std::string_view payload);

}  // namespace skiff::console
