// Values that options of several programs take.
#pragma once

#include <cstdint>
#include <string_view>

#include "cli/option.h"

namespace tcpeek {

// A whole number from `smallest` to `largest`.
ValueComplaint take_number(std::uint32_t& field, std::string_view value, std::uint32_t largest,
                           std::uint32_t smallest = 1);

// Free texts are where a forgotten value would swallow the next option unseen.
bool like_an_option(std::string_view value);

// A statistics socket's path.
ValueComplaint complaint_about_socket(std::string_view value);

}  // namespace tcpeek
