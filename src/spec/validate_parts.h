// Rules of validate(), each in the file of its subject; nothing outside src/spec includes this.
#pragma once

#include "src/spec/spec.h"
#include "src/spec/validate.h"

namespace skiff::spec {

/// Options that contradict their mount, and id mappings that are not complete.
void mounts_are_consistent(const Spec& spec, Faults& faults);
/// linux.mountLabel and the annotation run.oci.mount_context_type.
void mount_label_is_one_word(const Spec& spec, Faults& faults);
/// No path is two devices.
void devices_do_not_contradict(const Spec& spec, Faults& faults);

}  // namespace skiff::spec
