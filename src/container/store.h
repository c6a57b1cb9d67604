// The root directory: one directory per container, named after its id.
//
//   <root>/<id>/state.json    the Record: facts, never a status
//   <root>/<id>/intent.json   the Record as far as it was known before anything was made
//   <root>/<id>/config.json   the configuration as it was at create; what exec starts from
//   <root>/<id>/seccomp.bpf   the compiled filter, for exec; see filter.h
//   <root>/<id>/netns         the network namespace, mounted while devices of the host are in it
//   <root>/<id>/start.sock    init listens here until it has been started
//
// A lock (flock(2) on the directory) serialises create, start, delete, pause, resume and update
// of one id.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"
#include "src/linux/cgroup/cgroup.h"
#include "src/linux/net_devices.h"
#include "src/linux/resctrl.h"
#include "src/spec/spec.h"

namespace skiff::container {

/// What is known of a container; written before what it describes is made, so
/// that a killed create can be cleaned up from it.
struct Record {
  std::string id;
  std::string oci_version;
  std::string bundle;       // absolute
  std::string rootfs;       // absolute
  std::string created;      // RFC 3339, UTC, nanoseconds
  uint32_t owner = 0;       // uid of the creator
  pid_t pid = 0;            // of init, in the creator's pid namespace; 0 until it exists
  uint64_t start_time = 0;  // /proc/PID/stat field 22: tells a reused pid
  bool ready = false;       // create got so far that init only waits for `start`
  cgroup::Paths cgroup;
  spec::StringMap annotations;
  std::vector<spec::Namespace> namespaces;  // as configured
  bool no_new_keyring = false;
  bool has_process = true;  // false: there is nothing that `start` could run
  bool has_seccomp = false;
  std::string listener_path;  // the socket of the agent that notified calls are put to, or ""
  std::string listener_metadata;
  bool has_poststart = false;
  bool has_poststop = false;
  std::vector<net_devices::Device> net_devices;  // in the container's network namespace
  resctrl::Group resctrl;                        // the container's
};

std::string to_json(const Record& record);
Result<Record> record_from_json(std::string json);
/// Only what `list` tells and needs: of the cgroup the directory with the freezer; no namespaces
/// and nothing that is for later commands.
Result<Record> listed_record_from_json(std::string json);

/// 1 to 1024 of [A-Za-z0-9_+.-], neither "." nor "..".
Result<void> check_id(const std::string& id);

/// A container's state directory, open and perhaps locked.
struct StateDir {
  Fd fd;  // O_PATH is not enough: flock(2) needs a real descriptor
  std::string id;
  std::string path;  // for messages
};

class ContainerStore {
 public:
  /// `root` is made absolute; nothing is opened or made yet.
  explicit ContainerStore(const std::string& root);
  const std::string& root() const { return root_; }

  /// Makes the root (0700) unless it is there.
  Result<void> make() const;
  /// Makes the root (0700) and the directory of a new container, locked. Fails with
  /// "container ID already exists".
  Result<StateDir> reserve(const std::string& id) const;
  /// Opens the directory of an existing container: "container does not exist".
  Result<StateDir> open(const std::string& id) const;
  /// The text of the Record of a container whose create was completed, in as few calls as can be.
  /// Fails with ENOENT for any other.
  Result<std::string> peek(const std::string& id) const;
  /// Removes directory and contents; absent is fine.
  Result<void> forget(const StateDir& dir) const;
  /// Ids present, sorted; none if the root does not exist.
  Result<std::vector<std::string>> ids() const;

 private:
  std::string root_;
};

/// Takes the lock, waiting at most `seconds`. Fails with "container does not exist" if the
/// directory was deleted meanwhile, and with "container ID is busy" on time-out.
Result<void> lock(const StateDir& dir, int seconds);

/// Writes a file that does not exist yet, of a container that is not ready yet.
Result<void> write_new_file(const StateDir& dir, const char* name, std::string_view text);
/// Writes the Record under a name that nobody reads. One that was staged before gives way; commit
/// follows.
Result<void> stage(const StateDir& dir, const Record& record);
/// Gives the staged Record its name: from now on it counts.
Result<void> commit(const StateDir& dir);
/// Writes the Record as it is before the container exists: what a killed create leaves for
/// `delete`. Under a name of its own, because replacing a file makes disk file systems write it out
/// at once.
Result<void> save_intent(const StateDir& dir, const Record& record);
/// Writes another configuration under a name that nobody reads; commit_config gives it its own,
/// unstage_config takes it away.
Result<void> stage_config(const StateDir& dir, std::string_view text);
Result<void> commit_config(const StateDir& dir);
void unstage_config(const StateDir& dir);
/// The Record, or the intent. Fails with ENOENT when create has not got that far.
Result<Record> load(const StateDir& dir);

}  // namespace skiff::container
