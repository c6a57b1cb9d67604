// A container that exists, and what can be done to it: start, kill, pause, resume, delete.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/container/store.h"

namespace skiff::container {

enum class Status { Creating, Created, Running, Paused, Stopped };
const char* name(Status status);  // "creating", "created", …

/// A loaded container. Its status is derived each time from init's pidfd, the
/// start socket and the freezer; nothing about it is stored.
class Container {
 public:
  /// Fails with "container does not exist". A directory whose create died before
  /// writing a Record loads too: record().pid is 0 and the status Creating or Stopped.
  static Result<Container> load(const ContainerStore& store, const std::string& id);
  /// One whose Record, which changes no more once create is over, is at hand.
  Container(const ContainerStore& store, StateDir dir, Record record)
      : store_(store), dir_(std::move(dir)), record_(std::move(record)) {}

  const Record& record() const { return record_; }
  /// Reads the Record again where it was not complete when it was loaded.
  Result<Status> status();

  /// Releases init; returns once the user's process was exec'ed. poststart hooks run.
  Result<void> start();
  /// Sends `signal` to init; with `all` to every process of the container.
  /// Fails with "container not running" when init is gone.
  Result<void> kill(int signal, bool all);
  Result<void> pause();
  Result<void> resume();
  /// Deletes a stopped container; with `force` kills first whatever lives.
  Result<void> remove(bool force);
  /// Pids of the cgroup tree (or init alone without a cgroup), in the caller's pid namespace.
  Result<std::vector<pid_t>> processes() const;
  /// The configuration as it was at create, with what update changed.
  Result<std::string> stored_config() const;
  /// The stored configuration, decoded but for the rules of linux.seccomp.
  Result<spec::Spec> stored_spec() const;

  const StateDir& dir() const { return dir_; }
  /// Lets go of the lock, if it is held.
  void unlock();
  /// A pidfd of init, or an empty Fd if it is gone (exited, zombie, pid reused).
  Result<Fd> init_pidfd() const;

 private:
  void run_poststop() const;
  Result<void> kill_everything();

  ContainerStore store_;
  StateDir dir_;
  Record record_;
};

}  // namespace skiff::container
