// What a program's command line is made of: its options as rows, and the texts around them. The
// parser, `--help` and the search for the option that was meant read nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcpeek {

// What is wrong with an option's value: "is not a whole number from 1 to 2147483647". It is shown
// as it stands: what it repeats of the value is made printable. Nothing: the value was taken.
using ValueComplaint = std::optional<std::string>;

struct OptionSpec {
    char short_name = '\0';      // '\0': none
    std::string_view long_name;  // without dashes
    std::string_view value;      // the value's name in help; empty: a flag
    // One sentence without a full stop. A `word` in backquotes is one that users may type as value.
    std::string_view help;
    std::string_view default_text;  // shown in help; empty: nothing to say
    bool repeats = false;           // may be given several times
    // What the option means without a value; empty: it needs its value, or is a flag.
    std::string_view bare_value = {};
};

// A row of a program's option table. `take` puts one value (a flag's is empty) into the Config.
template <typename Config>
struct OptionRow {
    OptionSpec spec;
    ValueComplaint (*take)(Config& config, std::string_view value) = nullptr;
};

struct Program {
    std::string_view name;
    std::string_view introduction;  // of its help, before the options
    std::string_view closing;       // and after them
    // In the order in which help shows them. `--help` and `--version` are rows too; what takes
    // their values does nothing.
    std::vector<OptionSpec> options;
    // What may be left out of a build or differ between builds; `--version` says it.
    std::string_view built_with = {};
};

template <typename Config, std::size_t count>
std::vector<OptionSpec> specs_of(const std::array<OptionRow<Config>, count>& table) {
    std::vector<OptionSpec> specs;
    for (const OptionRow<Config>& row : table) {
        specs.push_back(row.spec);
    }
    return specs;
}

template <typename Config>
ValueComplaint take_nothing(Config&, std::string_view) {
    return std::nullopt;
}

}  // namespace tcpeek
