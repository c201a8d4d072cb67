// tcpeek's command line: arguments to a Config, or to what is to be told instead.
#pragma once

#include <variant>

#include "cli/config.h"
#include "cli/option_parser.h"

namespace tcpeek {

using ParseResult = std::variant<Config, Information, UsageError>;

// Never throws, whatever the arguments hold. Options as in parse_options; after `--` come
// expressions only. The position in a wrong expression counts characters from 1.
[[nodiscard]] ParseResult parse_command_line(int argc, const char* const* argv);

}  // namespace tcpeek
