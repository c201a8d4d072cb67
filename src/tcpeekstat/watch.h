// The people's view, again and again.
#pragma once

#include "tcpeekstat/stat_options.h"

namespace tcpeek {

// Until q, Ctrl+C, SIGTERM or SIGHUP; on a terminal in place, else one block after the other.
// Gives the exit status: 1 when tcpeek could not be reached the first time, or standard output
// cannot be written. A tcpeek that goes away later is waited for.
int watch(const StatConfig& config);

}  // namespace tcpeek
