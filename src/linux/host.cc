#include "src/linux/host.h"

#include <unistd.h>

namespace skiff {

Result<Host> read_host() {
  Host host;
  host.euid = ::geteuid();
  host.egid = ::getegid();
  host.cgroups = TRY(cgroup::read_layout());
  return host;
}

}  // namespace skiff
