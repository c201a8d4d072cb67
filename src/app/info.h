// `--info`: what this build, this kernel and these rights can do.
#pragma once

#include <string_view>

#include "cli/config.h"

namespace tcpeek {

// What filters packets inside the kernel, for `--info` and the log.
std::string_view kernel_filter_state();

// One fact a line on standard output, `name: value`. Users paste it into reports. `config` is the
// rest of the command line: it decides what a run would keep.
void print_info(const Config& config);

}  // namespace tcpeek
