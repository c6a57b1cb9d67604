// The rows of the command table; each is defined in the file named after it.
#pragma once

#include "src/commands/command.h"

namespace skiff::commands {

extern const Command kCreate;
extern const Command kDelete;
extern const Command kEvents;
extern const Command kExec;
extern const Command kFeatures;
extern const Command kHelp;
extern const Command kKill;
extern const Command kList;
extern const Command kPause;
extern const Command kPlan;
extern const Command kPrintOptions;  // __options
extern const Command kPrintVersion;  // --version
extern const Command kPs;
extern const Command kResume;
extern const Command kRun;
extern const Command kSeccomp;
extern const Command kSpec;
extern const Command kStart;
extern const Command kState;
extern const Command kStats;
extern const Command kUpdate;
extern const Command kValidate;

/// "skiff create [OPTION...] CONTAINER-ID"
std::string usage(const Command& command);

}  // namespace skiff::commands
