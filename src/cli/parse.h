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

// Never throws, whatever the arguments hold. Help wins over the version, and both over every error.
// An option's value follows in the same argument (`-ieth0`, `--interface=eth0`) or in the next one;
// it does not begin with '-', but for `-r -`. After `--` come expressions only. The position in a
// wrong expression counts characters from 1.
[[nodiscard]] ParseResult parse_command_line(int argc, const char* const* argv);

}  // namespace tcpeek
