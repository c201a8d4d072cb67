#include "cli/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "cli/config_file.h"
#include "cli/nearest_option.h"
#include "cli/option_table.h"
#include "cli/printable.h"

namespace tcpeek {
namespace {

// These ask for something else than a run, or name the file itself.
constexpr std::array<std::string_view, 5> kNotInFiles{"config", "check-config", "info", "help",
                                                      "version"};

// What the command line says, already found to be right.
struct CommandLine {
    std::vector<Setting> options;
    std::vector<std::string> expressions;
};

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

// The complaint about a wrong one.
std::optional<std::string> take_expression(const std::string& text, Config& config) {
    FilterParseResult parsed = parse_filter_expression(text);
    if (!parsed.expression) {
        return fmt::format("expression '{}': position {}: expected {}", printable(text),
                           characters(text, parsed.error.position) + 1, parsed.error.expected);
    }
    config.expressions.push_back(std::move(*parsed.expression));
    return std::nullopt;
}

std::optional<UsageError> take_expressions(const std::vector<std::string>& arguments,
                                           Config& config, std::vector<std::string>& expressions) {
    bool options_ended = false;
    for (const std::string& argument : arguments) {
        if (argument == "--" && !options_ended) {
            options_ended = true;
            continue;
        }
        if (!options_ended && argument.size() > 1 && argument[0] == '-') {
            return unknown_argument(argument);
        }
        if (const auto complaint = take_expression(argument, config)) {
            return UsageError{*complaint};
        }
        expressions.push_back(argument);
    }
    return std::nullopt;
}

std::optional<std::size_t> option_of(std::string_view long_name) {
    const std::vector<OptionSpec>& options = tcpeek_program().options;
    const auto found = std::find_if(
        options.begin(), options.end(),
        [long_name](const OptionSpec& option) { return option.long_name == long_name; });
    return found == options.end()
               ? std::nullopt
               : std::optional(static_cast<std::size_t>(found - options.begin()));
}

std::string unknown_key(const std::string& name) {
    const auto nearest = nearest_option(tcpeek_program().options, fmt::format("--{}", name));
    return fmt::format("unknown option '{}'; {}", printable(name),
                       nearest ? fmt::format("did you mean {}?", nearest->substr(2))
                               : std::string("see tcpeek --help for their long names"));
}

// Nothing: neither true nor false.
std::optional<bool> truth(std::string_view value) {
    for (const std::string_view yes : {"true", "yes", "on", "1"}) {
        if (value == yes) {
            return true;
        }
    }
    for (const std::string_view no : {"false", "no", "off", "0"}) {
        if (value == no) {
            return false;
        }
    }
    return std::nullopt;
}

// Takes the settings of one file.
class FileTaker {
  public:
    FileTaker(Config& config, const CommandLine& command_line) : config_(config) {
        for (const Setting& option : command_line.options) {
            overridden_.insert(option.name);
        }
        // Reading files and watching interfaces exclude each other.
        if (overridden_.count("read") + overridden_.count("interface") > 0) {
            overridden_.insert({"read", "interface"});
        }
        if (!command_line.expressions.empty()) {
            overridden_.insert(std::string(kExpressionKey));
        }
    }

    std::optional<std::string> take(const FileSetting& setting) {
        if (setting.name == kExpressionKey) {
            return take_one_expression(setting.value);
        }
        const auto option = option_of(setting.name);
        if (!option) {
            return unknown_key(setting.name);
        }
        if (std::find(kNotInFiles.begin(), kNotInFiles.end(), setting.name) != kNotInFiles.end()) {
            return fmt::format("option {} cannot stand in a file", setting.name);
        }
        const OptionSpec& spec = tcpeek_program().options[*option];
        if (!seen_.insert(setting.name).second && !spec.repeats) {
            return fmt::format(
                "option {} has several values; give it one, in quotes where it holds blanks or "
                "commas",
                setting.name);
        }
        if (setting.value.empty()) {
            return fmt::format("option {} needs a value", setting.name);
        }
        return spec.value.empty() ? take_flag(*option, setting) : take_value(*option, setting);
    }

  private:
    [[nodiscard]] bool counts(const std::string& name) const {
        return overridden_.count(name) == 0;
    }

    std::optional<std::string> take_one_expression(const std::string& value) {
        Config scratch;
        const bool wanted = counts(std::string(kExpressionKey));
        if (wanted) {
            config_.settings.push_back({std::string(kExpressionKey), value});
        }
        return take_expression(value, wanted ? config_ : scratch);
    }

    std::optional<std::string> take_flag(std::size_t option, const FileSetting& setting) {
        const auto on = truth(setting.value);
        if (!on) {
            return fmt::format("option {}: '{}' is not true or false", setting.name,
                               printable(setting.value));
        }
        return *on ? take_value(option, {setting.name, "", setting.line}) : std::nullopt;
    }

    // A value that does not count must be right, too.
    std::optional<std::string> take_value(std::size_t option, const FileSetting& setting) {
        Config scratch;
        const bool wanted = counts(setting.name);
        const auto complaint = take_option(wanted ? config_ : scratch, option, setting.value);
        if (complaint) {
            return fmt::format("option {}: '{}' {}", setting.name, printable(setting.value),
                               *complaint);
        }
        if (wanted) {
            config_.settings.push_back({setting.name, setting.value});
        }
        return std::nullopt;
    }

    Config& config_;
    std::set<std::string> overridden_;
    std::set<std::string> seen_;
};

std::optional<UsageError> take_file(const std::string& path, const CommandLine& command_line,
                                    Config& config) {
    const auto read = read_config_file(path);
    if (const auto* error = std::get_if<UsageError>(&read)) {
        return *error;
    }
    FileTaker taker(config, command_line);
    for (const FileSetting& setting : std::get<std::vector<FileSetting>>(read)) {
        if (const auto complaint = taker.take(setting)) {
            return file_error(path, setting.line, *complaint);
        }
    }
    return std::nullopt;
}

// Once more, onto what the file has: each of them has been found to be right.
void take_command_line(const CommandLine& command_line, Config& config) {
    for (const Setting& option : command_line.options) {
        static_cast<void>(take_option(config, option_of(option.name).value(), option.value));
        config.settings.push_back(option);
    }
    for (const std::string& expression : command_line.expressions) {
        static_cast<void>(take_expression(expression, config));
        config.settings.push_back({std::string(kExpressionKey), expression});
    }
}

// Those of one option stay in their order.
void sort_settings(std::vector<Setting>& settings) {
    const auto place = [](const Setting& setting) {
        return option_of(setting.name).value_or(tcpeek_program().options.size());
    };
    std::stable_sort(
        settings.begin(), settings.end(),
        [&](const Setting& left, const Setting& right) { return place(left) < place(right); });
}

}  // namespace

ParseResult parse_command_line(int argc, const char* const* argv) {
    Config checked;
    CommandLine command_line;
    auto parsed = parse_options(
        tcpeek_program(), argc, argv, [&](std::size_t option, std::string_view value) {
            command_line.options.push_back(
                {std::string(tcpeek_program().options[option].long_name), std::string(value)});
            return take_option(checked, option, value);
        });
    if (auto* information = std::get_if<Information>(&parsed)) {
        return *information;
    }
    if (auto* error = std::get_if<UsageError>(&parsed)) {
        return *error;
    }
    const UsageError both{"-r and -i exclude each other: read files or watch interfaces"};
    if (!checked.files.empty() && !checked.interfaces.empty()) {
        return both;
    }
    if (auto error =
            take_expressions(std::get<OtherArguments>(parsed), checked, command_line.expressions)) {
        return *error;
    }
    Config config;
    if (!checked.config_file.empty()) {
        if (auto error = take_file(checked.config_file, command_line, config)) {
            return *error;
        }
        if (!config.files.empty() && !config.interfaces.empty()) {
            return file_error(checked.config_file, 0,
                              "read and interface exclude each other: read files or watch "
                              "interfaces");
        }
    }
    take_command_line(command_line, config);
    sort_settings(config.settings);
    return config;
}

}  // namespace tcpeek
