// `--check-config`: what would run, in the form of a configuration file.
#pragma once

#include <string>

#include "cli/config.h"
#include "filter/filter_set.h"

namespace tcpeek {

// A comment for people, then the settings that count; read by `--config`, it asks for the same.
std::string render_config(const Config& config, const FilterSet& filters);

}  // namespace tcpeek
