// Record ⇄ state.json. Names shared with runc's file keep its spelling, so that tools
// which look for a container's pid and cgroups there find them.
#include "src/base/json.h"
#include "src/container/store.h"

namespace skiff::container {
namespace {

void write_map(json::Writer& out, const char* name, const spec::StringMap& map) {
  out.key(name);
  out.begin_object();
  for (const auto& [key, value] : map) out.field(key, value);
  out.end_object();
}

Result<std::vector<spec::Namespace>> read_namespaces(const json::View& root) {
  std::vector<spec::Namespace> namespaces;
  const spec::StringMap entries = TRY(root.string_map("namespaces"));
  for (const auto& [name, path] : entries) {
    const auto type = spec::namespace_type(name);
    if (!type) return Error::invalid("namespaces.{}: unknown", name);
    namespaces.push_back({*type, path});
  }
  return namespaces;
}

}  // namespace

std::string to_json(const Record& record) {
  json::Writer out(json::Style::Compact);
  out.begin_object();
  out.field("id", record.id);
  out.field("ociVersion", record.oci_version);
  out.field("bundle", record.bundle);
  out.field("rootfs", record.rootfs);
  out.field("created", record.created);
  out.field("owner", record.owner);
  out.field("init_process_pid", static_cast<int64_t>(record.pid));
  out.field("init_process_start", record.start_time);
  out.field("ready", record.ready);
  out.field("cgroup", record.cgroup.path);
  write_map(out, "cgroup_paths", record.cgroup.directories);
  write_map(out, "annotations", record.annotations);
  out.key("namespaces");
  out.begin_object();
  for (const spec::Namespace& entry : record.namespaces)
    out.field(spec::name(entry.type), entry.path);
  out.end_object();
  out.field("no_new_keyring", record.no_new_keyring);
  out.field("process", record.has_process);
  out.field("seccomp", record.has_seccomp);
  out.field("poststart", record.has_poststart);
  out.field("poststop", record.has_poststop);
  out.end_object();
  return out.take();
}

Result<Record> record_from_json(std::string json) {
  const json::Document document = TRY(json::Document::parse(std::move(json)));
  const json::View root = document.root();
  Record record;
  record.id = TRY(root.required<std::string>("id"));
  record.oci_version = TRY(root.required<std::string>("ociVersion"));
  record.bundle = TRY(root.required<std::string>("bundle"));
  record.rootfs = TRY(root.required<std::string>("rootfs"));
  record.created = TRY(root.required<std::string>("created"));
  record.owner = TRY(root.required<uint32_t>("owner"));
  record.pid = TRY(root.required<int32_t>("init_process_pid"));
  record.start_time = TRY(root.required<uint64_t>("init_process_start"));
  record.ready = TRY(root.required<bool>("ready"));
  record.cgroup.path = TRY(root.required<std::string>("cgroup"));
  record.cgroup.directories = TRY(root.string_map("cgroup_paths"));
  record.annotations = TRY(root.string_map("annotations"));
  record.namespaces = TRY(read_namespaces(root));
  record.no_new_keyring = TRY(root.required<bool>("no_new_keyring"));
  record.has_process = TRY(root.required<bool>("process"));
  record.has_seccomp = TRY(root.required<bool>("seccomp"));
  record.has_poststart = TRY(root.required<bool>("poststart"));
  record.has_poststop = TRY(root.required<bool>("poststop"));
  return record;
}

}  // namespace skiff::container
