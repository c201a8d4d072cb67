// tcpeekstat's command line: arguments to a StatConfig, or to what is to be told instead.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "cli/option_parser.h"

namespace tcpeek {

struct StatConfig {
    std::string socket = "/var/run/tcpeek/tcpeek.sock";
    bool json = false;
    bool gmetric = false;
    std::uint32_t watch_seconds = 0;          // 0: print once
    std::string gmetric_command = "gmetric";  // found in PATH unless it has a slash
    std::string gmetric_config;               // empty: gmetric's own
};

const Program& tcpeekstat_program();

using StatParseResult = std::variant<StatConfig, Information, UsageError>;

// Never throws. There are no arguments besides options.
[[nodiscard]] StatParseResult parse_stat_command_line(int argc, const char* const* argv);

}  // namespace tcpeek
