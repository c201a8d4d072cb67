#include "cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>
#include <vector>

#include "cli/help.h"
#include "cli/option_table.h"
#include "cli/printable.h"
#include "cli/version.h"

namespace tcpeek {
namespace {

// What CLI11 found for one row of the option table.
struct Found {
    const OptionRow* row = nullptr;
    std::vector<std::string> values;  // a flag has none
    CLI::Option* option = nullptr;
};

std::string option_names(const OptionRow& row) {
    return row.short_name == '\0' ? fmt::format("--{}", row.long_name)
                                  : fmt::format("-{},--{}", row.short_name, row.long_name);
}

std::string shown_name(const OptionRow& row) {
    return row.short_name == '\0' ? fmt::format("--{}", row.long_name)
                                  : fmt::format("-{}", row.short_name);
}

// Single-character insertions, deletions and changes between two words (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row[b.size()];
}

std::string unknown_option(const std::string& argument) {
    constexpr std::size_t kSimilar = 3;
    const std::string_view word =
        std::string_view(argument).substr(0, std::min<std::size_t>(argument.find('='), 40));
    const OptionRow* nearest = nullptr;
    std::size_t least = kSimilar;
    if (word.size() > 3) {
        for (const OptionRow& row : option_table()) {
            const std::size_t d = distance(word, fmt::format("--{}", row.long_name));
            if (d < least) {
                least = d;
                nearest = &row;
            }
        }
    }
    return nearest == nullptr
               ? fmt::format("unknown option '{}'; see tcpeek --help", printable(word))
               : fmt::format("unknown option '{}'; did you mean --{}?", printable(word),
                             nearest->long_name);
}

void declare(CLI::App& parser, std::vector<Found>& all) {
    for (const OptionRow& row : option_table()) {
        Found& found = all.emplace_back();
        found.row = &row;
    }
    for (Found& found : all) {
        const std::string names = option_names(*found.row);
        if (found.row->value.empty()) {
            found.option = parser.add_flag(names);
        } else {
            found.option = parser.add_option(names, found.values);
            found.option->expected(1)->allow_extra_args(false);
        }
        found.option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
}

std::optional<UsageError> take_values(const std::vector<Found>& all, Config& config) {
    for (const Found& found : all) {
        const OptionRow& row = *found.row;
        if (found.option->count() > 1 && !row.repeats && !row.value.empty()) {
            return UsageError{fmt::format("option {} is given {} times; give it once",
                                          shown_name(row), found.option->count())};
        }
        if (row.value.empty() && found.option->count() > 0) {
            if (const ValueComplaint complaint = row.take(config, "")) {
                return UsageError{fmt::format("option {} {}", shown_name(row), *complaint)};
            }
        }
        for (const std::string& value : found.values) {
            if (value.empty()) {
                return UsageError{fmt::format("option {} needs a value ({}), not an empty one",
                                              shown_name(row), row.value)};
            }
            if (const ValueComplaint complaint = row.take(config, value)) {
                return UsageError{fmt::format("option {}: '{}' {}", shown_name(row),
                                              printable(value), printable(*complaint))};
            }
        }
    }
    if (!config.files.empty() && !config.interfaces.empty()) {
        return UsageError{"-r and -i exclude each other: read files or watch interfaces"};
    }
    return std::nullopt;
}

std::optional<UsageError> take_expressions(const std::vector<std::string>& arguments,
                                           Config& config) {
    bool options_ended = false;
    for (const std::string& argument : arguments) {
        if (argument == "--" && !options_ended) {
            options_ended = true;
            continue;
        }
        if (!options_ended && argument.size() > 1 && argument[0] == '-') {
            return UsageError{unknown_option(argument)};
        }
        FilterParseResult parsed = parse_filter_expression(argument);
        if (!parsed.expression) {
            return UsageError{fmt::format("expression '{}': position {}: expected {}",
                                          printable(argument), parsed.error.position + 1,
                                          parsed.error.expected)};
        }
        config.expressions.push_back(std::move(*parsed.expression));
    }
    return std::nullopt;
}

// CLI11's own words for what is wrong with the arguments themselves, as one line of ours.
UsageError describe(const CLI::ParseError& error, const std::vector<Found>& all) {
    const std::string message = error.what();
    for (const Found& found : all) {
        const std::string long_name = fmt::format("--{}", found.row->long_name);
        if (message.rfind(long_name, 0) == 0 || message.rfind(shown_name(*found.row), 0) == 0) {
            return found.row->value.empty()
                       ? UsageError{fmt::format("option {} takes no value", long_name)}
                       : UsageError{fmt::format("option {} needs a value: {}={}",
                                                shown_name(*found.row), long_name,
                                                found.row->value)};
        }
    }
    return UsageError{fmt::format("{}; see tcpeek --help", printable(message))};
}

bool given(const std::vector<Found>& all, std::string_view long_name) {
    return std::any_of(all.begin(), all.end(), [&](const Found& found) {
        return found.row->long_name == long_name && found.option->count() > 0;
    });
}

}  // namespace

ParseResult parse_command_line(int argc, const char* const* argv) {
    CLI::App parser;
    parser.set_help_flag();
    parser.allow_extras();
    std::vector<Found> all;
    all.reserve(option_table().size());
    declare(parser, all);
    try {
        parser.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return describe(error, all);
    }
    if (given(all, "help")) {
        return Information{help_text()};
    }
    if (given(all, "version")) {
        return Information{fmt::format("tcpeek {}\n", kVersion)};
    }
    Config config;
    if (auto error = take_values(all, config)) {
        return *error;
    }
    if (auto error = take_expressions(parser.remaining(), config)) {
        return *error;
    }
    return config;
}

}  // namespace tcpeek
