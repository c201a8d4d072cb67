// Filter names as parts of Ganglia's metric names.
#pragma once

#include <string>

namespace tcpeek {

// Bytes outside [A-Za-z0-9_.-] become `_`, for a metric's name becomes a file's name there.
std::string ganglia_name(std::string name);

}  // namespace tcpeek
