// The conversation between the runtime and its child, and the socket that carries it.
#pragma once

#include <string>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"

namespace skiff::launch {

/// What the runtime (R) and its child (C) say to each other, in this order.
///
///   R: Plan          ->                      descriptors: Handed, below
///                    <- C: MapIds            R writes uid_map and gid_map     } with a
///   R: IdsMapped     ->                                                       } bootstrap
///                    <- C: ContainerPid      pid and pidfd of init; the bootstrap ends}
///   R: Proceed       ->                      init goes on                    }
///                    <- C: RunHooks          R runs prestart, createRuntime   } with
///   R: HooksRan      ->                      body: state for createContainer  } hooks
///                    <- C: Console           descriptor: the pty master, with a terminal
///                    <- C: Ready             R saves its record
///   R: Proceed       ->                      create returns; C listens           } only
///   S: (connects)                            `skiff start` takes R's place       } for create
///   R: Start         ->                      body: state for startContainer
///                    <- C: Executing         all is done but execve(2)
///                    <- C: Listener          descriptor: the filter's listener } with a filter
///   R: Proceed       ->                      R has given it to its agent       } that notifies
///                    <- C: (end of file)     execve has happened
///
/// C may send Failed in place of any message; `expect` turns it into an Error. End
/// of file before Executing means that C died.
enum class Tag : uint32_t {
  Plan = 1,
  MapIds,
  IdsMapped,
  ContainerPid,
  Proceed,
  RunHooks,
  HooksRan,
  Console,
  Ready,
  Start,
  Executing,
  Listener,
  Failed,
};
const char* name(Tag tag);

struct Message {
  Tag tag{};
  std::string body;
  std::vector<Fd> descriptors;
};

/// One end of a connected AF_UNIX stream socket; carries whole messages.
class Channel {
 public:
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}

  /// A pair of connected ends, both close-on-exec.
  static Result<std::pair<Channel, Channel>> pair();

  Result<void> send(Tag tag, std::string_view body = {}, const std::vector<int>& descriptors = {});
  /// Sends Failed with plain write(2), the call that every profile allows: a filter may be loaded.
  void send_failure(const Error& error);

  /// The next message; nullopt at the end of file between messages.
  Result<std::optional<Message>> receive();
  /// The next message, which must be `tag`; Failed becomes its Error.
  Result<Message> expect(Tag tag);
  /// The next message, whatever it is but Failed; end of file is an Error.
  Result<Message> expect_one();

  const Fd& socket() const { return socket_; }

 private:
  Fd socket_;
};

/// The Error that a Failed message carries.
Error decode_failure(std::string_view body);

}  // namespace skiff::launch
