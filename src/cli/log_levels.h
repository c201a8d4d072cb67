// The names of syslog's levels (RFC 5424 6.2.1) as users may write them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace tcpeek {

// "notice", "LOG_NOTICE", "warn", "5", ... in upper or lower case; the number of syslog(3).
std::optional<int> parse_log_level(std::string_view text);

// One name a level, emerg first, as syslog.conf writes them.
inline constexpr std::array<std::string_view, 8> kLogLevelNames{
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

}  // namespace tcpeek
