// A terminal as a person would sit at: the master side of a pseudo-terminal.
#pragma once

#include <string>
#include <string_view>

#include "src/base/fd.h"

namespace tests {

class Terminal {
 public:
  explicit Terminal(unsigned short rows = 24, unsigned short columns = 80);
  /// A master that came from elsewhere (a console socket).
  explicit Terminal(skiff::Fd master);

  int master() const { return master_.get(); }
  int slave() const { return slave_.get(); }
  void resize(unsigned short rows, unsigned short columns) const;
  void type(std::string_view keys) const;
  /// Reads until `text` appears on the screen or time runs out.
  bool shows(std::string_view text, double seconds = 10);
  /// Reads until the other side is closed or time runs out.
  void drain(double seconds = 20);
  /// Everything read so far, "\r\n" as it came.
  const std::string& screen() const { return screen_; }
  /// True if the line discipline edits and echoes, as it does outside of raw mode.
  bool cooked() const;
  /// From here on only the other side holds the slave, so that drain() can see its end.
  void close_slave() { slave_.close(); }

 private:
  bool read_some(int milliseconds);

  skiff::Fd master_;
  skiff::Fd slave_;
  std::string screen_;
};

/// Listens at an AF_UNIX path and receives one descriptor sent to it, as an engine does for
/// --console-socket.
class ConsoleSocket {
 public:
  explicit ConsoleSocket(const std::string& path);
  /// Waits for the descriptor; empty when time ran out.
  skiff::Fd receive(double seconds = 10);
  /// The payload that came with it.
  const std::string& name() const { return name_; }

 private:
  skiff::Fd listener_;
  std::string name_;
};

}  // namespace tests
