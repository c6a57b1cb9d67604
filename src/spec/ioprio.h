/// ioprio_set(2)'s numbers. Their header <linux/ioprio.h> is no C++ any more (since Linux 6.5, and
/// in Debian 12 as updated): a parameter there is called `class`.
#pragma once

namespace skiff::ioprio {

inline constexpr int kProcess = 1;       // IOPRIO_WHO_PROCESS
inline constexpr int kProcessGroup = 2;  // IOPRIO_WHO_PGRP

inline constexpr int kRealTime = 1;    // IOPRIO_CLASS_RT
inline constexpr int kBestEffort = 2;  // IOPRIO_CLASS_BE
inline constexpr int kIdle = 3;        // IOPRIO_CLASS_IDLE

/// IOPRIO_PRIO_VALUE
constexpr int value(int io_class, int level) { return io_class << 13 | level; }

}  // namespace skiff::ioprio
