// Rules of validate(), each in the file of its subject; nothing outside src/spec includes this.
#pragma once

#include <vector>

#include "src/base/result.h"
#include "src/spec/spec.h"

namespace skiff::spec {

/// Options that contradict their mount, and id mappings that are not complete.
std::vector<Error> broken_mounts(const Spec& spec);
/// linux.mountLabel and the annotation run.oci.mount_context_type.
Result<void> mount_label_is_one_word(const Spec& spec);
/// No path is two devices.
Result<void> devices_do_not_contradict(const Spec& spec);

}  // namespace skiff::spec
