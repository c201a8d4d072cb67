// `--info`: what this build, this kernel and these rights can do.
#pragma once

#include "cli/config.h"

namespace tcpeek {

// One fact a line on standard output, `name: value`. Users paste it into reports. `config` is the
// rest of the command line: it decides what a run would keep.
void print_info(const Config& config);

}  // namespace tcpeek
