// Roll-back: what has been begun is undone unless it is kept.
#pragma once

#include <utility>

namespace skiff {

/// Runs `action` when it goes out of scope, unless keep() was called.
template <class Action>
class Undo {
 public:
  explicit Undo(Action action) : action_(std::move(action)) {}
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    if (armed_) action_();
  }
  void keep() { armed_ = false; }

 private:
  Action action_;
  bool armed_ = true;
};

}  // namespace skiff
