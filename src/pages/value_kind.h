// What kind of thing an option's value is, so that a shell can propose some.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/option.h"

namespace tcpeek {

enum class ValueKind : std::uint8_t { none, words, interface, user, file };

struct ValueHints {
    ValueKind kind = ValueKind::none;
    // All there is (`words`), or what may be said besides a file or an interface ("any", "none").
    std::vector<std::string> words;
};

// Follows from the row alone: the value's name (DEV, USER, FILE, PATH, LEVEL, `table,json`) and the
// words in backquotes of its help. A number has no hints.
ValueHints hints_for(const OptionSpec& option);

}  // namespace tcpeek
