// Requests to the kernel's network configuration: rtnetlink(7), no more of it than moving a device
// takes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/fd.h"
#include "src/base/result.h"

struct nlmsghdr;

namespace skiff::rtnetlink {

/// A message under construction: a header of the family's own and attributes.
class Request {
 public:
  /// `type` is RTM_*, `flags` NLM_F_* beyond NLM_F_REQUEST.
  template <class Header>
  Request(uint16_t type, uint16_t flags, const Header& header) : Request(type, flags) {
    append(&header, sizeof header);
  }
  Request& attribute(uint16_t type, const void* value, size_t size);
  Request& attribute(uint16_t type, uint32_t value) {
    return attribute(type, &value, sizeof value);
  }
  /// With the NUL at its end that names have.
  Request& attribute(uint16_t type, const std::string& text) {
    return attribute(type, text.c_str(), text.size() + 1);
  }

 private:
  friend class Socket;
  Request(uint16_t type, uint16_t flags);
  void append(const void* bytes, size_t size);

  std::string bytes_;
};

/// A message received; refers to a buffer of the socket's.
class Reply {
 public:
  explicit Reply(const nlmsghdr& header) : header_(header) {}

  /// The family's own header.
  template <class Header>
  const Header* header() const {
    return static_cast<const Header*>(payload(sizeof(Header)));
  }
  /// The attribute `type` behind `Header`; empty if there is none.
  template <class Header>
  std::string_view attribute(uint16_t type) const {
    return find(sizeof(Header), type);
  }

 private:
  const void* payload(size_t size) const;
  std::string_view find(size_t offset, uint16_t type) const;

  const nlmsghdr& header_;
};

/// A socket of the network namespace it was opened in, whatever the process enters later.
class Socket {
 public:
  /// In the network namespace of this process.
  static Result<Socket> open();
  /// In `network_namespace`, which this (single-threaded) process enters for a moment.
  static Result<Socket> open_in(const Fd& network_namespace);

  /// Sends a request and waits for the kernel's word on it. The error is the kernel's errno.
  Result<void> change(Request request, std::string_view doing);
  /// Sends a request for a list (NLM_F_DUMP) and hands each reply to `visit`.
  Result<void> dump(Request request, std::string_view doing,
                    const std::function<void(const Reply&)>& visit);

 private:
  explicit Socket(Fd socket) : socket_(std::move(socket)) {}
  Result<void> send(Request& request, std::string_view doing);
  Result<bool> receive(std::string_view doing, const std::function<void(const Reply&)>& visit);

  Fd socket_;
  uint32_t sequence_ = 0;
};

}  // namespace skiff::rtnetlink
