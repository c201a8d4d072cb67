// What tcpeekstat does once its command line is understood.
#pragma once

#include "tcpeekstat/stat_options.h"

namespace tcpeek {

// Gives the exit status; errors have been told on standard error by then.
int run(const StatConfig& config);

}  // namespace tcpeek
