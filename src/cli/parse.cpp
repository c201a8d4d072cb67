#include "cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "cli/help.h"
#include "cli/nearest_option.h"
#include "cli/option_table.h"
#include "cli/printable.h"
#include "cli/version.h"

namespace tcpeek {
namespace {

// What CLI11 found for one row of the option table.
struct Found {
    const OptionRow* row = nullptr;
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

std::string unknown_option(const std::string& argument) {
    std::string_view word = argument;
    const bool is_long = word.substr(0, 2) == "--" && word.find('=') != 2;
    if (is_long) {
        word = word.substr(0, word.find('='));
    }
    if (word.find('@') != std::string_view::npos) {
        return fmt::format(
            "unknown option '{}'; an expression that begins with '-' stands after --",
            printable(word));
    }
    const std::optional<std::string> nearest = nearest_option(word);
    return nearest ? fmt::format("unknown option '{}'; did you mean {}?", printable(word), *nearest)
                   : fmt::format("unknown option '{}'; see tcpeek --help", printable(word));
}

UsageError takes_no_value(std::string_view option, std::string_view argument) {
    return UsageError{fmt::format("option {} takes no value, but '{}' gives it one", option,
                                  printable(argument))};
}

UsageError needs_a_value(const OptionRow& row) {
    return UsageError{
        fmt::format("option {} needs a value ({}), not an empty one", shown_name(row), row.value)};
}

// `--quiet=no` or `--interface=`.
std::optional<UsageError> check_long_form(std::string_view argument) {
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(2, equals - 2);
    for (const OptionRow& row : option_table()) {
        if (equals == std::string_view::npos || row.long_name != name) {
            continue;
        }
        if (row.value.empty()) {
            return takes_no_value(argument.substr(0, equals), argument);
        }
        if (equals + 1 == argument.size()) {
            return needs_a_value(row);
        }
    }
    return std::nullopt;
}

// `-q=no`, or `-q-`, in a group of letters that take no value.
std::optional<UsageError> check_short_form(std::string_view argument) {
    const auto rows = option_table();
    for (std::size_t i = 1; i + 1 < argument.size(); ++i) {
        const auto row = std::find_if(rows.begin(), rows.end(), [&](const OptionRow& candidate) {
            return candidate.short_name == argument[i];
        });
        if (row == rows.end() || !row->value.empty()) {
            return std::nullopt;
        }
        if (argument[i + 1] == '=' || argument[i + 1] == '-') {
            return takes_no_value(shown_name(*row), argument);
        }
    }
    return std::nullopt;
}

std::optional<UsageError> check_form(const std::string& argument) {
    if (argument.size() < 2 || argument[0] != '-') {
        return std::nullopt;
    }
    return argument[1] == '-' ? check_long_form(argument) : check_short_form(argument);
}

// Finds what CLI11 reads otherwise than users mean it (it ignores a flag's value, and after
// `--interface=` takes the next argument for it), and says what is wrong with the first of them. An
// argument that is another option's value may be met here, too: it begins with '-' then, and no
// option takes such a value.
std::optional<UsageError> check_forms(std::vector<std::string>& arguments) {
    std::optional<UsageError> first;
    for (std::string& argument : arguments) {
        if (argument == "--") {
            break;
        }
        if (auto error = check_form(argument)) {
            first = first.value_or(*error);
            // With any value at all it takes no other argument along, which may be --help.
            argument += '=';
        }
    }
    return first;
}

std::vector<Found> declare(CLI::App& parser) {
    std::vector<Found> all;
    for (const OptionRow& row : option_table()) {
        const std::string names = option_names(row);
        CLI::Option* option = nullptr;
        if (row.value.empty()) {
            option = parser.add_flag(names);
        } else {
            option = parser.add_option(names)->expected(1)->allow_extra_args(false);
        }
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        all.push_back({&row, option});
    }
    return all;
}

// One value of an option that takes values. Nothing: it was taken.
std::optional<UsageError> take_value(const OptionRow& row, const std::string& value,
                                     Config& config) {
    if (value.empty()) {
        return needs_a_value(row);
    }
    if (value[0] == '=') {
        return UsageError{row.short_name == '\0'
                              ? fmt::format("option --{}: '{}' begins with '='; write --{}={}",
                                            row.long_name, printable(value), row.long_name,
                                            row.value)
                              : fmt::format("option -{}: '{}' begins with '='; write -{} {} or "
                                            "--{}={}",
                                            row.short_name, printable(value), row.short_name,
                                            row.value, row.long_name, row.value)};
    }
    if (const ValueComplaint complaint = row.take(config, value)) {
        return UsageError{
            fmt::format("option {}: '{}' {}", shown_name(row), printable(value), *complaint)};
    }
    return std::nullopt;
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
        if (!row.value.empty()) {
            for (const std::string& value : found.option->results()) {
                if (auto error = take_value(row, value, config)) {
                    return error;
                }
            }
        }
    }
    if (!config.files.empty() && !config.interfaces.empty()) {
        return UsageError{"-r and -i exclude each other: read files or watch interfaces"};
    }
    return std::nullopt;
}

// Users count characters, not bytes: those that begin before `octets`.
std::size_t characters(std::string_view text, std::size_t octets) {
    const std::string_view before = text.substr(0, octets);
    return static_cast<std::size_t>(std::count_if(before.begin(), before.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
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
            return UsageError{fmt::format(
                "expression '{}': position {}: expected {}", printable(argument),
                characters(argument, parsed.error.position) + 1, parsed.error.expected)};
        }
        config.expressions.push_back(std::move(*parsed.expression));
    }
    return std::nullopt;
}

// CLI11's own words for what is wrong with the arguments themselves, as one line of ours.
UsageError describe(const CLI::ParseError& error) {
    const std::string message = error.what();
    for (const OptionRow& row : option_table()) {
        const std::string long_name = fmt::format("--{}", row.long_name);
        if (message.rfind(long_name, 0) == 0) {
            return UsageError{fmt::format("option {} needs a value: {}={}", shown_name(row),
                                          long_name, row.value)};
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
    // A program may be started without even its own name.
    std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    std::optional<UsageError> wrong_form = check_forms(arguments);
    CLI::App parser;
    parser.set_help_flag();
    parser.allow_extras();
    const std::vector<Found> all = declare(parser);
    try {
        parser.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        wrong_form = wrong_form.value_or(describe(error));
    }
    if (given(all, "help")) {
        return Information{help_text()};
    }
    if (given(all, "version")) {
        return Information{fmt::format("tcpeek {}\n", kVersion)};
    }
    if (wrong_form) {
        return *wrong_form;
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
