// The options that create and run share.
#pragma once

#include "src/commands/command.h"
#include "src/commands/values.h"
#include "src/container/create.h"

namespace skiff::commands {

inline constexpr std::array<Option, 9> kCreateOptions = {{
    {"bundle", 'b', "DIR", "the bundle's directory (default .)", check_not_empty},
    {"config", 'f', "FILE", "configuration, relative to the bundle (default config.json)",
     check_not_empty},
    {"console-socket", 0, "SOCKET", "send the terminal's master end to this UNIX socket"},
    {"pidfd-socket", 0, "SOCKET", "send a pidfd of the init process to this UNIX socket"},
    {"pid-file", 0, "FILE", "write the init process's pid to FILE"},
    {"no-pivot", 0, "", "change the root without pivot_root(2), as a ramdisk needs"},
    {"no-new-keyring", 0, "", "keep the caller's session keyring"},
    {"preserve-fds", 0, "N", "pass descriptors 3 to N+2 on to the container",
     check_descriptor_count},
    {"no-subreaper", 0, "", "do not adopt the orphans of a detached container (run only)"},
}};

Result<container::CreateOptions> create_options(const Invocation& call);

}  // namespace skiff::commands
