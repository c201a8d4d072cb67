#include "cli/log_levels.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace tcpeek {
namespace {

struct LevelName {
    std::string_view name;
    int level;
};

constexpr std::array<LevelName, 14> kLevels{{
    {"emerg", 0},
    {"panic", 0},
    {"alert", 1},
    {"crit", 2},
    {"critical", 2},
    {"err", 3},
    {"error", 3},
    {"warning", 4},
    {"warn", 4},
    {"notice", 5},
    {"info", 6},
    {"informational", 6},
    {"debug", 7},
    {"emergency", 0},
}};

}  // namespace

std::optional<int> parse_log_level(std::string_view text) {
    if (text.size() == 1 && text[0] >= '0' && text[0] <= '7') {
        return text[0] - '0';
    }
    std::string name(text);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.rfind("log_", 0) == 0) {
        name.erase(0, 4);
    }
    const auto known = std::find_if(kLevels.begin(), kLevels.end(),
                                    [&](const LevelName& level) { return level.name == name; });
    return known == kLevels.end() ? std::nullopt : std::optional(known->level);
}

}  // namespace tcpeek
