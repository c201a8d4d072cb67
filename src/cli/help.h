// The text of `--help`.
#pragma once

#include <string>

#include "cli/option.h"

namespace tcpeek {

// At most 80 columns wide.
std::string help_text(const Program& program);

}  // namespace tcpeek
