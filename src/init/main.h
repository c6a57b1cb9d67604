// The child's side: skiff re-exec'ed as the container's init, `skiff init FD`.
#pragma once

namespace skiff::init {

/// Reads the plan from the channel at descriptor argv[2] and becomes the container's
/// process. Returns only on failure, which has been told over the channel.
int main(int argc, char** argv);

}  // namespace skiff::init
