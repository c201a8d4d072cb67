#include "cli/option_parser.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>

#include "cli/help.h"
#include "cli/nearest_option.h"
#include "cli/printable.h"
#include "cli/version.h"

namespace tcpeek {
namespace {

using Options = std::span<const OptionSpec>;

std::string option_names(const OptionSpec& option) {
    return option.short_name == '\0' ? fmt::format("--{}", option.long_name)
                                     : fmt::format("-{},--{}", option.short_name, option.long_name);
}

std::string shown_name(const OptionSpec& option) {
    return option.short_name == '\0' ? fmt::format("--{}", option.long_name)
                                     : fmt::format("-{}", option.short_name);
}

UsageError takes_no_value(std::string_view option, std::string_view argument) {
    return UsageError{fmt::format("option {} takes no value, but '{}' gives it one", option,
                                  printable(argument))};
}

UsageError needs_a_value(const OptionSpec& option) {
    return UsageError{fmt::format("option {} needs a value ({}), not an empty one",
                                  shown_name(option), option.value)};
}

// `--quiet=no` or `--interface=`.
std::optional<UsageError> check_long_form(Options options, std::string_view argument) {
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(2, equals - 2);
    for (const OptionSpec& option : options) {
        if (equals == std::string_view::npos || option.long_name != name) {
            continue;
        }
        if (option.value.empty()) {
            return takes_no_value(argument.substr(0, equals), argument);
        }
        if (equals + 1 == argument.size()) {
            return needs_a_value(option);
        }
    }
    return std::nullopt;
}

// `-q=no`, or `-q-`, in a group of letters that take no value.
std::optional<UsageError> check_short_form(Options options, std::string_view argument) {
    for (std::size_t i = 1; i + 1 < argument.size(); ++i) {
        const auto option = std::find_if(
            options.begin(), options.end(),
            [&](const OptionSpec& candidate) { return candidate.short_name == argument[i]; });
        if (option == options.end() || !option->value.empty()) {
            return std::nullopt;
        }
        if (argument[i + 1] == '=' || argument[i + 1] == '-') {
            return takes_no_value(shown_name(*option), argument);
        }
    }
    return std::nullopt;
}

std::optional<UsageError> check_form(Options options, const std::string& argument) {
    if (argument.size() < 2 || argument[0] != '-') {
        return std::nullopt;
    }
    return argument[1] == '-' ? check_long_form(options, argument)
                              : check_short_form(options, argument);
}

std::string with_bare_value(Options options, const std::string& argument) {
    for (const OptionSpec& option : options) {
        if (!option.bare_value.empty() && argument == fmt::format("--{}", option.long_name)) {
            return fmt::format("{}={}", argument, option.bare_value);
        }
    }
    return argument;
}

// Finds what CLI11 reads otherwise than users mean it (it ignores a flag's value, and after
// `--interface=` takes the next argument for it), and says what is wrong with the first of them. An
// argument that is another option's value may be met here, too: it begins with '-' then, and no
// option takes such a value.
std::optional<UsageError> check_forms(Options options, std::vector<std::string>& arguments) {
    std::optional<UsageError> first;
    for (std::string& argument : arguments) {
        if (argument == "--") {
            break;
        }
        argument = with_bare_value(options, argument);
        if (auto error = check_form(options, argument)) {
            first = first.value_or(*error);
            // With any value at all it takes no other argument along, which may be --help.
            argument += '=';
        }
    }
    return first;
}

// In the order of the program's options.
std::vector<CLI::Option*> declare(Options options, CLI::App& parser) {
    std::vector<CLI::Option*> all;
    for (const OptionSpec& option : options) {
        const std::string names = option_names(option);
        CLI::Option* declared = nullptr;
        if (option.value.empty()) {
            declared = parser.add_flag(names);
        } else {
            declared = parser.add_option(names)->expected(1)->allow_extra_args(false);
        }
        declared->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        all.push_back(declared);
    }
    return all;
}

// What every option that takes a value refuses, before it looks at it.
std::optional<UsageError> check_value(const OptionSpec& option, const std::string& value) {
    if (value.empty()) {
        return needs_a_value(option);
    }
    if (value[0] != '=') {
        return std::nullopt;
    }
    const std::string long_form = fmt::format("--{}={}", option.long_name, option.value);
    const std::string right_form =
        option.short_name == '\0'
            ? long_form
            : fmt::format("-{} {} or {}", option.short_name, option.value, long_form);
    return UsageError{fmt::format("option {}: '{}' begins with '='; write {}", shown_name(option),
                                  printable(value), right_form)};
}

std::optional<UsageError> take_values(const Program& program,
                                      const std::vector<CLI::Option*>& found,
                                      const TakeValue& take) {
    for (std::size_t i = 0; i < found.size(); ++i) {
        const OptionSpec& option = program.options[i];
        const std::size_t count = found[i]->count();
        if (option.value.empty()) {
            if (const ValueComplaint complaint = count > 0 ? take(i, "") : std::nullopt) {
                return UsageError{fmt::format("option {} {}", shown_name(option), *complaint)};
            }
            continue;
        }
        if (count > 1 && !option.repeats) {
            return UsageError{fmt::format("option {} is given {} times; give it once",
                                          shown_name(option), count)};
        }
        for (const std::string& value : found[i]->results()) {
            if (auto error = check_value(option, value)) {
                return error;
            }
            if (const ValueComplaint complaint = take(i, value)) {
                return UsageError{fmt::format("option {}: '{}' {}", shown_name(option),
                                              printable(value), *complaint)};
            }
        }
    }
    return std::nullopt;
}

// CLI11's own words for what is wrong with the arguments themselves, as one line of ours.
UsageError describe(const Program& program, const CLI::ParseError& error) {
    const std::string message = error.what();
    for (const OptionSpec& option : program.options) {
        const std::string long_name = fmt::format("--{}", option.long_name);
        if (message.rfind(long_name, 0) == 0) {
            return UsageError{fmt::format("option {} needs a value: {}={}", shown_name(option),
                                          long_name, option.value)};
        }
    }
    return UsageError{fmt::format("{}; see {} --help", printable(message), program.name)};
}

std::string version_text(const Program& program) {
    std::string text = fmt::format("{} {}\n", program.name, kVersion);
    if (!program.built_with.empty()) {
        text += fmt::format("built with: {}\n", program.built_with);
    }
    return text;
}

bool given(const Program& program, const std::vector<CLI::Option*>& found,
           std::string_view long_name) {
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (program.options[i].long_name == long_name && found[i]->count() > 0) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::variant<OtherArguments, Information, UsageError> parse_options(const Program& program,
                                                                    int argc,
                                                                    const char* const* argv,
                                                                    const TakeValue& take) {
    // A program may be started without even its own name.
    std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    std::optional<UsageError> wrong_form = check_forms(program.options, arguments);
    CLI::App parser;
    parser.set_help_flag();
    parser.allow_extras();
    const std::vector<CLI::Option*> found = declare(program.options, parser);
    try {
        parser.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        wrong_form = wrong_form.value_or(describe(program, error));
    }
    if (given(program, found, "help")) {
        return Information{help_text(program)};
    }
    if (given(program, found, "version")) {
        return Information{version_text(program)};
    }
    if (wrong_form) {
        return *wrong_form;
    }
    if (auto error = take_values(program, found, take)) {
        return *error;
    }
    return parser.remaining();
}

UsageError unknown_option(const Program& program, std::string_view argument) {
    std::string_view word = argument;
    if (word.substr(0, 2) == "--" && word.find('=') != 2) {
        word = word.substr(0, word.find('='));
    }
    const std::optional<std::string> nearest = nearest_option(program.options, word);
    return UsageError{
        nearest ? fmt::format("unknown option '{}'; did you mean {}?", printable(word), *nearest)
                : fmt::format("unknown option '{}'; see {} --help", printable(word), program.name)};
}

}  // namespace tcpeek
