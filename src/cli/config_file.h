// A configuration file (`--config`): options under their long names, in CLI11's form of TOML.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "cli/option_parser.h"

namespace tcpeek {

// The name that expressions have in a file and in Config::settings.
inline constexpr std::string_view kExpressionKey = "expression";

// One value of one option, as the file has it: nothing of it is checked yet.
struct FileSetting {
    std::string name;
    std::string value;
    std::size_t line = 0;  // from 1; 0 where it is not known
};

// In the order of the file. An error names the file, and the line where there is one; a file that
// cannot be read is one of exit status 1.
std::variant<std::vector<FileSetting>, UsageError> read_config_file(const std::string& path);

// "FILE:LINE: complaint".
UsageError file_error(const std::string& path, std::size_t line, const std::string& complaint);

}  // namespace tcpeek
