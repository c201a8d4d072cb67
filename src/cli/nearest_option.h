// The option that a mistyped one was most probably meant to be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/option.h"

namespace tcpeek {

// `word` is an argument up to its '=', dashes included: "--timout" gives "--timeout", "--int" (the
// beginning of one option only) "--interface", "-T" (no such letter) "-t". Nothing when no option
// is near enough.
std::optional<std::string> nearest_option(std::span<const OptionSpec> options,
                                          std::string_view word);

}  // namespace tcpeek
