// The text of `--help`, from the option table.
#pragma once

#include <string>

namespace tcpeek {

// At most 80 columns wide.
std::string help_text();

}  // namespace tcpeek
