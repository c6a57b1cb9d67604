#include "src/linux/cgroup/resources.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/linux/cgroup/resource_files.h"

namespace skiff::cgroup {
namespace {

Result<void> check(const spec::Resources& resources) {
  if (resources.memory) TRY(check_memory(*resources.memory));
  if (resources.cpu) TRY(check_cpu(*resources.cpu));
  return {};
}

/// Zero tasks would leave no room for the container's own process; 1 says the same of
/// every further one, and is what runc writes.
std::string pids_value(int64_t limit) {
  if (limit < 0) return "max";
  return fmt::to_string(std::max<int64_t>(limit, 1));
}

/// Both what is in use and what is reserved: without the second a process that maps more than
/// it may have is killed by SIGBUS later (hugetlb-cgroup, "Reservation limits").
void put_hugepages(Files& files, const std::vector<spec::HugepageLimit>& limits,
                   std::string_view prefix, std::string_view limit_file) {
  for (size_t i = 0; i < limits.size(); ++i) {
    const std::string name = fmt::format("hugepageLimits[{}]", i);
    const std::string stem = fmt::format("{}hugetlb.{}", prefix, limits[i].page_size);
    put(files, fmt::format("{}.{}", stem, limit_file), fmt::to_string(limits[i].limit), name);
    put(files, fmt::format("{}.rsvd.{}", stem, limit_file), fmt::to_string(limits[i].limit), name);
    files.back().may_be_absent = true;  // before Linux 5.7
  }
}

void put_rdma(Files& files, const std::vector<spec::Rdma>& limits, std::string_view file) {
  for (const spec::Rdma& entry : limits) {
    std::string value = entry.device;
    if (entry.hca_handles) value += fmt::format(" hca_handle={}", *entry.hca_handles);
    if (entry.hca_objects) value += fmt::format(" hca_object={}", *entry.hca_objects);
    put(files, file, std::move(value), fmt::format("rdma.{}", entry.device));
  }
}

void put_network_v1(Files& files, const spec::Network& network) {
  if (network.class_id.value_or(0) != 0)
    put(files, "net_cls/net_cls.classid", fmt::to_string(*network.class_id), "network.classID");
  for (size_t i = 0; i < network.priorities.size(); ++i)
    put(files, "net_prio/net_prio.ifpriomap",
        fmt::format("{} {}", network.priorities[i].name, network.priorities[i].priority),
        fmt::format("network.priorities[{}]", i));
}

Result<void> refuse_network(const spec::Network& network) {
  constexpr const char* kWhy =
      "linux.resources.network.{}: needs the cgroup v1 controller \"{}\", which is not mounted; "
      "cgroup v2 has none";
  if (network.class_id.value_or(0) != 0) return Error::invalid(kWhy, "classID", "net_cls");
  if (!network.priorities.empty()) return Error::invalid(kWhy, "priorities", "net_prio");
  return {};
}

}  // namespace

std::string field(std::string_view name) { return std::string("linux.resources.").append(name); }

void put(Files& files, std::string_view file, std::string value, std::string_view name) {
  FileValue entry;
  entry.file = file;
  entry.value = std::move(value);
  entry.field = field(name);
  files.push_back(std::move(entry));
}

Result<std::vector<FileValue>> v2_files(const spec::Resources& resources) {
  TRY(check(resources));
  Files files;
  if (resources.memory) TRY(put_memory_v2(files, *resources.memory));
  if (resources.cpu) TRY(put_cpu_v2(files, *resources.cpu));
  if (resources.cpu) put_cpuset(files, *resources.cpu, "");
  if (resources.pids_limit) put(files, "pids.max", pids_value(*resources.pids_limit), "pids.limit");
  if (resources.block_io) TRY(put_block_io_v2(files, *resources.block_io));
  put_hugepages(files, resources.hugepage_limits, "", "max");
  if (resources.network) TRY(refuse_network(*resources.network));
  put_rdma(files, resources.rdma, "rdma.max");
  return files;
}

Result<std::vector<FileValue>> v1_files(const spec::Resources& resources) {
  TRY(check(resources));
  if (!resources.unified.empty())
    return Error::invalid("linux.resources.unified.{}: is of cgroup v2, which is not mounted",
                          resources.unified.front().first);
  Files files;
  if (resources.memory) put_memory_v1(files, *resources.memory);
  if (resources.cpu) TRY(put_cpu_v1(files, *resources.cpu));
  if (resources.cpu) put_cpuset(files, *resources.cpu, "cpuset/");
  if (resources.pids_limit)
    put(files, "pids/pids.max", pids_value(*resources.pids_limit), "pids.limit");
  if (resources.block_io) put_block_io_v1(files, *resources.block_io);
  put_hugepages(files, resources.hugepage_limits, "hugetlb/", "limit_in_bytes");
  if (resources.network) put_network_v1(files, *resources.network);
  put_rdma(files, resources.rdma, "rdma/rdma.max");
  return files;
}

std::vector<FileValue> unified_files(const spec::StringMap& unified) {
  Files files;
  for (const auto& [file, value] : unified)
    for (const std::string_view line : text::split(text::trim(value), '\n'))
      put(files, file, line.empty() ? "\n" : std::string(line), "unified." + file);
  return files;
}

std::string_view controller_of(std::string_view file) {
  return file.substr(0, file.find_first_of("/."));
}

std::vector<Need> controllers_needed(const std::vector<FileValue>& files) {
  std::vector<Need> needed;
  for (const FileValue& file : files) {
    const std::string_view controller = controller_of(file.file);
    // cgroup.max.depth and its like, and what every cgroup has (cpu.stat, memory.pressure).
    if (file.may_be_absent || controller == "cgroup") continue;
    if (std::none_of(needed.begin(), needed.end(),
                     [&](const Need& need) { return need.controller == controller; }))
      needed.push_back({std::string(controller), file.field});
  }
  return needed;
}

spec::Resources select(const spec::Resources& resources,
                       const std::vector<std::string>& controllers, bool inside) {
  const auto belongs = [&](std::string_view controller) {
    return (std::find(controllers.begin(), controllers.end(), controller) != controllers.end()) ==
           inside;
  };
  spec::Resources part = resources;
  if (!belongs("devices")) part.devices.clear();
  if (!belongs("memory")) part.memory.reset();
  if (!belongs("pids")) part.pids_limit.reset();
  if (!belongs("blkio")) part.block_io.reset();
  if (!belongs("hugetlb")) part.hugepage_limits.clear();
  if (!belongs("rdma")) part.rdma.clear();
  if (inside) part.unified.clear();
  if (part.network && !belongs("net_cls")) part.network->class_id.reset();
  if (part.network && !belongs("net_prio")) part.network->priorities.clear();
  if (part.cpu && !belongs("cpuset")) {
    part.cpu->cpus.clear();
    part.cpu->mems.clear();
  }
  if (part.cpu && !belongs("cpu")) {
    spec::Cpu cpuset;
    cpuset.cpus = part.cpu->cpus;
    cpuset.mems = part.cpu->mems;
    part.cpu = cpuset;
  }
  return part;
}

bool limits_processors(const std::optional<spec::Resources>& resources) {
  if (!resources) return false;
  if (resources->cpu && !resources->cpu->cpus.empty()) return true;
  return std::any_of(resources->unified.begin(), resources->unified.end(),
                     [](const auto& entry) { return entry.first == "cpuset.cpus"; });
}

bool asks_for_limits(const spec::Resources& resources) {
  if (!resources.unified.empty()) return true;
  const auto files = v1_files(resources);
  return !files || !controllers_needed(*files).empty();
}

}  // namespace skiff::cgroup
