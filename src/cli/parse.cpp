#include "cli/parse.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/option_table.h"
#include "cli/printable.h"

namespace tcpeek {
namespace {

UsageError unknown_argument(std::string_view argument) {
    const std::string_view word = argument.substr(0, 2) == "--" && argument.find('=') != 2
                                      ? argument.substr(0, argument.find('='))
                                      : argument;
    if (word.find('@') == std::string_view::npos) {
        return unknown_option(tcpeek_program(), argument);
    }
    return UsageError{
        fmt::format("unknown option '{}'; an expression that begins with '-' stands after --",
                    printable(word))};
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
            return unknown_argument(argument);
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

}  // namespace

ParseResult parse_command_line(int argc, const char* const* argv) {
    Config config;
    auto parsed = parse_options(tcpeek_program(), argc, argv,
                                [&](std::size_t option, std::string_view value) {
                                    return take_option(config, option, value);
                                });
    if (auto* information = std::get_if<Information>(&parsed)) {
        return *information;
    }
    if (auto* error = std::get_if<UsageError>(&parsed)) {
        return *error;
    }
    if (!config.files.empty() && !config.interfaces.empty()) {
        return UsageError{"-r and -i exclude each other: read files or watch interfaces"};
    }
    if (auto error = take_expressions(std::get<OtherArguments>(parsed), config)) {
        return *error;
    }
    return config;
}

}  // namespace tcpeek
