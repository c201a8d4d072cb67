// The one table of options: the parser, `--help`, and what is generated for other readers come from
// its rows. A new option is a row here, a field of Config, and the code that uses the field.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/config.h"

namespace tcpeek {

// What is wrong with an option's value: "is not a whole number from 1 to 2147483647". It is shown
// as it stands: what it repeats of the value is made printable. Nothing: the value was taken.
using ValueComplaint = std::optional<std::string>;

struct OptionRow {
    char short_name = '\0';         // '\0': none
    std::string_view long_name;     // without dashes
    std::string_view value;         // the value's name in help; empty: a flag
    std::string_view help;          // one sentence without a full stop
    std::string_view default_text;  // shown in help; empty: nothing to say
    bool repeats = false;           // may be given several times
    ValueComplaint (*take)(Config& config, std::string_view value) = nullptr;
};

// In the order in which help shows them. `--help` and `--version` are rows too; their `take` does
// nothing.
std::span<const OptionRow> option_table();

}  // namespace tcpeek
