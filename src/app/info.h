// `--info`: what this build, this kernel and these rights can do.
#pragma once

namespace tcpeek {

// One fact a line on standard output, `name: value`. Users paste it into reports.
void print_info();

}  // namespace tcpeek
