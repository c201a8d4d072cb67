// The command line: arguments to a Config, or to what is to be told instead.
#pragma once

#include <string>
#include <variant>

#include "cli/config.h"

namespace tcpeek {

// Text for standard output; the program then ends well.
struct Information {
    std::string text;
};

// One line, without "tcpeek: " and newline; exit status 2.
struct UsageError {
    std::string message;
};

using ParseResult = std::variant<Config, Information, UsageError>;

// Never throws, whatever the arguments hold.
[[nodiscard]] ParseResult parse_command_line(int argc, const char* const* argv);

}  // namespace tcpeek
