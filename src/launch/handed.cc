#include "src/launch/handed.h"

#include <algorithm>

namespace skiff::launch {

size_t count_sources(const RootfsPlan& plan) {
  const auto sent = std::count_if(plan.mounts.begin(), plan.mounts.end(),
                                  [](const MountPlan& mount) { return mount.source_sent; });
  return size_t{plan.root_sent} + static_cast<size_t>(sent);
}

std::vector<int> Handed::numbers() const {
  std::vector<int> all = {log.get()};
  if (start_socket) all.push_back(start_socket.get());
  if (init) all.push_back(init.get());
  if (network) all.push_back(network.get());
  for (const Fd* file : {&hook_files.out, &hook_files.err})
    if (*file) all.push_back(file->get());
  for (const Fd& fd : joins) all.push_back(fd.get());
  for (const Fd& fd : sources) all.push_back(fd.get());
  return all;
}

Result<Handed> take_handed(const LaunchPlan& plan, std::vector<Fd> descriptors) {
  const bool has_init = plan.namespaces.join_by_pidfd != 0;
  const size_t sources = plan.rootfs ? count_sources(*plan.rootfs) : 0;
  const size_t expected = 1u + plan.start_socket + has_init + plan.namespaces.network_apart +
                          plan.hook_stdout + plan.hook_stderr + plan.namespaces.joins.size() +
                          sources;
  if (descriptors.size() != expected)
    return Error::invalid("protocol: {} descriptors with the plan, expected {}", descriptors.size(),
                          expected);
  Handed handed;
  auto next = descriptors.begin();
  handed.log = std::move(*next++);
  if (plan.start_socket) handed.start_socket = std::move(*next++);
  if (has_init) handed.init = std::move(*next++);
  if (plan.namespaces.network_apart) handed.network = std::move(*next++);
  if (plan.hook_stdout) handed.hook_files.out = std::move(*next++);
  if (plan.hook_stderr) handed.hook_files.err = std::move(*next++);
  for (size_t i = 0; i < plan.namespaces.joins.size(); ++i)
    handed.joins.push_back(std::move(*next++));
  for (size_t i = 0; i < sources; ++i) handed.sources.push_back(std::move(*next++));
  return handed;
}

}  // namespace skiff::launch
