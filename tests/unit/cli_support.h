// Command lines for the tests of src/cli, and what came of them as one text to compare.
#pragma once

#include <fmt/format.h>

#include <string>
#include <variant>
#include <vector>

#include "cli/parse.h"

namespace tcpeek {

// The arguments after the program's name.
using Arguments = std::vector<std::string>;

inline ParseResult parse_arguments(const Arguments& arguments) {
    std::vector<const char*> argv{"tcpeek"};
    for (const std::string& argument : arguments) {
        argv.push_back(argument.c_str());
    }
    argv.push_back(nullptr);
    return parse_command_line(static_cast<int>(argv.size()) - 1, argv.data());
}

inline std::string described(const FilterExpression& expression) {
    std::string text = expression.name + ":";
    for (const FilterPart& part : expression.parts) {
        const char* direction = part.direction == FilterDirection::rx   ? "RX"
                                : part.direction == FilterDirection::tx ? "TX"
                                                                        : "ANY";
        text += fmt::format("({} {}", direction,
                            part.network ? fmt::format("{}/{}", part.network->address().to_string(),
                                                       part.network->prefix_length())
                                         : "*");
        for (const PortRange& range : part.ports) {
            text += fmt::format(" {}-{}", range.first, range.last);
        }
        text += ")";
    }
    return text;
}

// Each field that is not as without any option: "interfaces=eth0 quiet". A list's elements are
// named one by one, in their order.
inline std::string described(const Config& config) {
    const Config initial;
    std::string text;
    const auto add = [&](bool differs, const std::string& words) {
        if (differs) {
            text += (text.empty() ? "" : " ") + words;
        }
    };
    for (const std::string& name : config.interfaces) {
        add(true, "interface=" + name);
    }
    for (const std::string& name : config.files) {
        add(true, "file=" + name);
    }
    add(config.user != initial.user, "user=" + config.user);
    add(config.checksum_mode != initial.checksum_mode,
        fmt::format("checksum={}", config.checksum_mode));
    add(config.timeout_seconds != initial.timeout_seconds,
        fmt::format("timeout={}", config.timeout_seconds));
    add(config.buffer_megabytes != initial.buffer_megabytes,
        fmt::format("buffer={}", config.buffer_megabytes));
    add(config.log_level != initial.log_level, fmt::format("log={}", config.log_level));
    add(config.quiet, "quiet");
    add(config.promiscuous, "promiscuous");
    add(config.icmp, "icmp");
    for (const IpNetwork& network : config.local) {
        add(true,
            fmt::format("local={}/{}", network.address().to_string(), network.prefix_length()));
    }
    add(config.output == OutputForm::json, "json");
    add(config.max_sessions != initial.max_sessions,
        fmt::format("max_sessions={}", config.max_sessions));
    add(config.info, "info");
    for (const FilterExpression& expression : config.expressions) {
        add(true, described(expression));
    }
    return text;
}

// "usage error: LINE", "information: TEXT", or the Config as above.
inline std::string described(const ParseResult& result) {
    if (const auto* error = std::get_if<UsageError>(&result)) {
        return "usage error: " + error->message;
    }
    if (const auto* information = std::get_if<Information>(&result)) {
        return "information: " + information->text;
    }
    return described(std::get<Config>(result));
}

// For the messages of failed expectations.
inline std::string quoted(const Arguments& arguments) {
    std::string text = "tcpeek";
    for (const std::string& argument : arguments) {
        text += " '" + argument + "'";
    }
    return text;
}

}  // namespace tcpeek
