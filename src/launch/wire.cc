#include "src/launch/wire.h"

#include <cstring>
#include <type_traits>

namespace skiff::launch {
namespace {

// One list of fields serves both directions: `fields(archive, value)` names them once.

class Encoder {
 public:
  template <class T>
  void operator()(const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    } else {
      write(value);
    }
  }
  std::string take() { return std::move(bytes_); }

 private:
  void write(const std::string& text) {
    (*this)(static_cast<uint32_t>(text.size()));
    bytes_ += text;
  }
  template <class T>
  void write(const std::vector<T>& items) {
    (*this)(static_cast<uint32_t>(items.size()));
    for (const T& item : items) (*this)(item);
  }
  template <class T>
  void write(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) (*this)(*value);
  }
  template <class A, class B>
  void write(const std::pair<A, B>& value) {
    (*this)(value.first);
    (*this)(value.second);
  }
  template <class T>
  void write(const T& value) {
    fields(*this, const_cast<T&>(value));
  }

  std::string bytes_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  void operator()(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      uint8_t byte = 0;
      (*this)(byte);
      value = byte != 0;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      if (!take(sizeof value)) return;
      std::memcpy(&value, taken_.data(), sizeof value);
    } else {
      read(value);
    }
  }
  /// Every byte was used and none was missing.
  bool finished() const { return !failed_ && bytes_.empty(); }

 private:
  bool take(size_t size) {
    failed_ = failed_ || size > bytes_.size();
    if (failed_) return false;
    taken_ = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }
  void read(std::string& text) {
    uint32_t size = 0;
    (*this)(size);
    if (take(size)) text.assign(taken_);
  }
  template <class T>
  void read(std::vector<T>& items) {
    uint32_t size = 0;
    (*this)(size);
    // An item takes a byte at least: a size beyond the bytes left is a lie.
    failed_ = failed_ || size > bytes_.size();
    if (failed_) return;
    items.resize(size);
    for (T& item : items) (*this)(item);
  }
  template <class T>
  void read(std::optional<T>& value) {
    bool present = false;
    (*this)(present);
    if (present) (*this)(value.emplace());
  }
  template <class A, class B>
  void read(std::pair<A, B>& value) {
    (*this)(value.first);
    (*this)(value.second);
  }
  template <class T>
  void read(T& value) {
    fields(*this, value);
  }

  std::string_view bytes_;
  std::string_view taken_;
  bool failed_ = false;
};

template <class Archive, class... Fields>
void list(Archive& archive, Fields&... each) {
  (archive(each), ...);
}

template <class Archive>
void fields(Archive& a, spec::Namespace& v) {
  list(a, v.type, v.path);
}
template <class Archive>
void fields(Archive& a, spec::TimeOffset& v) {
  list(a, v.clock, v.seconds, v.nanoseconds);
}
template <class Archive>
void fields(Archive& a, spec::MemoryPolicy& v) {
  list(a, v.mode, v.nodes);
}
template <class Archive>
void fields(Archive& a, NamespacePlan& v) {
  list(a, v.at_clone, v.at_bootstrap, v.bootstrap, v.network_apart, v.new_cgroup, v.joins,
       v.join_by_pidfd, v.time_offsets);
}
template <class Archive>
void fields(Archive& a, spec::IdMapping& v) {
  list(a, v.container_id, v.host_id, v.size);
}
template <class Archive>
void fields(Archive& a, IdMapPlan& v) {
  list(a, v.recursive, v.joined, v.uids, v.gids);
}
template <class Archive>
void fields(Archive& a, MountPlan& v) {
  list(a, v.kind, v.index, v.destination, v.type, v.source, v.flags, v.cleared, v.tree_flags,
       v.tree_cleared, v.propagation, v.data, v.label, v.plain_directory, v.must_be_proc,
       v.read_only_later, v.over_root, v.detached, v.copy_up, v.copy_symlink, v.source_nofollow,
       v.target_nofollow, v.source_sent, v.idmap);
}
template <class Archive>
void fields(Archive& a, DevicePlan& v) {
  list(a, v.index, v.path, v.type, v.major, v.minor, v.mode, v.uid, v.gid);
}
template <class Archive>
void fields(Archive& a, RootfsPlan& v) {
  list(a, v.path, v.readonly, v.no_pivot, v.host_propagation, v.final_propagation,
       v.shares_host_mounts, v.root_sent, v.mounts, v.make_devices, v.bind_devices, v.devices,
       v.masked_paths, v.readonly_paths);
}
template <class Archive>
void fields(Archive& a, spec::ConsoleSize& v) {
  list(a, v.height, v.width);
}
template <class Archive>
void fields(Archive& a, spec::Capabilities& v) {
  list(a, v.bounding, v.effective, v.permitted, v.inheritable, v.ambient);
}
template <class Archive>
void fields(Archive& a, spec::Rlimit& v) {
  list(a, v.resource, v.soft, v.hard);
}
template <class Archive>
void fields(Archive& a, spec::Scheduler& v) {
  list(a, v.policy, v.nice, v.priority, v.flags, v.runtime, v.deadline, v.period);
}
template <class Archive>
void fields(Archive& a, spec::IoPriority& v) {
  list(a, v.io_class, v.level);
}
template <class Archive>
void fields(Archive& a, spec::Hook& v) {
  list(a, v.path, v.args, v.env, v.timeout);
}
template <class Archive>
void fields(Archive& a, sock_filter& v) {
  list(a, v.code, v.jt, v.jf, v.k);
}
template <class Archive>
void fields(Archive& a, seccomp::Program& v) {
  list(a, v.instructions, v.flags, v.notifies);
}
template <class Archive>
void fields(Archive& a, ProcessPlan& v) {
  list(a, v.terminal, v.console_size, v.console_device, v.uid, v.gid, v.groups, v.set_groups,
       v.keep_groups, v.umask, v.cwd, v.args, v.env, v.capabilities, v.no_new_privileges,
       v.personality, v.memory_policy, v.rlimits, v.oom_score_adj, v.scheduler, v.io_priority,
       v.apparmor_profile, v.selinux_label, v.keyring, v.preserve_fds, v.seccomp, v.keep_sys_admin);
}
template <class Archive>
void fields(Archive& a, LaunchPlan& v) {
  list(a, v.id, v.namespaces, v.rootfs, v.hostname, v.domainname, v.bring_up_loopback, v.sysctl,
       v.runtime_hooks, v.create_container, v.start_container, v.hook_stdout, v.hook_stderr,
       v.process, v.start_socket, v.log_level, v.log_json);
}

}  // namespace

std::string encode(const LaunchPlan& plan) {
  Encoder encoder;
  encoder(plan);
  return encoder.take();
}

Result<LaunchPlan> decode(std::string_view bytes) {
  Decoder decoder(bytes);
  LaunchPlan plan;
  decoder(plan);
  if (!decoder.finished())
    return Error::invalid("protocol: malformed plan of {} bytes", bytes.size());
  return plan;
}

}  // namespace skiff::launch
