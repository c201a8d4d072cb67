// The composition root: wires the stages, the threads and the signals for one run.
#pragma once

#include "app/reload.h"
#include "cli/config.h"

namespace tcpeek {

// Runs until the files end or a signal asks to stop. Returns the exit status; errors have been
// told on standard error by then. `parse_again` gives the configuration as it is now, for a reload.
int run_app(const Config& config, ParseAgain parse_again);

}  // namespace tcpeek
