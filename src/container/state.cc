#include "src/container/state.h"

#include <array>

#include "src/base/json.h"
#include "src/linux/pidfd.h"

namespace skiff::container {
namespace {

void write_annotations(json::Writer& out, const spec::StringMap& annotations) {
  if (annotations.empty()) return;
  out.key("annotations");
  out.begin_object();
  for (const auto& [key, value] : annotations) out.field(key, value);
  out.end_object();
}

void write_head(json::Writer& out, const Record& record, Status status) {
  out.field("ociVersion", spec::kOciVersion);
  out.field("id", record.id);
  out.field("pid", status == Status::Stopped ? 0 : static_cast<int64_t>(record.pid));
  out.field("status", name(status));
  out.field("bundle", record.bundle);
}

}  // namespace

const char* name(Status status) {
  switch (status) {
    case Status::Creating:
      return "creating";
    case Status::Created:
      return "created";
    case Status::Running:
      return "running";
    case Status::Paused:
      return "paused";
    case Status::Stopped:
      return "stopped";
  }
  return "unknown";
}

std::string hook_state(const Record& record, Status status) {
  json::Writer out(json::Style::Compact);
  out.begin_object();
  write_head(out, record, status);
  write_annotations(out, record.annotations);
  out.end_object();
  return out.take();
}

std::string inner_hook_state(const Record& record, Status status) {
  Record inner = record;
  inner.pid = pidfd::innermost_pid(record.pid).value_or(record.pid);
  return hook_state(inner, status);
}

std::string process_state(const Record& record, Status status, pid_t pid) {
  json::Writer out(json::Style::Compact);
  out.begin_object();
  out.field("ociVersion", spec::kOciVersion);
  out.array("fds", std::array{"seccompFd"});
  out.field("pid", static_cast<int64_t>(pid));
  if (!record.listener_metadata.empty()) out.field("metadata", record.listener_metadata);
  out.key("state");
  out.raw(hook_state(record, status));
  out.end_object();
  return out.take();
}

std::string state_json(const Record& record, Status status, bool compact, std::string_view owner) {
  json::Writer out(compact ? json::Style::Compact : json::Style::Indented);
  out.begin_object();
  write_head(out, record, status);
  out.field("rootfs", record.rootfs);
  out.field("created", record.created);
  write_annotations(out, record.annotations);
  out.field("owner", owner);
  out.end_object();
  return out.take();
}

}  // namespace skiff::container
