// zsh: arguments for its function _arguments, one an option.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pages/completions.h"
#include "pages/value_kind.h"

namespace tcpeek {
namespace {

// Within '...' and within what _arguments reads up to ']' or ':'.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '\'') {
            result += "'\\''";
        } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
            result += fmt::format("\\{}", c);
        } else {
            result += c;
        }
    }
    return result;
}

std::string action_for(const ValueHints& hints) {
    const std::string words = fmt::format("{}", fmt::join(hints.words, " "));
    const auto with_words = [&](std::string_view function) {
        return words.empty() ? std::string(function)
                             : fmt::format("{{ {}; compadd -- {} }}", function, words);
    };
    switch (hints.kind) {
        case ValueKind::none:
            return " ";
        case ValueKind::words:
            return fmt::format("({})", words);
        case ValueKind::interface:
            return with_words("_net_interfaces");
        case ValueKind::user:
            return "_users";
        case ValueKind::file:
            return with_words("_files");
    }
    return {};
}

// What comes after an option's name: whether and where its value stands.
struct ValueSigns {
    std::string_view short_form;
    std::string_view long_form;
    std::string_view colons;
};

ValueSigns signs_of(const OptionSpec& option) {
    if (option.value.empty()) {
        return {"", "", ""};
    }
    return option.bare_value.empty() ? ValueSigns{"+", "=", ":"} : ValueSigns{"-", "=-", "::"};
}

std::string argument(const OptionSpec& option) {
    const ValueSigns signs = signs_of(option);
    const std::string long_form = fmt::format("--{}{}", option.long_name, signs.long_form);
    std::string tail = fmt::format("[{}]", escaped(option.help));
    if (!option.value.empty()) {
        tail += fmt::format("{}{}:{}", signs.colons, escaped(option.value),
                            action_for(hints_for(option)));
    }
    if (option.short_name == '\0') {
        return fmt::format("    '{}{}{}'", option.repeats ? "*" : "", long_form, tail);
    }
    const std::string excluded =
        option.repeats ? "*" : fmt::format("(-{} --{})", option.short_name, option.long_name);
    return fmt::format("    '{}'{{-{}{},{}}}'{}'", excluded, option.short_name, signs.short_form,
                       long_form, tail);
}

}  // namespace

std::string zsh_completion(const Program& program) {
    std::vector<std::string> arguments;
    for (const OptionSpec& option : program.options) {
        arguments.push_back(argument(option));
    }
    // What is no option is an expression, of which nothing can be proposed.
    if (program.introduction.find("[expression]") != std::string_view::npos) {
        arguments.emplace_back("    '*:expression: '");
    }
    return fmt::format(
        "#compdef {0}\n# zsh completion for {0}, made of the table that its --help shows.\n"
        "_arguments -s -S \\\n{1}\n",
        program.name, fmt::join(arguments, " \\\n"));
}

}  // namespace tcpeek
