#include "src/linux/cgroup/device_attach.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "src/base/fd.h"
#include "src/base/text.h"

namespace skiff::cgroup {
namespace {

constexpr std::string_view kProgramName = "skiff_devices";  // at most 15 characters
constexpr uint32_t kMaxPrograms = 64;                       // BPF_CGROUP_MAX_PROGS

/// bpf(2) takes pointers as integers.
uint64_t address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

bpf_attr zeroed() {
  bpf_attr attributes;
  // The kernel demands zeros in everything it does not know, padding included.
  std::memset(&attributes, 0, sizeof attributes);
  return attributes;
}

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

int load(const std::vector<bpf_insn>& program, std::string* verifier_log) {
  bpf_attr attributes = zeroed();
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = address(program.data());
  attributes.insn_cnt = static_cast<uint32_t>(program.size());
  attributes.license = address("Apache-2.0");  // no helper is called that wants GPL
  std::memcpy(attributes.prog_name, kProgramName.data(), kProgramName.size());
  if (verifier_log) {
    attributes.log_level = 1;
    attributes.log_size = static_cast<uint32_t>(verifier_log->size());
    attributes.log_buf = address(verifier_log->data());
  }
  return bpf(BPF_PROG_LOAD, attributes);
}

/// Before Linux 5.11 programs count as locked memory, and a small RLIMIT_MEMLOCK shows
/// as EPERM.
int load_beyond_memlock(const std::vector<bpf_insn>& program) {
  rlimit before{};
  const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  if (::getrlimit(RLIMIT_MEMLOCK, &before) < 0 || ::setrlimit(RLIMIT_MEMLOCK, &unlimited) < 0) {
    errno = EPERM;
    return -1;
  }
  const int fd = load(program, nullptr);
  const int code = errno;
  (void)::setrlimit(RLIMIT_MEMLOCK, &before);  // lowering cannot fail
  errno = code;
  return fd;
}

Result<Fd> load_program(const std::vector<bpf_insn>& program) {
  int fd = load(program, nullptr);
  if (fd < 0 && errno == EPERM) fd = load_beyond_memlock(program);
  if (fd >= 0) return Fd(fd);
  const int code = errno;
  if (code != EINVAL && code != EACCES)
    return Error::from_code(code, "load eBPF program of {} instructions", program.size());
  // The verifier's reasons are worth a second attempt; ENOSPC: they were cut.
  std::string reasons(65536, '\0');
  const Fd unexpected(load(program, &reasons));
  reasons.resize(std::strlen(reasons.c_str()));
  return Error::from_code(code, "load eBPF program of {} instructions: the verifier says {}",
                          program.size(), text::quote(text::trim(reasons)));
}

Result<void> attach(int cgroup, const Fd& program, const Fd& replaced) {
  bpf_attr attributes = zeroed();
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  // MULTI, so that the container may attach programs of its own further down.
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (replaced) {
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<uint32_t>(replaced.get());
  }
  if (bpf(BPF_PROG_ATTACH, attributes) < 0) return Error::from_errno("attach eBPF program");
  return {};
}

Result<void> detach(int cgroup, const Fd& program) {
  bpf_attr attributes = zeroed();
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  if (bpf(BPF_PROG_DETACH, attributes) < 0) return Error::from_errno("detach eBPF program");
  return {};
}

/// `program` in the place of `replaced`, in one step.
Result<void> replace(int cgroup, const Fd& program, const Fd& replaced) {
  auto done = attach(cgroup, program, replaced);
  // Before Linux 5.6 there is no BPF_F_REPLACE: for a moment both sets of rules hold.
  if (done || !done.error().is(EINVAL)) return done;
  TRY(attach(cgroup, program, Fd()));
  return detach(cgroup, replaced);
}

bool is_ours(const Fd& program) {
  bpf_prog_info info{};
  bpf_attr attributes = zeroed();
  attributes.info.bpf_fd = static_cast<uint32_t>(program.get());
  attributes.info.info_len = sizeof info;
  attributes.info.info = address(&info);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0 &&
         std::string_view(info.name, ::strnlen(info.name, sizeof info.name)) == kProgramName;
}

/// Our programs that are attached to this very cgroup, not to one above it.
Result<std::vector<Fd>> attached_programs(int cgroup) {
  std::array<uint32_t, kMaxPrograms> ids{};
  bpf_attr attributes = zeroed();
  attributes.query.target_fd = static_cast<uint32_t>(cgroup);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address(ids.data());
  attributes.query.prog_cnt = kMaxPrograms;
  if (bpf(BPF_PROG_QUERY, attributes) < 0) return Error::from_errno("query eBPF programs");
  std::vector<Fd> ours;
  for (uint32_t i = 0; i < attributes.query.prog_cnt && i < kMaxPrograms; ++i) {
    bpf_attr by_id = zeroed();
    by_id.prog_id = ids[i];
    Fd program(bpf(BPF_PROG_GET_FD_BY_ID, by_id));
    if (!program && errno == ENOENT) continue;  // detached meanwhile
    if (!program) return Error::from_errno("open eBPF program {}", ids[i]);
    if (is_ours(program)) ours.push_back(std::move(program));
  }
  return ours;
}

}  // namespace

Result<DeviceAttachment> attach_device_program(int cgroup, const std::vector<bpf_insn>& program,
                                               Attachment attachment) {
  DeviceAttachment done;
  done.program = TRY(load_program(program));
  std::vector<Fd> old;
  if (attachment == Attachment::Replace) old = TRY(attached_programs(cgroup));
  if (old.empty()) {
    TRY(attach(cgroup, done.program, Fd()));
    return done;
  }
  TRY(replace(cgroup, done.program, old.front()));
  for (size_t stale = 1; stale < old.size(); ++stale) TRY(detach(cgroup, old[stale]));
  done.replaced = std::move(old.front());
  return done;
}

Result<DeviceAttachment> detach_device_program(int cgroup) {
  std::vector<Fd> old = TRY(attached_programs(cgroup));
  for (const Fd& program : old) TRY(detach(cgroup, program));
  DeviceAttachment done;
  if (!old.empty()) done.replaced = std::move(old.front());
  return done;
}

Result<void> take_back(int cgroup, const DeviceAttachment& done) {
  if (done.program && done.replaced) return replace(cgroup, done.replaced, done.program);
  if (done.program) return detach(cgroup, done.program);
  if (done.replaced) return attach(cgroup, done.replaced, Fd());
  return {};
}

}  // namespace skiff::cgroup
