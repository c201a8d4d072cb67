// A command line's options, taken one by one by the program's own table.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/option.h"

namespace tcpeek {

// Text for standard output; the program then ends well.
struct Information {
    std::string text;
};

// One line, without the program's name and newline, and the exit status: 1 where not the usage but
// the machine is at fault.
struct UsageError {
    std::string message;
    int status = 2;
};

// What is left when the options were taken: the other arguments in their order, and among them `--`
// and what begins with '-' but is no option of this program.
using OtherArguments = std::vector<std::string>;

// `option` is an index into the program's options.
using TakeValue = std::function<ValueComplaint(std::size_t option, std::string_view value)>;

// Never throws, whatever the arguments hold. Help wins over the version, and both over every error.
// An option's value follows in the same argument (`-ieth0`, `--interface=eth0`) or in the next one,
// where it does not begin with '-' (but for `-` itself); an option that can be bare has its value
// in the same argument only.
[[nodiscard]] std::variant<OtherArguments, Information, UsageError> parse_options(
    const Program& program, int argc, const char* const* argv, const TakeValue& take);

// For an argument that begins with '-' and is no option of this program.
UsageError unknown_option(const Program& program, std::string_view argument);

}  // namespace tcpeek
