// Rules of validate(), each in the file of its subject; nothing outside src/spec includes this.
#pragma once

#include "src/spec/spec.h"
#include "src/spec/validate.h"

namespace skiff::spec {

/// Options that contradict their mount, and id mappings that are not complete.
void mounts_are_consistent(const Spec& spec, Faults& faults);
/// None of crun's that change what runs and that skiff does not do. Unknown ones are to be ignored
/// (config.md#annotations); these are known.
void annotations_are_honoured(const Spec& spec, Faults& faults);
/// The names of cgroups are those of single directories, and their owner can be known.
void annotations_name_cgroups(const Spec& spec, Faults& faults);
/// What run.oci.systemd.force_cgroup_v1 is to replace is there.
void systemd_hierarchy_has_mount(const Spec& spec, Faults& faults);
/// linux.mountLabel and the annotation run.oci.mount_context_type.
void mount_label_is_one_word(const Spec& spec, Faults& faults);
/// No path is two devices.
void devices_do_not_contradict(const Spec& spec, Faults& faults);

}  // namespace skiff::spec
